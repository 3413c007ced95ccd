import zipfile

import numpy as np
import pytest

from tf_translate.errors import RunError
from tf_translate.training.run_dir import RunDir, is_whole, write_whole


def _zip(path, text="x"):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", text)


def test_a_new_run_holds_its_configuration(tmp_path):
    RunDir.create(tmp_path / "r", {"method": "pix2pix"})
    assert RunDir.open(tmp_path / "r").read_config() == {"method": "pix2pix"}


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(RunError, match="already holds files that are not a run"):
        RunDir.create(tmp_path, {})
    RunDir.create(tmp_path / "r", {})
    with pytest.raises(RunError, match="already holds a run; go on with --resume"):
        RunDir.create(tmp_path / "r", {})


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(target, fail)
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


def test_a_broken_newest_checkpoint_falls_back_to_the_one_before(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    for step in (5, 10):
        path = run.save_checkpoint(_zip, step, keep=2)
    path.write_bytes(path.read_bytes()[:20])
    assert not is_whole(path)
    assert run.newest_checkpoint().name == "step-00000005.keras"


def test_no_flipped_byte_goes_unseen(tmp_path):
    file, members = tmp_path / "step-1.keras", {}
    with zipfile.ZipFile(file, "w") as archive:  # stored, as Keras does
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            members[name] = np.random.default_rng(len(members)).bytes(30)
            archive.writestr(name, members[name])
    whole = file.read_bytes()
    assert is_whole(file)
    content = {whole.index(part) + place for part in members.values() for place in range(30)}
    for place in range(len(whole)):
        for flip in (0x01, 0x80, 0xFF):
            spoilt = bytearray(whole)
            spoilt[place] ^= flip
            file.write_bytes(spoilt)
            if is_whole(file):  # a date, or the like: nothing that is read
                assert place not in content
                with zipfile.ZipFile(file) as archive:
                    assert {name: archive.read(name) for name in archive.namelist()} == members
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert not is_whole(file)


def test_a_broken_checkpoint_is_set_aside_and_not_counted_among_those_kept(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    for step in (5, 10):
        run.save_checkpoint(_zip, step, keep=2)
    run.checkpoint(10).write_bytes(b"half")
    run.tidy(5)
    run.save_checkpoint(_zip, 7, keep=1)
    assert [path.name for path in sorted(run.checkpoints.iterdir())] == [
        "step-00000007.keras",
        "step-00000010.keras.broken",
    ]


def test_a_folder_that_a_kill_left_ahead_of_its_configuration_is_free(tmp_path):
    path = tmp_path / "r"
    (path / "checkpoints").mkdir(parents=True)
    (path / ".77-config.json").write_text('{"meth')
    with pytest.raises(RunError, match="start one without --resume"):
        RunDir.open(path)
    run = RunDir.create(path, {"method": "pix2pix"})
    assert run.read_config() == {"method": "pix2pix"}
    run.tidy(0)
    assert sorted(file.name for file in path.iterdir()) == [
        "checkpoints",
        "config.json",
        "history.jsonl",
    ]
    (tmp_path / "s" / "checkpoints").mkdir(parents=True)
    (tmp_path / "s" / "checkpoints" / "mine.keras").write_text("keep")
    with pytest.raises(RunError, match="files that are not a run; choose another --run"):
        RunDir.create(tmp_path / "s", {})


def test_a_row_cut_off_by_a_crash_is_left_out(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    run.history.write_text('{"step": 5, "l": 1.0}\n{"step": 10, "l": 0.5}\n{"step": 15, "l"')
    assert [row["step"] for row in run.rows()] == [5, 10]
    (run.checkpoints / ".77-step-00000010.keras").write_bytes(b"half")
    run.tidy(5)
    assert list(run.checkpoints.iterdir()) == []
    assert run.history.read_text() == '{"step": 5, "l": 1.0}\n'


def test_a_run_without_a_model_says_how_to_get_one(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    with pytest.raises(RunError, match="holds no model yet; train it first"):
        run.finished_model()


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(RunError, match=r"is not a run: it has no config\.json"):
        RunDir.open(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunError, match="is broken"):
        RunDir.open(tmp_path).read_config()
