"""The two pages: self-contained, escaped, with all that they should say."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from tf_translate.experiment.compare.collect import collect
from tf_translate.experiment.compare.report.write_comparison import write_comparison

_VOID = ("meta", "img", "circle", "rect", "line", "polyline")
HOSTILE = '<img src="http://x/y" onerror=alert(1)> | `*[a](b)'
COST = {
    "signatures": ["a_to_b"],
    "multiply_adds": 1_500_000,
    "parameters": 12_345,
    "float32": {"size_bytes": 2_000_000, "median_ms": 3.25},
    "dynamic_int8": {"size_bytes": 500_000, "median_ms": 1.5},
}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.sources, self.tags, self.texts = [], [], set(), []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attributes)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def written(cells, tmp_path_factory):
    """The folder of a report of a task whose texts are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(cells, folder / "runs")
    task = folder / "runs" / "glasses"
    about = {
        "title": HOSTILE,
        "provides": ["pairs"],
        "data": HOSTILE,
        "shown": {"pix2pix": HOSTILE},
        "texts": {"cyclegan": {"title": HOSTILE, "keeps_content_by": HOSTILE}},
        "not_applicable": {"fader": HOSTILE},
    }
    (task / "about.json").write_text(json.dumps(about))
    costs = {
        "runs": 5,
        "threads": 1,
        "machine": {"processor": HOSTILE, "cores": 2, "system": "Linux"},
        "runtime": "LiteRT 2",
        "methods": {"pix2pix": COST, "cyclegan": {"reason": HOSTILE}},
    }
    (task / "costs.json").write_text(json.dumps(costs))
    files, _ = write_comparison(collect(folder / "runs"), folder / "runs", folder / "report")
    return files


def test_the_page_loads_nothing_and_escapes_all_texts(written):
    reader = _Reader()
    reader.feed(written[0].read_text("utf-8"))
    assert not reader.open
    assert not reader.tags & {"script", "link", "iframe"}
    assert reader.sources
    assert all(source.startswith("data:image/webp;base64,") for source in reader.sources)
    text = " ".join(reader.texts)
    assert text.count('<img src="http://x/y" onerror=alert(1)>') >= 6
    assert "CycleGAN" not in text  # its title is the hostile one
    assert "cycle and identity L1" not in text
    assert "http" not in "".join(re.findall(r"url\([^)]*\)", written[0].read_text("utf-8")))


def test_the_page_has_the_tables_with_formula_costs_and_commands(written):
    reader = _Reader()
    reader.feed(written[0].read_text("utf-8"))
    text = " ".join(reader.texts)
    for expected in (
        "completeness = 2cd / (c + d), in [0, 1]",
        "Highest completeness: pix2pix (",
        "L1 to the ground truth",
        "1.5 million",
        "12.3 thousand",
        "2.00 MB",
        "3.2 ms",
        "random target",
        "Synthetic <CPU>",
        "tf-translate compare run glasses --cell discogan:1 --run runs/compare",
        "The cost of DiscoGAN, DualGAN is missing; run tf-translate compare costs again",
    ):
        assert expected in text


def test_the_markdown_page_names_files_that_exist_and_has_no_html(written):
    page = written[1].read_text("utf-8")
    names = re.findall(r"^!\[[^\]]*\]\(([^)]+)\)$", page, re.MULTILINE)
    assert names == ["glasses_wall.png", "glasses_scatter.svg", "glasses_extremes.png"]
    assert all((written[1].parent / name).stat().st_size > 1000 for name in names)
    assert not re.search(r"<\w", page.replace("Synthetic <CPU>", ""))
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(columns) == 1, table


def test_two_tasks_share_a_page(cells, tmp_path):
    for name in ("glasses", "paired"):
        shutil.copytree(cells / "glasses", tmp_path / "runs" / name)
        for file in (tmp_path / "runs" / name).glob("*/cell.json"):
            file.write_text(json.dumps(json.loads(file.read_text()) | {"task": name}))
    runs = tmp_path / "runs"
    files, summaries = write_comparison(collect(runs), runs, tmp_path)
    assert [each.name for each in summaries] == ["glasses", "paired"]
    page = files[0].read_text("utf-8")
    assert "<h2>Put glasses on drawn people</h2>" in page
    assert "<h2>Render flat emoji in 3D</h2>" in page
    assert (tmp_path / "paired_wall.png").is_file()
