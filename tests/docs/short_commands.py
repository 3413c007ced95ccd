"""`tf-translate` with few steps and without downloads, for tests that run the commands of a page.

python -m tests.docs.short_commands COMMAND ...    as `tf-translate COMMAND ...`
"""

import re
import sys
import tempfile
from pathlib import Path

from tf_translate.cli.main import run

STEPS, RESUMED_STEPS = 4, 6
MINUTES = 0.02  # of a cell
SHORT = (
    *("evaluation.images=16", "evaluation.judge_images=32"),
    *("evaluation.domain_steps=2", "evaluation.content_steps=2"),
)


def shorten(words: list[str]) -> list[str]:
    """The same command, over in seconds."""
    if words[:2] == ["compare", "run"]:
        settings = [word for setting in SHORT for word in ("--set", setting)]
        return [*words, "--budget", str(MINUTES), *settings]  # the last --budget counts
    words = [re.sub(r"^(training.minutes)=.*", rf"\1={MINUTES}", word) for word in words]
    if "train" in words:
        steps = [f"training.steps={RESUMED_STEPS if '--resume' in words else STEPS}"]
        settings = steps if "--resume" in words else [*steps, *SHORT]
        words = words + [word for setting in settings for word in ("--set", setting)]
    if words[:2] == ["data", "fetch"]:
        words = [re.sub(r"^\d{4,}$", "12", word) for word in words]  # --number
    if words[0] == "serve":
        words = [*words, "--port", "0"]
    return words


def use_stand_ins_of_litert() -> None:
    """Puts small files in the place of LiteRT.js, which npm would fetch."""
    import pytest

    from tests.exporters.web.sites import pack_stand_ins
    from tf_translate.cli import export, serve

    folder = Path(tempfile.mkdtemp())
    packed = pack_stand_ins(folder, pytest.MonkeyPatch())
    for module in (export, serve):
        module.obtain_litert = lambda: packed


if __name__ == "__main__":
    sys.argv[1:] = shorten(sys.argv[1:])
    if sys.argv[1] == "serve" or "--web" in sys.argv:
        use_stand_ins_of_litert()
    run()
