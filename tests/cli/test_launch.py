"""`tf-translate launch`: commands of tf-translate in several processes."""

import pytest


@pytest.mark.slow
def test_launch_runs_the_command_in_each_worker(command):
    code, out, _ = command("launch", "--workers", "2", "--", "methods", "--json")
    assert code == 0
    lines = out.splitlines()
    for index in (0, 1):
        assert any(line.startswith(f"[{index}] ") and '"cyclegan"' in line for line in lines)


@pytest.mark.slow
def test_launch_exits_with_the_code_of_a_failed_worker(command):
    code, out, _ = command("launch", "--workers", "2", "--", "describe", "cyclgan")
    assert code == 2
    assert "[1] error: " in out
    assert "worker 0 ended with exit code 2" in out


def test_launch_without_workers_is_a_mistake(mistake):
    sentence = mistake("launch", "--workers", "0", "--", "methods")
    assert "the number of workers must be at least 1, got 0" in sentence


def test_the_help_of_launch_shows_an_example(command):
    _, out, _ = command("launch", "--help")
    assert "tf-translate launch --workers 2 -- train pix2pix" in " ".join(out.split())
