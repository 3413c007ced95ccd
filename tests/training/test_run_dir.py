import zipfile

import numpy as np
import pytest

from tf_translate.errors import RunError
from tf_translate.training.run_dir import RunDir, is_intact, write_atomically


def _zip(path, text="x"):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", text)


def test_a_new_run_holds_its_configuration(tmp_path):
    RunDir.create(tmp_path / "r", {"method": "pix2pix"})
    assert RunDir.open(tmp_path / "r").read_config() == {"method": "pix2pix"}


def test_create_rejects_a_folder_that_is_not_empty(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(RunError, match="already holds files that are not a run"):
        RunDir.create(tmp_path, {})
    RunDir.create(tmp_path / "r", {})
    with pytest.raises(RunError, match="already holds a run; continue it with --resume"):
        RunDir.create(tmp_path / "r", {})


def test_a_failed_write_keeps_the_old_file(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    for step in (5, 10, 15):
        run.save_checkpoint(_zip, step, keep=2)
    assert [path.name for path in sorted(run.checkpoints.iterdir())] == [
        "step-00000010.keras",
        "step-00000015.keras",
    ]


def test_newest_checkpoint_skips_a_broken_file(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    for step in (5, 10):
        path = run.save_checkpoint(_zip, step, keep=2)
    path.write_bytes(path.read_bytes()[:20])
    assert not is_intact(path)
    assert run.newest_checkpoint().name == "step-00000005.keras"


def test_every_flipped_byte_of_the_content_is_detected(tmp_path):
    file, members = tmp_path / "step-1.keras", {}
    with zipfile.ZipFile(file, "w") as archive:  # stored, as Keras does
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            members[name] = np.random.default_rng(len(members)).bytes(30)
            archive.writestr(name, members[name])
    original = file.read_bytes()
    assert is_intact(file)
    content = {original.index(part) + i for part in members.values() for i in range(30)}
    for index in range(len(original)):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(original)
            damaged[index] ^= flip
            file.write_bytes(damaged)
            if is_intact(file):  # a date or another field that is not read
                assert index not in content
                with zipfile.ZipFile(file) as archive:
                    assert {name: archive.read(name) for name in archive.namelist()} == members
    for length in range(len(original)):
        file.write_bytes(original[:length])
        assert not is_intact(file)


def test_a_broken_checkpoint_is_renamed_and_does_not_count_as_kept(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    for step in (5, 10):
        run.save_checkpoint(_zip, step, keep=2)
    run.checkpoint(10).write_bytes(b"half")
    run.discard_after(5)
    run.save_checkpoint(_zip, 7, keep=1)
    assert [path.name for path in sorted(run.checkpoints.iterdir())] == [
        "step-00000007.keras",
        "step-00000010.keras.broken",
    ]


def test_a_folder_left_by_a_killed_create_counts_as_empty(tmp_path):
    path = tmp_path / "r"
    (path / "checkpoints").mkdir(parents=True)
    (path / ".77-config.json").write_text('{"meth')
    with pytest.raises(RunError, match="start one without --resume"):
        RunDir.open(path)
    run = RunDir.create(path, {"method": "pix2pix"})
    assert run.read_config() == {"method": "pix2pix"}
    run.discard_after(0)
    assert sorted(file.name for file in path.iterdir()) == [
        "checkpoints",
        "config.json",
        "history.jsonl",
    ]
    (tmp_path / "s" / "checkpoints").mkdir(parents=True)
    (tmp_path / "s" / "checkpoints" / "mine.keras").write_text("keep")
    with pytest.raises(RunError, match="files that are not a run; choose another --run"):
        RunDir.create(tmp_path / "s", {})


def test_a_row_that_a_crash_cut_off_is_ignored(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    run.history_file.write_text('{"step": 5, "l": 1.0}\n{"step": 10, "l": 0.5}\n{"step": 15, "l"')
    assert [row["step"] for row in run.history()] == [5, 10]
    (run.checkpoints / ".77-step-00000010.keras").write_bytes(b"half")
    run.discard_after(5)
    assert list(run.checkpoints.iterdir()) == []
    assert run.history_file.read_text() == '{"step": 5, "l": 1.0}\n'


def test_a_run_without_a_model_suggests_training_it(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    with pytest.raises(RunError, match="holds no model yet; train it first"):
        run.finished_model()


def test_open_rejects_a_folder_that_is_not_a_run(tmp_path):
    with pytest.raises(RunError, match=r"is not a run: it has no config\.json"):
        RunDir.open(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunError, match="is broken"):
        RunDir.open(tmp_path).read_config()
