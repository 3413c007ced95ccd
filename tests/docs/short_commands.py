"""`tf-translate` with few steps, for tests that run the commands of a page.

python -m tests.docs.short_commands COMMAND ...    as `tf-translate COMMAND ...`
"""

import sys

from tf_translate.cli.main import run

SHORT = (
    *("training.steps=4", "evaluation.images=16", "evaluation.judge_images=32"),
    *("evaluation.domain_steps=2", "evaluation.content_steps=2"),
)

if __name__ == "__main__":
    if "train" in sys.argv[1:2]:
        sys.argv += [word for setting in SHORT for word in ("--set", setting)]
    run()
