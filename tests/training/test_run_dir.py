import zipfile

import numpy as np
import pytest

from tf_translate.errors import RunError
from tf_translate.training.run_dir import RunDir, is_intact


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


@pytest.mark.slow
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
    with pytest.raises(RunError, match=r"train METHOD --run .* makes one"):
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


STRANGE = ("step-00000024 (copy).keras", "best-x.keras", "step-12.keras", "notes.txt")


def test_files_that_training_has_not_written_are_ignored_and_kept(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    run.save_checkpoint(_zip, 5, keep=1)
    for name in STRANGE:
        (run.checkpoints / name).write_bytes(b"mine")
    (run.checkpoints / "step-00000099.keras").mkdir()  # a folder is no checkpoint
    (run.checkpoints / ".77-step-00000007.keras").write_bytes(b"half")
    (run.checkpoints / "step-00000009.keras.broken").write_bytes(b"half")
    assert run.ignored_checkpoints() == sorted([*STRANGE, "step-00000099.keras"])
    assert run.newest_checkpoint().name == "step-00000005.keras"
    assert run.best_checkpoint() is None
    run.save_checkpoint(_zip, 10, keep=1)
    run.keep_best(run.checkpoint(10))
    run.discard_after(5)
    assert all((run.checkpoints / name).read_bytes() == b"mine" for name in STRANGE)
    assert run.checkpoints_newest_first() == []
    assert run.best_checkpoint() is None


def test_a_checkpoint_of_a_hundred_million_steps_is_newer_than_one_before(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    for step in (99_999_999, 100_000_000):
        run.save_checkpoint(_zip, step, keep=2)
    assert run.newest_checkpoint().name == "step-100000000.keras"


BROKEN_LINES = (b'{"step": 9, "l"', b"\xff\xfe\x00", b"12", b"{}", b'{"step": "7"}', b"[" * 5000)


@pytest.mark.parametrize("broken", BROKEN_LINES)
def test_a_broken_line_in_the_middle_costs_no_other_row(tmp_path, broken):
    run = RunDir.create(tmp_path / "r", {})
    rows = [b'{"step": %d, "loss": 0.5}' % step for step in range(1, 25)]
    lines = [*rows[:3], broken, *rows[3:]]
    run.history_file.write_bytes(b"\n".join(lines) + b"\n")
    assert [row["step"] for row in run.history()] == [*range(1, 25)]
    (sentence,) = run.discard_after(24)
    assert sentence == (
        f"{run.history_file} has 1 broken line (4), moved to history.jsonl.broken; its 24 other "
        "lines are intact"
    )
    assert run.history_file.read_bytes() == b"\n".join(rows) + b"\n"
    assert (run.path / "history.jsonl.broken").read_bytes() == broken + b"\n"
    assert run.discard_after(24) == []


def test_broken_lines_of_all_files_are_moved_aside(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    run.assessments_file.write_text('{"step": 5}\n{"step": 5, "score": 1}\nx\n')
    run.warnings_file.write_text('{"step": 5, "name": "n", "source": "s"}\n{"step": 5}\n')
    run.sessions_file.write_text('{"from_step": 0, "to_step": 9}\n{"from_st')
    assert run.assessments() == [{"step": 5, "score": 1}]
    assert [row["name"] for row in run.warnings()] == ["n"]
    sentences = run.discard_after(5)
    for sentence, found in zip(
        sentences, ("2 broken lines (1, 3)", "1 broken line (2)"), strict=False
    ):
        assert found in sentence
    assert len(sentences) == 3
    # A session that ended after the checkpoint is kept, and the next row starts on a new line.
    assert run.sessions_file.read_text() == '{"from_step": 0, "to_step": 9}\n'
    assert (run.path / "sessions.jsonl.broken").read_text() == '{"from_st\n'


@pytest.mark.parametrize("content", [b"", b"12", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_configuration_that_is_no_json_object_is_broken(tmp_path, content):
    run = RunDir.create(tmp_path / "r", {})
    run.config.write_bytes(content)
    with pytest.raises(RunError, match=r"config\.json is broken: .*; restore a copy of it, or"):
        RunDir.open(run.path).read_config()
    assert run.resume_command() == f"tf-translate train ... --run {run.path} --resume"


@pytest.mark.parametrize("name", ["config.json", "data.json", "history.jsonl", "lock"])
def test_a_folder_in_place_of_a_file_is_named(tmp_path, name):
    run = RunDir.create(tmp_path / "r", {})
    (run.path / name).unlink(missing_ok=True)
    (run.path / name).mkdir()
    with pytest.raises(RunError, match=f"{name} must be a file, but is a folder; move it out"):
        RunDir.open(run.path)


def test_a_file_in_place_of_a_folder_is_named(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    run.checkpoints.rmdir()
    run.checkpoints.touch()
    with pytest.raises(RunError, match="checkpoints must be a folder, but is a file; move it out"):
        RunDir.open(run.path)


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04"])
def test_a_broken_model_without_a_checkpoint_is_named(tmp_path, content):
    run = RunDir.create(tmp_path / "r", {})
    run.model.write_bytes(content)
    with pytest.raises(RunError, match=r"model\.keras cannot be read .*; restore a copy"):
        run.finished_model()


def test_a_new_run_has_its_data_before_its_configuration(tmp_path):
    run = RunDir.create(tmp_path / "r", {"method": "x"}, {"splits": {}})
    assert run.read_data() == {"splits": {}}
    run.config.unlink()  # as a kill between both leaves it
    again = RunDir.create(run.path, {"method": "y"}, {"splits": {"train": {}}})
    assert again.read_data() == {"splits": {"train": {}}}
    again.data.unlink()
    with pytest.raises(RunError, match=r"has no data\.json, which lists its images"):
        again.read_data()


def test_a_model_is_taken_from_the_newest_intact_file_and_broken_ones_are_named(tmp_path):
    run, said = RunDir.create(tmp_path / "r", {}), []
    for step in (5, 10):
        run.save_checkpoint(_zip, step, keep=2)
    _zip(run.model)
    assert run.finished_model(pytest.fail) == run.checkpoint(10)
    run.checkpoint(10).write_bytes(b"")
    assert run.finished_model(said.append) == run.checkpoint(5)
    run.checkpoint(5).write_bytes(b"half")
    assert run.finished_model(said.append) == run.model
    broken = "is broken (truncated or with a wrong checksum) and is not used"
    assert said == [f"{run.checkpoint(step)} {broken}" for step in (10, 10, 5)]


def test_a_broken_best_checkpoint_is_not_replaced_in_silence(tmp_path):
    run = RunDir.create(tmp_path / "r", {})
    run.save_checkpoint(_zip, 5, keep=2)
    run.keep_best(run.checkpoint(5))
    best = run.best_checkpoint()
    best.write_bytes(b"")
    for use in (run.finished_model, lambda: run.write_model(5)):
        with pytest.raises(RunError, match=rf"the best checkpoint {best} is broken .*; restore a"):
            use()
