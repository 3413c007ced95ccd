"""The table that `tf-translate evaluate` prints."""

import io

from rich.console import Console

from tf_translate.cli.evaluation_tables import print_metrics

_METRICS = {"completeness": "higher", "content/identity/efficientnet_lite0@64": "higher"}


def _printed(results, intervals, errors):
    direction = {
        "results": results,
        "confidence_intervals_95": {"output": intervals},
        "standard_errors": {"output": errors},
        "metrics": {name: {"better": better} for name, better in _METRICS.items()},
    }
    console = Console(width=80, record=True, file=io.StringIO())
    print_metrics({"directions": {"a_to_b": direction}}, console)
    return console.export_text().splitlines()


def test_each_metric_is_a_row_beside_the_baselines_in_80_columns():
    output = {"completeness": 0.51234, "content/identity/efficientnet_lite0@64": 0.00042}
    truth = {"completeness": 1.0, "content/identity/efficientnet_lite0@64": None}
    lines = _printed({"output": output, "ground truth": truth}, {"completeness": [0.4, 0.6]}, {})
    rows = [line.split() for line in lines]
    assert ["completeness", "higher", "0.512", "1.000", "0.400", "to", "0.600"] in rows
    assert any("0.00042" in row and "–" in row for row in rows)
    assert "content/identity/efficientnet_lite0@64" in "".join(row[0] for row in rows if row)
    assert max(map(len, lines)) <= 80


def test_only_the_baselines_of_the_table_are_explained():
    output = {"completeness": 0.5}
    text = "\n".join(_printed({"output": output, "identity": output}, {}, {"completeness": 0.02}))
    assert "input: the unchanged input" in text
    assert "±0.020" in text
    assert "truth" not in text
