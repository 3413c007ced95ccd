"""Each method's page has what its class, its presets and the published results have.

tests/cli/test_commands.py builds the networks of the papers' sizes, and compares their tables.
"""

import functools
import sys

import pytest

from scripts.results import method_pages
from scripts.results.method_pages import gaps, page_path, presets_table, stale_parts, with_part
from scripts.results.methods_table import own_methods

METHODS = [method.name for method in own_methods()]


@functools.cache
def page(method):
    return page_path(method).read_text("utf-8")


@pytest.mark.parametrize("method", METHODS)
def test_a_page_has_all_terms_departures_presets_and_results(method):
    assert gaps(method, page(method)) == []
    assert stale_parts(method, page(method), ("presets",)) == []


@pytest.mark.parametrize(
    ("old", "new", "gap"),
    [
        ("`l1`, 100", "`l1`, 10", "lacks `l1` with its weight 100"),
        ("`discriminator`, 1", "the discriminator", "lacks `discriminator` with its weight 1"),
        ("`generator_objective`", "`generators_objective`", "no function generators_objective"),
        ("not fresh noise", "not noise", "lacks the departure: Dropout at inference"),
        ("pix2pix_flat_to_3d.json)", "flat.json)", "not link the result pix2pix_flat_to_3d.json"),
        ("pix2pix_flat_to_3d_a_to_b.png)", "pix2pix.png)", "pix2pix.png leads nowhere"),
        ("## Questions", "## More", "its sections must be"),
    ],
)
def test_a_gap_is_found(old, new, gap):
    assert old in page("pix2pix")
    found = gaps("pix2pix", page("pix2pix").replace(old, new))
    assert any(gap in sentence for sentence in found), found


def test_a_stale_or_missing_part_is_found():
    text, steps = page("pix2pix"), "| 80,000 |"
    stale = text.replace(steps, "| 90,000 |")
    assert len(stale_parts("pix2pix", stale, ("presets",))) == 1
    assert len(stale_parts("pix2pix", text.replace("generated: presets", ""), ("presets",))) == 1
    assert steps in text
    assert with_part(stale, "presets", presets_table("pix2pix")) == text


def test_the_check_fails_when_pages_are_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(method_pages, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["method_pages", "--check"])
    with pytest.raises(SystemExit) as exit_:
        method_pages.main()
    assert exit_.value.code == 1
    assert sorted(capsys.readouterr().err.split()) == sorted(
        word for name in METHODS for word in (f"{name}.md", "is", "missing")
    )
