"""What is gathered from cells: order, values, differences, and what is missing."""

import json
import shutil

import pytest

from tests.evaluation.toys import blobs
from tests.experiment.compare.synthetic_cells import Damaged, write_cells
from tf_translate.errors import RunError
from tf_translate.experiment.advise.results import read_summary
from tf_translate.experiment.compare.collect import collect
from tf_translate.experiment.compare.differences import with_differences
from tf_translate.experiment.compare.report import words
from tf_translate.experiment.compare.report.comparison_page import second_view
from tf_translate.experiment.compare.report.summary import summarize


def test_methods_come_in_the_order_that_their_damage_gives(summary):
    names = [row.name for row in summary.methods]
    assert names[0] == "pix2pix"
    assert set(names[2:]) == {"dualgan", "discogan"}
    assert summary.methods[0].title == "pix2pix"
    assert summary.methods[0].paper == "Isola et al. 2017"
    by_name = {row.name: row for row in summary.methods}
    assert by_name["dualgan"].content.mean == 1.0
    assert by_name["dualgan"].domain.mean < 0.1
    assert by_name["discogan"].content.mean < 0.1
    assert by_name["discogan"].domain.mean > 0.8
    assert by_name["pix2pix"].shown == "everyone without and with glasses"
    assert by_name["pix2pix"].uses == ("pairs",)


def test_fixed_rows_are_corners(summary):
    corners = {row.name: (row.content.mean, row.domain.mean) for row in summary.fixed}
    assert corners["identity"] == (1.0, 0.0)
    assert corners["random target"] == (0.0, pytest.approx(1.0, abs=0.05))
    assert corners["ground truth"] == (1.0, pytest.approx(1.0, abs=0.05))


def test_intervals_are_means_of_those_of_the_cells(summary, cells):
    ends = [
        json.loads((cells / "glasses" / f"pix2pix-{seed}" / "metrics.json").read_text())[
            "directions"
        ]["a_to_b"]["confidence_intervals_95"]["output"]["completeness"]
        for seed in (0, 1)
    ]
    value = summary.methods[0].completeness
    assert value.interval == pytest.approx([sum(pair) / 2 for pair in zip(*ends, strict=True)])
    assert value.range[0] <= value.mean <= value.range[1]


def test_large_differences_are_real_and_the_two_trivial_methods_do_not_differ(summary):
    found = summary.differences["completeness"]
    for other in ("dualgan", "discogan"):
        assert found["pix2pix", other].is_real
        assert found["pix2pix", other].value > 0.5
    assert set(summary.differences) == {"completeness", "l1_inside_edit", "l1_outside_edit"}
    error = summary.differences["l1_outside_edit"]["discogan", "dualgan"]
    assert error.is_real
    assert error.value > 0


def test_missing_costs_and_methods_are_said(summary):
    assert summary.notes[-2:] == (
        "The cost of a translation is missing: tf-translate compare costs measures it.",
        "Methods of the task without a finished cell: dtn, fader, icgan, genegan, age_cgan, ian.",
    )


def test_a_second_view_that_places_outputs_beyond_the_inputs_is_said(tmp_path):
    source, truth = blobs(12, seed=0, side=16)
    kids = {"pix2pix": 0.1, "cyclegan": 0.4, "dualgan": 0.301}  # the last within its noise
    damages = {name: Damaged("blur", number) for number, name in enumerate(kids, 1)}
    folder = write_cells(tmp_path, source, truth, damages)
    for name, kid in kids.items():
        file = folder / f"{name}-0" / "metrics.json"
        metrics = json.loads(file.read_text())
        for direction in metrics["directions"].values():
            direction["metrics"]["domain/kid/lite0@16"] = {"better": "lower"}
            for row, value in (("output", kid), ("identity", 0.3)):
                direction["results"][row]["domain/kid/lite0@16"] = value
                direction["standard_errors"][row]["domain/kid/lite0@16"] = 0.001
        file.write_text(json.dumps(metrics))
    (summary,) = summarize(collect(tmp_path), tmp_path)
    (note,) = [each for each in summary.notes if each.startswith("By the features of lite0")]
    assert "inputs are (KID 0.300), by more than two standard errors: CycleGAN 0.400." in note
    assert "trained on other images, lite0, outputs of 1 of 3 methods are" in second_view(summary)
    assert words.shown_metrics(summary)[-1] == "domain/kid/lite0@16"
    assert words.label("domain/kid/lite0@16") == "KID by lite0"
    assert words.other_networks(summary) == ["lite0"]
    assert not words.other_domains_text(summary).endswith("has trained with this network.")
    second = {row.name: row.other_domains["lite0"].mean for row in summary.methods}
    assert second == {"pix2pix": pytest.approx(1 - 0.1 / 0.3), "cyclegan": 0.0, "dualgan": 0.0}
    file = folder / "dualgan-0" / "metrics.json"
    file.write_text(file.read_text().replace("domain/kid/lite0@16", "domain/other"))
    (summary,) = summarize(collect(tmp_path), tmp_path)
    assert words.other_domains_text(summary).endswith("has trained with this network.")
    assert "outputs of 1 of 2 methods" in second_view(summary)


