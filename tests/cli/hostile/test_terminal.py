"""Text of a forged bundle on the terminal: control characters are shown, and do nothing."""

import pytest

from tests.cli.hostile.forging import GOLDEN, LITE, manifest, signed
from tests.exporters.untrusted.crashing import harmless

ESCAPE = "\x1b[2J\x1b[1;1H"
FORGED = f"x{ESCAPE}\nverified\r\u202e\x07"


def _forged_path(content):
    content["files"][FORGED] = content["files"][GOLDEN]


def _forged_artifact(content):
    content["artifacts"]["float32"]["path"] = FORGED
    content["files"][FORGED] = content["files"].pop(LITE)


def _forged_key(content):
    content[FORGED] = 1


CASES = {
    "path": (_forged_path, ("verify", "benchmark --card")),
    "artifact": (_forged_artifact, ("verify", "lint", "benchmark")),
    "key": (_forged_key, ("verify", "lint", "benchmark", "serve --no-open")),
}


@pytest.mark.parametrize("case", CASES)
def test_control_characters_of_a_manifest_are_printed_as_escapes(bundle, command, case):
    change, commands = CASES[case]
    manifest(change)(bundle)
    for line in commands:
        name, *options = line.split()
        code, out, error = command(name, bundle, *options)
        assert code in (1, 2)
        printed = out + error
        assert not set(printed) & {"\x1b", "\r", "\x07", "\u202e"}, line
        assert "\nverified" not in printed, line
        assert "\\x1b[2J" in printed.replace("\n", "").replace(" ", ""), line


def test_names_in_a_model_are_printed_as_escapes(bundle, command):
    content = harmless().replace(b"\x02\x00\x00\x00t0", b"\x02\x00\x00\x00\x1b[")
    assert b"\x1b[" in content
    signed(LITE, lambda _: content)(bundle)
    _, out, error = command("lint", bundle)
    assert "\x1b" not in out + error
