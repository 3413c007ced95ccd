"""The trained bundle that ships: small, intact, and at work before anyone trains."""

from pathlib import Path

import numpy as np

import exporters
from tf_translate import images

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "assets" / "flat_to_3d"


def test_it_is_small_and_says_how_it_was_made():
    assert sum(file.stat().st_size for file in BUNDLE.rglob("*") if file.is_file()) <= 4_000_000
    card = (BUNDLE / "card.md").read_text("utf-8")
    assert "scripts/make sample_bundle" in card
    assert "`content/skill` ↑ | 0." in card


def test_it_verifies():
    verification = exporters.verify(BUNDLE)
    assert verification.passed, verification.failures


def test_it_brings_a_held_out_emoji_nearer_to_its_rendering(command, tmp_path):
    rows = (ROOT / "assets" / "samples" / "flat_to_3d.csv").read_text("utf-8").splitlines()
    split, flat, rendered = next(row for row in rows if row.startswith("test,")).split(",")[:3]
    assert split == "test"
    folder = ROOT / "assets" / "samples"
    code, _, error = command("translate", BUNDLE, folder / flat, "--output", tmp_path)
    assert code == 0, error
    (written,) = tmp_path.glob("*.png")
    source, truth, output = (
        images.read(path, channels=3).astype(np.float64)
        for path in (folder / flat, folder / rendered, written)
    )
    assert np.abs(output - truth).mean() < np.abs(source - truth).mean()
