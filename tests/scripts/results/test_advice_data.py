"""The command that writes what `advise` leans on."""

import json

import pytest

from scripts.results import advice_data
from tests.experiment.advise.synthetic_results import results
from tf_translate.experiment.advise.results import read_summary


def test_a_summary_is_made_from_results_and_read_back(tmp_path, monkeypatch, capsys):
    source = tmp_path / "results.json"
    source.write_text(json.dumps(results({"dtn": (0.25, 0.5, 0.75)})))
    monkeypatch.setattr(advice_data, "SHIPPED", tmp_path / "compared.json")
    advice_data.main(["--compared", str(source)])
    assert "compared.json" in capsys.readouterr().out
    summary = read_summary(tmp_path / "compared.json")
    assert summary.tasks == read_summary(source).tasks
    assert "--compared results.json" in summary.command
    assert summary.revisions == ("abc1234",)


def test_a_missing_file_ends_in_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        advice_data.main(["--compared", str(tmp_path / "none.json")])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("error: --results must be a folder or file")


def test_the_splits_of_drawn_people_are_counted_without_drawing_them():
    data = advice_data.load("genegan_small").data
    path = "/cache/fetched/dicebear-10.7.0-64px-100/dicebear.csv"
    drawn = data.model_copy(update={"path": path})
    people = drawn.model_copy(update={"domain_column": None, "domain_a": None, "domain_b": None})
    assert advice_data.count_images("ian", people) == 100
    assert 30 <= advice_data.count_images("genegan", drawn) <= 50  # the smaller half
