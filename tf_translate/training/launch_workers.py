"""Starts several workers of one training as processes on this host."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from tf_translate.errors import ConfigError

# Seconds for the other workers to notice a worker that failed; they do within a minute.
GRACE_SECONDS = 90


def launch_workers(
    command: Sequence[str], count: int, report: Callable[[str], None] | None = None
) -> int:
    """Runs a command in several processes that train together, and waits for all of them.

    Each process finds the others by its TF_CONFIG, on free ports of 127.0.0.1. Call it in the
    main thread: while the workers run, Ctrl-C and SIGTERM are forwarded to all of them. Once a
    worker fails, the others have `GRACE_SECONDS` to stop before they are killed.

    Args:
        command: The command of each worker, as a list of arguments.
        count: Number of workers.
        report: Called with each line of output; the lines of worker 0 start with "[0] ". None:
            prints them.

    Returns:
        0 if all workers succeeded, else the exit code of the first that failed. A worker that
        was killed by a signal counts as 128 plus its number.

    Raises:
        ConfigError: If the count is less than 1 or the command is empty.
    """
    if count < 1:
        raise ConfigError(f"the number of workers must be at least 1, got {count}")
    if not command:
        raise ConfigError("the command of the workers must not be empty")
    report = report or _print_line
    workers = _start(command, count, report)
    previous_handlers = _forward_signals(workers)
    try:
        readers = [
            threading.Thread(target=_prefix_lines, args=(index, worker, report))
            for index, worker in enumerate(workers)
        ]
        for reader in readers:
            reader.start()
        code = _wait(workers)
        for reader in readers:
            reader.join()
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
    for index, worker in enumerate(workers):
        report(f"worker {index} {_describe_exit(worker.returncode)}")
    return code


def _print_line(line: str) -> None:
    print(line, flush=True)


def _start(
    command: Sequence[str], count: int, report: Callable[[str], None]
) -> list[subprocess.Popen]:
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(count)]
    workers = []
    for index in range(count):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        workers.append(
            subprocess.Popen(
                list(command),
                env={**os.environ, "TF_CONFIG": json.dumps(task), "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # a terminal's Ctrl-C reaches workers only through us
            )
        )
        report(f"worker {index}: process {workers[-1].pid}, {addresses[index]}")
    return workers


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _forward_signals(workers: list[subprocess.Popen]) -> dict:
    """Forwards Ctrl-C and SIGTERM to the workers; returns the previous handlers."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    return {
        number: signal.signal(number, lambda received, _: _send_signal(workers, received))
        for number in numbers
    }


def _prefix_lines(index: int, worker: subprocess.Popen, report: Callable[[str], None]) -> None:
    for line in worker.stdout or ():
        report(f"[{index}] {line.rstrip(chr(10))}")


def _describe_exit(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _send_signal(workers: list[subprocess.Popen], number: int) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(number)


def _wait(workers: list[subprocess.Popen]) -> int:
    """Waits for all workers; returns the exit code of the first that failed, or 0."""
    first_code, failure_time = 0, None
    while any(worker.poll() is None for worker in workers):
        time.sleep(0.1)
        failed = [worker.returncode for worker in workers if worker.poll()]
        if failed and failure_time is None:
            first_code, failure_time = failed[0], time.monotonic()
        if failure_time is not None and time.monotonic() - failure_time > GRACE_SECONDS:
            _send_signal(workers, signal.SIGKILL)
    code = first_code or next((worker.returncode for worker in workers if worker.returncode), 0)
    return 128 - code if code < 0 else code
