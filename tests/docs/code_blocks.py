"""The code blocks of a page, and the commands of `tf-translate` in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^(?P<mark><!-- not run: [^\n]+ -->\n)?```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block of a page; `runs` is False after a line <!-- not run: REASON -->."""

    language: str
    code: str
    runs: bool


def code_blocks(text: str) -> list[CodeBlock]:
    """All blocks of a page in order."""
    return [
        CodeBlock(each["language"], each["code"], runs=each["mark"] is None)
        for each in _BLOCK.finditer(text)
    ]


def tf_translate_commands(code: str) -> Iterator[list[str]]:
    """The words after `tf-translate` of each command in a bash block."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if "tf-translate" in words:
            words = words[words.index("tf-translate") + 1 :]
            yield words[: words.index("|")] if "|" in words else words
