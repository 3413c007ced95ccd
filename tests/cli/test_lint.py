import json


def test_lint_as_json_is_one_object(command, bundle):
    code, out, _ = command("lint", bundle, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["passed"] is True
    assert {each["target"] for each in report["coverage"]} == {"xnnpack", "gpu", "litertjs"}
    assert all(each["fast_fraction"] == 1.0 for each in report["coverage"])


def test_lint_for_people_shows_coverage_and_suggestions(command, bundle):
    code, out, _ = command("lint", bundle)
    assert code == 0
    for word in ("xnnpack", "100.0%", "no finding is an error"):
        assert word in out


def test_lint_of_no_bundle_is_one_sentence(mistake, tmp_path):
    assert "there is no bundle folder" in mistake("lint", tmp_path / "nothing")
