"""Runs `tf-translate train` and records when each part of its start has ended.

python -m scripts.stress.startup_worker STARTED MOMENTS METHOD train CONFIG --run RUN ...

STARTED is the time of the command in seconds since 1970, MOMENTS the JSON file to write.
"""

import functools
import json
import sys
import time
from pathlib import Path

_moments: list[dict] = []


def record(part: str) -> None:
    """Records that a part has just ended: wall-clock and processor seconds."""
    _moments.append({"part": part, "clock": time.time(), "processor": time.process_time()})


def recorded(part: str, function):
    """The function; its first call records the end of a part."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        result = function(*args, **kwargs)
        if part not in {moment["part"] for moment in _moments}:
            record(part)
        return result

    return call


def main(moments: Path) -> None:
    """Trains with the command's own code and records the end of each part of its start."""
    from tf_translate.cli.main import run
    from tf_translate.cli.output import load_tensorflow

    load_tensorflow()
    import tf_translate.experiment.train as experiment
    from tf_translate.training.callbacks import LossCheck

    def record_execution(check, previous_step, step, logs):
        after_execution(check, previous_step, step, logs)
        record(f"step {step}")

    after_execution = LossCheck.after_execution
    LossCheck.after_execution = record_execution
    experiment.open_dataset = recorded("data", experiment.open_dataset)
    experiment.build = recorded("build", experiment.build)
    experiment.preview = recorded("run", experiment.preview)
    experiment.registry.find(sys.argv.pop(1))
    record("import")
    try:
        run()
    finally:
        moments.write_text(json.dumps(_moments))


if __name__ == "__main__":
    _moments.append({"part": "command", "clock": float(sys.argv.pop(1)), "processor": 0.0})
    main(Path(sys.argv.pop(1)))
