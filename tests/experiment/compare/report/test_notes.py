"""What the report says that its values do not show."""

from tests.experiment.compare.collected import cell
from tf_translate.experiment.compare.differences import Difference
from tf_translate.experiment.compare.report.notes import caveats
from tf_translate.experiment.compare.report.rows import MethodRow, Value


def _value(mean, seeds=1):
    return Value(mean, (mean, mean), seeds)


def _row(
    name, *, margin=0.2, content=0.9, completeness=0.8, minutes=45.0, seeds=1, cells=1, skip=None
):
    return MethodRow(
        name,
        name.upper(),
        {"content/margin": _value(margin), "completeness": _value(completeness, seeds)},
        _value(content),
        _value(0.7),
        (),
        minutes=_value(minutes),
        cells=({"starts_as_identity": skip},) * cells,
    )


def _limits(*rows, differences=None, protocol=None):
    record = cell("a", content=0.5, domain=0.5)
    record["metrics"]["directions"]["add"]["protocol"] = protocol or {}
    return list(caveats([record], rows, differences or {}))


def test_outputs_that_are_nearer_to_another_input_than_to_their_own_are_said():
    assert _limits(_row("a"), _row("b")) == []
    (note,) = _limits(_row("a"), _row("b", margin=-0.04, content=0.86))
    assert "nearer to another input than to their own: B (c = 0.86)." in note
    assert _limits(_row("b", margin=-0.4, content=0.0)) == []  # c says it already


def test_edits_that_are_hardly_nearer_to_the_truth_than_unrelated_images_are_said():
    def row(name, error):
        values = {"content/l1_inside_edit": _value(error), "completeness": _value(0.8)}
        return MethodRow(name, name.upper(), values, _value(0.9), _value(0.7), ())

    record = cell("a", content=0.5, domain=0.5, error=0.5)  # of random targets: 0.3
    assert list(caveats([record], [row("a", 0.28)], {})) == []
    (note,) = caveats([record], [row("a", 0.28), row("b", 0.29)], {})
    assert "has nothing to do with the input (0.300), or farther: B 0.290. The domain" in note


def test_methods_that_start_as_the_identity_are_said():
    assert _limits(_row("a", skip=False), _row("b")) == []
    (note,) = _limits(_row("a", skip=True), _row("b", skip=False), _row("c", skip=True))
    assert note.startswith("These methods have the content before they learn anything: A, C. ")


def test_orders_of_completeness_that_the_errors_contradict_are_said():
    rows = _row("a", completeness=0.9), _row("b", completeness=0.5)
    real = Difference(0.4, (0.3, 0.5), 100, p=0.01)
    found = {name: {("a", "b"): real} for name in ("completeness", "l1_inside_edit", "l1")}
    (note,) = _limits(*rows, differences=found)
    assert "the first has the higher completeness: A and B." in note
    found["l1"] = {("a", "b"): Difference(0.1, (-0.1, 0.3), 100, p=0.4)}
    assert _limits(*rows, differences=found) == []


def test_orders_of_completeness_that_the_classes_contradict_are_said():
    rows = _row("a", completeness=0.9), _row("b", completeness=0.5)
    real = Difference(0.4, (0.3, 0.5), 100, p=0.01)
    kept = Difference(-0.2, (-0.3, -0.1), 100, p=0.01)
    found = {"completeness": {("a", "b"): real}, "label_kept": {("a", "b"): kept}}
    (note,) = _limits(*rows, differences=found)
    assert note.startswith("By the classes that are kept, the second of these methods is")
    found["label_kept"] = {("a", "b"): real}  # the more complete one keeps more classes
    assert _limits(*rows, differences=found) == []


def test_unequal_times_and_undefined_seeds_are_said():
    (note,) = _limits(_row("a", minutes=54), _row("b", minutes=41))
    assert note.startswith("Training took from 41 (B) to 54 minutes (A)")
    assert _limits(_row("a", minutes=46), _row("b", minutes=45)) == []
    (note,) = _limits(_row("a", seeds=2, cells=3))
    assert note.endswith("those that have it: A 2 of 3.")


def test_differences_over_two_seeds_are_said_to_be_uncertain():
    def found(over_seeds):
        return {"completeness": {("a", "b"): Difference(0.4, (-3.0, 4.0), 100, over_seeds, p=0.2)}}

    (note,) = _limits(_row("a", cells=2, seeds=2), differences=found(True))
    assert note.startswith("Two seeds say little about the spread of a method")
    assert _limits(_row("a", cells=2, seeds=2), differences=found(False)) == []
    assert _limits(_row("a", cells=3, seeds=3), differences=found(True)) == []


def test_held_out_images_that_were_trained_on_are_said():
    protocol = {
        "held-out images that are also training images": 70,
        "held-out source images": 512,
        "held-out target images": 512,
    }
    (note,) = _limits(_row("a"), protocol=protocol)
    assert note.startswith("70 of the 1,024 held-out images are equal to one of the training")