def test_collected_differences_are_those_of_the_report(cells, summary):
    found = with_differences(collect(cells), cells)["differences"]["glasses"]
    reported = summary.differences["completeness"]
    assert len(found) == 6  # of four methods
    for each in found:
        assert each["first"] < each["second"]
        expected = reported[each["first"], each["second"]]
        assert (each["value"], each["p"]) == (expected.value, expected.p)
        assert (each["interval"], each["images"]) == (list(expected.interval), expected.images)
    read = read_summary(cells).tasks["glasses"].differences  # what `advise` ranks by
    assert [(each.first, each.second, each.p) for each in read] == [
        (each["first"], each["second"], each["p"]) for each in found
    ]


def test_two_cells_of_one_method_and_seed_are_refused_and_not_two_seeds(cells):
    results = collect(cells)
    results["cells"].append(results["cells"][0])
    with pytest.raises(RunError, match="a method must have one cell of each seed"):
        with_differences(results, cells)


def test_cells_of_earlier_versions_are_summarized_without_images(tmp_path):
    source, truth = blobs(12, seed=0, side=16)
    write_cells(tmp_path, source, truth, {"pix2pix": Damaged("blur", 1)}, images=False)
    write_cells(tmp_path, source, truth, {"cyclegan": Damaged("blur", 2)})
    results = collect(tmp_path)
    (summary,) = summarize(results, tmp_path)
    assert list(summary.images) == ["cyclegan"]
    assert len(summary.methods) == 2
    assert any(
        note.startswith("1 of 2 methods kept no images or per-image scores (pix2pix)")
        for note in summary.notes
    )
    assert not summary.differences["completeness"]


def test_texts_of_the_task_and_seconds_of_a_step_are_those_of_the_folder(tmp_path):
    source, truth = blobs(12, seed=0, side=16)
    damages = {"pix2pix": Damaged("blur", 1), "cyclegan": Damaged("blur", 2)}
    folder = write_cells(tmp_path, source, truth, damages)
    texts = {"cyclegan": {"title": "CycleGAN (slow)", "keeps_content_by": "two turns"}}
    about = {"title": "a", "provides": ["pairs"], "data": "b", "shown": {}, "not_applicable": {}}
    (folder / "about.json").write_text(json.dumps({**about, "texts": texts}))
    times = {"first": 1.0, "seconds": 0.25, "unit": 1, "stages": {"train": 0.25}, "settings": {}}
    steps = {"machine": {}, "date": "2026-12-03", "methods": {"pix2pix": times}}
    (folder / "steps.json").write_text(json.dumps(steps))
    (summary,) = summarize(collect(tmp_path), tmp_path)
    rows = {row.name: row for row in summary.methods}
    assert (rows["cyclegan"].title, rows["cyclegan"].keeps) == ("CycleGAN (slow)", "two turns")
    assert rows["pix2pix"].keeps.startswith("L1 to the ground truth")
    assert words.training_cells(rows["pix2pix"])[2] == "0.25"
    assert words.training_cells(rows["cyclegan"])[2] == "–"
    assert "those of tf-translate compare steps" in words.cost_text(summary)


def test_unequal_conditions_are_said(tmp_path):
    source, truth = blobs(12, seed=0, side=16)
    folder = write_cells(tmp_path, source, truth, {"pix2pix": Damaged("blur", 1)}, seeds=2)
    file = folder / "pix2pix-1" / "cell.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"budget_minutes": 1.0}))
    file = file.with_name("metrics.json")
    metrics = json.loads(file.read_text())
    for direction in metrics["directions"].values():
        direction["protocol"] = {"metrics": 1, "judges": {"training images": "others"}}
        direction["results"]["ground truth"]["content/margin"] = -0.01
    file.write_text(json.dumps(metrics))
    (summary,) = summarize(collect(tmp_path), tmp_path)
    assert "The cells have different training budgets; see Conditions." in summary.notes
    notes = " ".join(summary.notes)
    assert "different protocols of the metrics (1, unknown)" in notes
    assert "by 2 different judges (pix2pix; pix2pix)" in notes
    assert "no nearer to its own source than to another one (pix2pix)" in notes


def test_methods_that_were_measured_on_other_images_are_said(tmp_path):
    for seed, name in enumerate(("pix2pix", "cyclegan")):
        source, truth = blobs(12, seed=seed, side=16)
        write_cells(tmp_path, source, truth, {name: Damaged("blur", 1)})
    (summary,) = summarize(collect(tmp_path), tmp_path)
    assert any("so there is no wall of images" in note for note in summary.notes)
    assert any("measured on different held-out images" in note for note in summary.notes)
    assert not summary.differences["completeness"]


def test_a_cell_that_is_there_twice_is_refused(tmp_path):
    source, truth = blobs(12, seed=0, side=16)
    folder = write_cells(tmp_path / "one", source, truth, {"pix2pix": Damaged("blur", 1)})
    shutil.copytree(folder, tmp_path / "two" / "glasses")
    with pytest.raises(RunError, match="are both pix2pix:0; give the folder of one comparison"):
        summarize(collect(tmp_path), tmp_path)
