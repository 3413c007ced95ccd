"""`tf-translate train` with a clock: writes when each part of its start was done.

python scripts/stress/startup_worker.py STARTED NOTES train SOURCE --run RUN ...
STARTED: seconds since 1970 at which the process was asked for.
"""

import functools
import json
import sys
import time
from pathlib import Path

_moments: list[dict] = []


def note(part: str) -> None:
    """Notes that a part is done now: seconds of the clock, and of the processor."""
    _moments.append({"part": part, "clock": time.time(), "processor": time.process_time()})


def noting(part: str, function):
    """The function, with a note when it has been called for the first time."""

    @functools.wraps(function)
    def noted(*args, **kwargs):
        result = function(*args, **kwargs)
        if part not in {moment["part"] for moment in _moments}:
            note(part)
        return result

    return noted


def main(notes: Path) -> None:
    """Trains by the command's own code; the parts of its start are noted as they end."""
    from tf_translate.cli.main import run
    from tf_translate.cli.output import load_tensorflow

    load_tensorflow()
    import tf_translate.experiment.train as experiment
    from tf_translate.training.callbacks import LossCheck

    def noted_execution(own, previous_step, step, logs):
        after_execution(own, previous_step, step, logs)
        note(f"step {step}")

    after_execution = LossCheck.after_execution
    LossCheck.after_execution = noted_execution
    experiment.open_dataset = noting("data", experiment.open_dataset)
    experiment.build = noting("build", experiment.build)
    experiment.preview = noting("run", experiment.preview)
    experiment.registry.find(sys.argv.pop(1)).load()
    note("import")
    try:
        run()
    finally:
        notes.write_text(json.dumps(_moments))


if __name__ == "__main__":
    _moments.append({"part": "asked for", "clock": float(sys.argv.pop(1)), "processor": 0.0})
    main(Path(sys.argv.pop(1)))
