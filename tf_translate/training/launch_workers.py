"""Starts workers of one training as processes on this machine; see launch_local."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

# `tf-translate` of this interpreter, wherever its scripts are.
COMMAND = (sys.executable, "-c", "from tf_translate.cli.main import run; run()")
GRACE = 90  # seconds that the others get to notice a worker that failed: they do within a minute


def main() -> int:
    """Runs the workers; gives the exit code of the first that failed, or 0."""
    parser = argparse.ArgumentParser(prog="scripts/launch_local", usage=USAGE)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    told = parser.parse_args()
    command = told.command[1:] if told.command[:1] == ["--"] else told.command
    if told.workers < 1 or not command:
        parser.error("give --workers of at least 1 and, behind --, a command of tf-translate")
    workers = _start(told.workers, command)
    readers = [threading.Thread(target=_prefix, args=pair) for pair in enumerate(workers)]
    for reader in readers:
        reader.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: _pass_on(workers, number))
    code = _wait(workers)
    for reader in readers:
        reader.join()
    for index, worker in enumerate(workers):
        print(f"worker {index} {_ending(worker.returncode)}", flush=True)
    return code


USAGE = "%(prog)s [--workers N] -- COMMAND ..., for instance -- train pix2pix"


def _start(count: int, command: list[str]) -> list[subprocess.Popen]:
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(count)]
    workers = []
    for index in range(count):
        place = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        workers.append(
            subprocess.Popen(
                [*COMMAND, *command],
                env={**os.environ, "TF_CONFIG": json.dumps(place), "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C reaches them once: through here
            )
        )
        print(f"worker {index}: process {workers[-1].pid}, {addresses[index]}", flush=True)
    return workers


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _prefix(index: int, worker: subprocess.Popen) -> None:
    for line in worker.stdout:
        print(f"[{index}] {line}", end="", flush=True)


def _ending(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _pass_on(workers: list[subprocess.Popen], number: int) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(number)


def _wait(workers: list[subprocess.Popen]) -> int:
    """Waits for all; once one has failed the others get time to notice, then are killed."""
    code, failed_at = 0, None
    while any(worker.poll() is None for worker in workers):
        time.sleep(0.1)
        failed = [worker.returncode for worker in workers if worker.poll()]
        if failed and failed_at is None:
            code, failed_at = failed[0], time.monotonic()
        if failed_at is not None and time.monotonic() - failed_at > GRACE:
            _pass_on(workers, signal.SIGKILL)
    code = code or next((worker.returncode for worker in workers if worker.returncode), 0)
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main())
