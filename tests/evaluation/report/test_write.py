import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.toys import blobs
from tf_translate.evaluation.metrics.results import Direction, Metric, MetricValue, Report
from tf_translate.evaluation.report import page
from tf_translate.evaluation.report.write import (
    document,
    image_grid,
    keep_fuller_report,
    write_report,
)

METADATA = {"command": "tf-translate evaluate <run> & more", "steps": 3, "run": Path("runs/x")}


def _report(name="a_to_b", truth=True, count=16, meaning="Fraction <retrieved>."):
    source, target = blobs(count, seed=1, side=16)
    values = {
        "completeness": MetricValue(0.5, interval=(0.4, 0.6)),
        "content/retrieval@1": MetricValue(0.75),
        "domain/accuracy": MetricValue(0.25),
        "domain/kid/judge@16": MetricValue(-0.125, standard_error=0.0625),
    }
    metrics = tuple(Metric(metric, meaning, f"protocol of {metric}") for metric in values)
    per_image = {"retrieved": np.arange(count) % 2.0, "similarity": np.linspace(0, 1, count)}
    if truth:
        per_image["l1"] = np.linspace(1, 2, count)[::-1]
    return Report(
        direction=Direction(name, source, target, target * 0.5, truth=target if truth else None),
        metrics=metrics,
        results={"output": values, "identity": {**values, "completeness": MetricValue(None)}},
        reference_values={"floor": MetricValue(0.01, standard_error=0.02)},
        protocol={"split": "test", "judges": {"side": 16}},
        per_image=per_image,
    )


class _Reader(HTMLParser):
    """Checks that tags are well nested, and collects URLs and text."""

    def __init__(self):
        super().__init__()
        self.open, self.urls, self.tags, self.texts = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.urls += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img", "circle", "rect", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def _read(path):
    reader = _Reader()
    reader.feed(path.read_text("utf-8"))
    assert not reader.open
    return reader


@pytest.fixture
def written(tmp_path):
    reports = [_report(), _report("b_to_a", truth=False)]
    return write_report(
        tmp_path / "evaluation",
        reports,
        title="A <b> title",
        metadata=METADATA,
        protocol_name="test@16",
    )


def test_files_are_the_page_the_json_and_an_image_per_direction(written):
    names = {path.name for path in written.parent.iterdir()}
    assert written.name == "index.html"
    of_directions = {"a_to_b.png", "b_to_a.png", "a_to_b.npz", "b_to_a.npz"}
    assert names == {"index.html", "test@16.json"} | of_directions


def test_arrays_hold_all_images_and_the_scores_of_each(written):
    with np.load(written.parent / "a_to_b.npz") as found:
        arrays = dict(found)
    report = _report()
    assert set(arrays) == {"source", "output", "truth", *report.per_image}
    for name, images in (("source", report.direction.source), ("output", report.direction.outputs)):
        assert arrays[name].dtype == np.uint8
        np.testing.assert_allclose(arrays[name] / 127.5 - 1.0, images, atol=1 / 255 + 1e-6)
    np.testing.assert_allclose(arrays["l1"], report.per_image["l1"], rtol=1e-6)
    with np.load(written.parent / "b_to_a.npz") as found:
        assert "truth" not in found


def test_metrics_are_read_back_from_json(written):
    content = json.loads((written.parent / "test@16.json").read_text("utf-8"))
    results = content["directions"]["a_to_b"]["results"]
    assert results["output"]["content/retrieval@1"] == 0.75
    assert results["identity"]["completeness"] is None
    assert content["directions"]["b_to_a"]["confidence_intervals_95"]["output"]["completeness"] == [
        0.4,
        0.6,
    ]
    assert content["metadata"] == {**METADATA, "run": "runs/x"}


def test_page_is_well_formed_and_loads_nothing_else(written):
    reader = _read(written)
    assert reader.urls
    assert all(url.startswith("data:image/webp;base64,") for url in reader.urls)
    assert not {"script", "link", "iframe"} & set(reader.tags)
    assert not re.search(r"https?://|url\(|@import", written.read_text("utf-8"))


def test_text_is_escaped_and_values_have_their_uncertainty(written):
    text = written.read_text("utf-8")
    shown = " ".join(_read(written).texts)
    assert "A <b> title" in shown
    assert "Fraction <retrieved>." in shown
    assert "tf-translate evaluate <run> & more" in shown
    assert "0.500 (0.400–0.600)" in re.sub(r" +", " ", shown)
    assert "−0.125 ± 0.062" in re.sub(r" +", " ", shown)
    assert "A <b> title" not in text


def test_best_and_worst_are_by_l1_with_ground_truth_and_by_similarity_without():
    best, worst = page._extremes(_report())
    np.testing.assert_array_equal(best, [15, 14, 13, 12, 11, 10])  # L1 decreases with the index
    np.testing.assert_array_equal(worst, [0, 1, 2, 3, 4, 5])
    best, worst = page._extremes(_report(truth=False))
    np.testing.assert_array_equal(best, [15, 14, 13, 12, 11, 10])  # similarity increases
    np.testing.assert_array_equal(worst, [0, 1, 2, 3, 4, 5])


def test_evenly_spaced_has_first_and_last_without_repetition():
    np.testing.assert_array_equal(page.evenly_spaced(10, 4), [0, 3, 6, 9])
    np.testing.assert_array_equal(page.evenly_spaced(3, 12), [0, 1, 2])


def test_image_grid_has_one_more_column_with_ground_truth():
    with_truth = image_grid(_report())
    without = image_grid(_report(truth=False))
    assert with_truth.dtype == np.uint8
    assert with_truth.shape[0] == without.shape[0]
    assert (with_truth.shape[1] - without.shape[1]) * 2 == pytest.approx(without.shape[1], abs=8)


def test_writing_again_replaces_the_previous_report(written):
    again = write_report(
        written.parent, [_report()], title="Second", metadata={}, protocol_name="test@16"
    )
    assert again == written
    assert "Second" in written.read_text("utf-8")
    assert not [path for path in written.parent.iterdir() if path.name.startswith(".")]


def test_an_earlier_report_with_more_directions_is_kept(written):
    folder = written.parent
    before = {name: (folder / name).read_bytes() for name in ("test@16.json", "index.html")}
    assert (
        keep_fuller_report(folder, [_report(), _report("b_to_a")], protocol_name="test@16") is None
    )
    for number in (1, 2):
        (folder / "test@16.json").write_bytes(before["test@16.json"])
        (folder / "index.html").write_bytes(before["index.html"])
        kept = keep_fuller_report(folder, [_report()], protocol_name="test@16")
        assert kept == (folder / f"earlier_{number}", ["b_to_a"])
        assert {file.name: file.read_bytes() for file in kept[0].iterdir()} == before
    assert keep_fuller_report(folder, [_report()], protocol_name="test@16") is None
    (folder / "test@16.json").write_bytes(before["test@16.json"])
    (folder / "index.html").write_text("a page of validation@16")
    kept = keep_fuller_report(folder, [_report()], protocol_name="test@16")
    assert [file.name for file in kept[0].iterdir()] == ["test@16.json"]


def test_reports_refuse_equal_direction_names_and_invalid_file_names(tmp_path):
    with pytest.raises(ValueError, match=r"directions of different names, got \['a_to_b', 'a_"):
        document([_report(), _report()], title="", metadata={}, protocol_name="p")
    with pytest.raises(ValueError, match="`protocol_name` must be a valid file name, got 'a/b'"):
        write_report(tmp_path, [_report()], title="", metadata={}, protocol_name="a/b")
