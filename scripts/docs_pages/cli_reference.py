"""The page of every command, its arguments and options: docs/reference/cli.md."""

import re
from collections.abc import Iterator

import typer

from tf_translate.cli.main import app

_HEAD = """# Command line

This page is generated from `tf-translate --help` and the help of each command. `tf-translate
COMMAND --help` prints what stands here.

`tf-translate --import FILE.py COMMAND ...` first imports a Python file that registers a method of
yours. The file is run as your code. The option may be repeated.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | what was asked for failed, such as a model that `verify` refuses |
| 2 | a mistake in the call, reported in one sentence |
| 130 | stopped by Ctrl-C or SIGTERM |

"""


def page() -> str:
    """The page in Markdown."""
    commands = list(all_commands())
    rows = [
        f"| [`tf-translate {name}`](#{_anchor(name)}) | {_first_sentence(command.help)} |"
        for name, command in commands
    ]
    table = "\n".join(["| command | what it does |", "|---|---|", *rows])
    sections = (_section(name, command) for name, command in commands)
    return _HEAD + table + "\n\n" + "\n".join(sections)


def all_commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command with its name, such as "data pack"."""
    yield from _commands_of(typer.main.get_command(app), "")


def _commands_of(group, prefix: str) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands_of(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _section(name: str, command) -> str:
    arguments = command.make_context(f"tf-translate {name}", [], resilient_parsing=True)
    about, _, examples = command.help.partition("Examples:")
    lines = [f"## tf-translate {name} {{#{_anchor(name)}}}", "", _code_quoted(about.strip()), ""]
    lines += ["```text", command.get_usage(arguments).removeprefix("Usage: "), "```", ""]
    if examples.strip():
        shown = [line.strip() for line in examples.splitlines() if line.strip()]
        lines += ["```bash", *shown, "```", ""]
    rows = [row for each in command.params if (row := each.get_help_record(arguments))]
    if rows:
        lines += ["| argument or option | meaning |", "|---|---|"]
        lines += [f"| `{_named(names)}` | {_cell(text)} |" for names, text in rows]
        lines.append("")
    return "\n".join(lines)


def _named(names: str) -> str:
    """`--set KEY=VALUE` as it is typed, without Python's names of types."""
    return re.sub(r"\s*<[^>]*>$", "", names).replace("|", "\\|").strip()


def _cell(text: str) -> str:
    return _code_quoted(" ".join(text.split())).replace("|", "\\|").replace("  [", " [")


def _code_quoted(text: str) -> str:
    """Text whose angle brackets and stars Markdown does not take for its own."""
    return text.replace("<", "&lt;").replace("*", "\\*")


def _first_sentence(text: str) -> str:
    return _cell(re.split(r"(?<=\.)\s|\n\n", text.strip(), maxsplit=1)[0])


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
