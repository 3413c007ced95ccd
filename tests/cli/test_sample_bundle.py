"""The trained bundle that ships: small, intact, and at work before anyone trains."""

import json
import shutil
from pathlib import Path

import numpy as np

import exporters
from tf_translate import images

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "assets" / "zoo" / "flat_to_3d"


def test_it_is_small_and_says_how_it_was_made():
    assert sum(file.stat().st_size for file in BUNDLE.rglob("*") if file.is_file()) <= 4_000_000
    card = (BUNDLE / "card.md").read_text("utf-8")
    assert "scripts/make sample_bundle" in card
    assert "`content/skill` ↑ | 0." in card


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


def test_it_translates_wide_images_as_well_as_those_of_its_training(tmp_path):
    """64x128 pairs, which training would have squeezed to the 64x64 that the model knows."""
    rows = (ROOT / "assets" / "samples" / "flat_to_3d.csv").read_text("utf-8").splitlines()
    pairs = [row.split(",")[1:3] for row in rows if row.startswith("test,")][:8]
    errors = {"square": 0.0, "stretch": 0.0, "letterbox": 0.0}
    runners = {}
    for aspect in ("stretch", "letterbox"):
        copy = shutil.copytree(BUNDLE, tmp_path / aspect)
        manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
        (copy / "manifest.json").write_text(json.dumps(manifest | {"aspect": aspect}))
        runners[aspect] = exporters.Runner(exporters.open_bundle(copy))
    for names in pairs:
        square, wide = (
            [images.resize(images.read(ROOT / "assets" / "samples" / name), size) for name in names]
            for size in ((64, 64), (64, 128))
        )
        for kind, (source, truth) in (("square", square), *((key, wide) for key in runners)):
            runner = runners.get(kind, runners["stretch"])
            output = exporters.translate_image(runner, source)
            errors[kind] += np.abs(output.astype(float) - truth).mean() / len(pairs)
    assert abs(errors["stretch"] - errors["square"]) < 1.0
    assert errors["letterbox"] > errors["stretch"] + 2.0
