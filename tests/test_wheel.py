"""The wheel: that it holds all files, and that it works in an environment of its own."""

import importlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tf_translate import images
from tf_translate.data.shipped_samples import held_out_images

ROOT = Path(__file__).parents[1]
SAMPLES = Path("assets", "samples")
# What a build reads. Of the samples only one set, because most of the time goes to its many files;
# that all are packed is tested without a build.
SOURCES = (
    *("LICENSE", "README.md", "exporters", "pyproject.toml", "setup.cfg", "setup.py"),
    *("tf_translate", SAMPLES / "NOTICE", SAMPLES / "flat_to_3d.csv"),
    *(SAMPLES / "fluent_3d", SAMPLES / "fluent_flat"),
)
TINY = (
    "training.steps=20",
    "data.size=[16, 16]",
    "model.num_downsamples=2",
    "model.base_filters=4",
    "model.discriminator_layers=1",
    "model.discriminator_filters=4",
    "training.batch_size=2",
)


def _tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "tf_translate", "exporters", SAMPLES],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("this is not a clone, so git does not tell which files are tracked")
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_every_file_of_the_packages_and_the_samples_is_packed(monkeypatch):
    importlib.import_module("setuptools")  # gives `distutils` to Python 3.12 and newer
    core = importlib.import_module("distutils.core")
    monkeypatch.chdir(ROOT)
    build = core.run_setup("setup.py", stop_after="config").get_command_obj("build_py")
    build.ensure_finalized()
    modules = {Path(file).as_posix() for _, _, file in build.find_all_modules()}
    data = {
        Path(folder, file).as_posix() for _, folder, _, files in build.data_files for file in files
    }
    assert _tracked_files() - modules - data == set()


def test_the_samples_are_small_enough_for_a_wheel():
    sizes = [path.stat().st_size for path in (ROOT / SAMPLES).rglob("*") if path.is_file()]
    assert sum(sizes) <= 15 * 2**20


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The Python of a new environment with the wheel; other packages are those of this Python."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index")
    _run(*pip, "--no-deps", "--no-compile", _build(folder / "source"), cwd=folder)
    site = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
    # Unlike site-packages, a folder named in a .pth file has its own .pth files ignored. So the
    # editable installation of this checkout stays invisible.
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(site.strip(), "dependencies.pth").write_text("\n".join(sorted(dependencies)))
    return python


def _build(source):
    """Builds a wheel from links to the files of this checkout, in which it leaves nothing."""
    for name in SOURCES:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).symlink_to(ROOT / name)
    quiet = {"--global-option": ["--quiet"]}  # else a line for each sample
    program = f"from setuptools import build_meta; print(build_meta.build_wheel('dist', {quiet}))"
    return source / "dist" / _run(sys.executable, "-c", program, cwd=source).split()[-1]


def _run(*command, cwd):
    ours = ("PYTHONPATH", "TF_TRANSLATE_SAMPLES")  # would lead to this checkout
    env = {key: value for key, value in os.environ.items() if key not in ours}
    env["TF_CPP_MIN_LOG_LEVEL"] = "3"
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_an_installed_wheel_trains_exports_verifies_and_translates(environment, tmp_path):
    command = environment.with_name("tf-translate")
    where = "import tf_translate, exporters; print(tf_translate.__file__, exporters.__file__)"
    for file in _run(environment, "-c", where, cwd=tmp_path).split():
        assert Path(file).is_relative_to(environment.parents[1])

    settings = [part for setting in TINY for part in ("--set", setting)]
    _run(command, "train", "pix2pix", "--run", "run", *settings, cwd=tmp_path)
    assert (tmp_path / "run" / "model.keras").is_file()
    _run(command, "export", "run", "--bundle", "bundle", "--recipe", "float32", cwd=tmp_path)
    _run(command, "verify", "bundle", cwd=tmp_path)

    # As in README.md: the samples are in the wheel, the files of the repository are not.
    _run(command, "translate", "bundle", "samples:flat_to_3d", "--output", "out", cwd=tmp_path)
    assert len(list((tmp_path / "out").iterdir())) == 128
    name = held_out_images("flat_to_3d")[0]
    source, translated = images.read(name), images.read(tmp_path / "out" / f"{name.stem}.png")
    assert translated.shape == source.shape
    assert (translated != source).any()
