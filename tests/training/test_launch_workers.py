"""Local workers: their output, their exit codes and the signals they receive."""

import os
import signal
import sys

import pytest

from tf_translate.errors import ConfigError
from tf_translate.training.launch_workers import launch_workers

READ_INDEX = "import json, os; index = json.loads(os.environ['TF_CONFIG'])['task']['index']\n"


def _python(code):
    return [sys.executable, "-c", READ_INDEX + code]


def test_each_worker_knows_its_index_and_its_lines_are_prefixed():
    lines = []
    assert launch_workers(_python("print('index', index)"), 2, lines.append) == 0
    assert {"[0] index 0", "[1] index 1"} <= set(lines)
    assert lines[-2:] == ["worker 0 ended with exit code 0", "worker 1 ended with exit code 0"]


def test_all_workers_have_the_same_addresses():
    lines = []
    launch_workers(_python("print(os.environ['TF_CONFIG'])"), 2, lines.append)
    clusters = {line.split('"task"')[0][4:] for line in lines if line.startswith("[")}
    assert len(clusters) == 1
    assert clusters.pop().count("127.0.0.1:") == 2


def test_the_exit_code_is_that_of_the_worker_that_failed():
    lines = []
    assert launch_workers(_python("raise SystemExit(3 * index)"), 2, lines.append) == 3
    assert "worker 1 ended with exit code 3" in lines


def test_a_killed_worker_counts_as_128_plus_the_signal():
    lines = []
    code = "os.kill(os.getpid(), 9) if index == 0 else None"
    assert launch_workers(_python(code), 2, lines.append) == 128 + signal.SIGKILL
    assert "worker 0 was killed by signal 9" in lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_forwarded_to_all_workers_and_the_handler_is_restored(number):
    wait_for_signal = f"""
import signal, time
def stop(*_):
    raise SystemExit(130)
signal.signal({int(number)}, stop)
print("ready")
time.sleep(60)
"""
    lines, handler = [], signal.getsignal(number)

    def report(line):
        lines.append(line)
        if line.endswith("ready") and len([each for each in lines if "ready" in each]) == 2:
            os.kill(os.getpid(), number)

    assert launch_workers(_python(wait_for_signal), 2, report) == 130
    assert lines[-2:] == [f"worker {index} ended with exit code 130" for index in (0, 1)]
    assert signal.getsignal(number) is handler


def test_a_count_below_one_and_an_empty_command_are_rejected():
    with pytest.raises(ConfigError, match="number of workers must be at least 1, got 0"):
        launch_workers(["true"], 0)
    with pytest.raises(ConfigError, match="must not be empty"):
        launch_workers([], 2)
