import json


def test_lint_as_json_is_one_object(command, bundle):
    code, out, _ = command("lint", bundle, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["passed"] is True
    assert {share["target"] for share in report["shares"]} == {"xnnpack", "gpu", "litertjs"}
    assert all(share["on_path"] == 1.0 for share in report["shares"])


def test_lint_for_people_shows_shares_and_cures(command, bundle):
    code, out, _ = command("lint", bundle)
    assert code == 0
    for word in ("xnnpack", "100.0%", "no finding is an error"):
        assert word in out


def test_lint_of_no_bundle_is_one_sentence(mistake, tmp_path):
    assert "there is no bundle folder" in mistake("lint", tmp_path / "nothing")
