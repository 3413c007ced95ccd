"""The code blocks of a page, and the commands of `tf-translate` in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"\n]+)")?[^\n]*\n(?P<code>.*?)^```',
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block of a page; `title` is the name of the file that it shows, or empty."""

    language: str
    code: str
    title: str = ""

    @property
    def lines(self) -> list[str]:
        """Its lines of code without blank ones; lines of a shell that a backslash joins are one."""
        joined = self.code.replace("\\\n", " ") if self.language == "bash" else self.code
        return [line for line in joined.splitlines() if line.strip()]


def code_blocks(text: str) -> list[CodeBlock]:
    """All blocks of a page in order."""
    return [
        CodeBlock(each["language"], each["code"], each["title"] or "")
        for each in _BLOCK.finditer(text)
    ]


def tf_translate_commands(code: str) -> Iterator[list[str]]:
    """The words after `tf-translate` of each command in a bash block."""
    for line in code.replace("\\\n", " ").splitlines():
        inner = re.search(r"\$\((.*)\)", line)
        words = shlex.split(inner[1] if inner else line, comments=True)
        if "tf-translate" in words:
            words = words[words.index("tf-translate") + 1 :]
            yield words[: words.index("|")] if "|" in words else words
