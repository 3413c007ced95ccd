"""Renamed keys of results: a small result of each rule, and every published value unchanged."""

import copy
import json
import subprocess
from pathlib import Path

import pytest

from scripts.results import rename_keys
from scripts.results.rename_keys import differences, to_new_command, to_new_result
from scripts.results.renamed import LAST_REVISION, to_earlier_config, to_new_config
from tf_translate.config.schema import Config
from tf_translate.core.loss_terms import with_loss_weights
from tf_translate.methods.registry import find

ROOT = Path(__file__).parents[3]
RESULTS = sorted((ROOT / "assets" / "results").glob("*.json"))
EARLIER_CONFIG = {
    "method": "age_cgan",
    "model": {
        "base": 32, "critic_base": 16, "recogniser_base": 8, "refresh": 100,
        "search": {"rate": 0.3, "bend": 0.1, "steps": 10},
    },
    "terms": {"critic": 1.0, "slope": 2.0, "same_picture": 3.0},
    "data": {"path": "samples:tones", "twin_column": "person"},
    "training": {"average": 0.9, "decay": "linear", "stages": {"recogniser": 0.2, "gan": 0.5}},
    "evaluation": {"features": []},
}  # fmt: skip
CONFIG = {
    "method": "age_cgan",
    "model": {
        "base_filters": 32, "discriminator_filters": 16, "identity_embedder_filters": 8,
        "bn_recalibration_steps": 100,
        "search": {"learning_rate": 0.3, "relu_gradient_width": 0.1, "steps": 10},
    },
    "loss_weights": {"discriminator": 1.0, "r1": 2.0, "nt_xent": 3.0},
    "data": {"path": "samples:tones", "group_column": "person"},
    "training": {
        "ema_momentum": 0.9, "lr_schedule": "linear",
        "stages": {"identity_embedder": 0.2, "gan": 0.5},
    },
    "evaluation": {"pretrained": []},
}  # fmt: skip


def test_settings_are_renamed_in_both_directions():
    assert to_new_config(EARLIER_CONFIG) == CONFIG
    assert to_earlier_config(CONFIG) == EARLIER_CONFIG


def test_dtns_encoder_names_the_renamed_feature_extractor():
    earlier = {"model": {"encoder": "features", "features": "f.keras"}}
    new = {"model": {"encoder": "feature_extractor", "feature_extractor": "f.keras"}}
    assert to_new_config(earlier) == new
    assert to_earlier_config(new) == earlier


@pytest.mark.parametrize(
    ("earlier", "new"),
    [
        ("scripts/bench_steps --before HEAD~1", "scripts/bench steps --before HEAD~1"),
        ("scripts/kill_runs 50", "scripts/bench kills 50"),
        ("scripts/ablate_ian.py RUN FOLDER", "python -m scripts.ablations.ian RUN FOLDER"),
        (
            "scripts/verify_table.py FOLDER ian=RUN --pictures 16",
            "python -m scripts.results.verify_table FOLDER ian=RUN --images 16",
        ),
        (
            "tf-translate train icgan --set terms.slope=1 --set training.start_from=runs/a",
            "tf-translate train icgan --set loss_weights.r1=1 --set training.init_from=runs/a",
        ),
        (
            "tf-translate train age_cgan --set model.search.bend=0.1",
            "tf-translate train age_cgan --set model.search.relu_gradient_width=0.1",
        ),
    ],
)
def test_a_command_says_how_to_run_today(earlier, new):
    assert to_new_command(earlier) == new


def test_a_result_gets_new_keys_and_keeps_its_values():
    times = {"seconds": 0.5, "passes": {"critic": 3}}
    row = {
        **times, "kind": "critics alone", "needed": {"critic": 3}, "before": times, "after": None,
        "before_without": ["terms.slope", "model.critic_noise"],
    }  # fmt: skip
    result = {"command": "scripts/bench_steps", "pictures": 8, "step_times": [row]}
    before = copy.deepcopy(result)
    assert to_new_result(result) == {
        "command": "scripts/bench steps",
        "images": 8,
        "step_times": [
            {
                "seconds": 0.5,
                "passes": {"discriminator": 3},
                "kind": "discriminators alone",
                "needed": {"discriminator": 3},
                "before": {"seconds": 0.5, "passes": {"discriminator": 3}},
                "after": None,
                "before_without": ["loss_weights.r1", "model.discriminator_noise"],
            }
        ],
    }
    assert result == before, "the argument is not changed"


def test_an_evaluated_result_gets_the_keys_of_todays_reports():
    values = {"content/outside": 0.1, "content/l1": 0.2}
    direction = {
        "rows": {"output": values},
        "intervals_95": {},
        "standard_errors": {},
        "figures": {"content/outside": {"better": "lower"}},
        "references": {"content judge: true counterparts that find their source": 0.9},
        "protocol": {"known counterparts": 8, "seed": 0},
    }
    report = {"facts": {"seed": 0}, "directions": {"a_to_b": direction}}
    result = {"command": "scripts/demo", "config": EARLIER_CONFIG, "evaluation": report}
    found = to_new_result(result)
    assert found["config"] == CONFIG
    assert found["evaluation"]["metadata"] == {"seed": 0}
    assert found["evaluation"]["directions"]["a_to_b"] == {
        "results": {"output": {"content/l1_outside_edit": 0.1, "content/l1": 0.2}},
        "confidence_intervals_95": {},
        "standard_errors": {},
        "metrics": {"content/l1_outside_edit": {"better": "lower"}},
        "reference_values": {"content judge: retrieval@1 of the ground truth": 0.9},
        "protocol": {"ground-truth images": 8, "seed": 0},
    }


def test_differences_are_named_by_their_paths():
    expected = {"a": [1, {"b": 2.0}], "c": None}
    assert list(differences(expected, copy.deepcopy(expected))) == []
    assert list(differences(expected, {"a": [1, {"b": 2.5}], "c": None})) == ["/a[1]/b: 2.0 != 2.5"]
    assert list(differences({"a": 1}, {"a": 1.0})) == ["/a: 1 != 1.0"]
    assert list(differences({"a": 1}, {"b": 1})) == [": keys ['a'] != ['b']"]
    assert list(differences([1, 2], [1])) == [": 2 != 1 items"]


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_renaming_a_published_result_again_changes_nothing(path):
    result = json.loads(path.read_text("utf-8"))
    assert list(differences(result, to_new_result(result))) == []


def _configs():
    for path in RESULTS:
        result = json.loads(path.read_text("utf-8"))
        if "config" in result:
            yield pytest.param(result["config"], id=path.stem)
        if "verification" in result:
            for name, run in result["runs"].items():
                yield pytest.param(run["config"], id=f"{path.stem}-{name}")


@pytest.mark.parametrize("config", _configs())
def test_a_published_configuration_is_valid_today(config):
    checked = Config(**config)
    method = find(checked.method)
    method.settings(**checked.model)
    with_loss_weights(method.translator.terms, checked.loss_weights)


def test_every_published_value_is_that_of_the_last_revision_with_earlier_names():
    try:
        found = rename_keys.check(LAST_REVISION, ROOT / rename_keys.RESULTS)
    except subprocess.CalledProcessError:
        pytest.skip(f"this clone has no revision {LAST_REVISION}")
    assert found == []


def test_the_check_names_the_file_and_path_of_a_changed_value(tmp_path, monkeypatch):
    earlier = {"command": "scripts/measure_memory", "memory": {"slope_kib_per_step": 0.5}}
    monkeypatch.setattr(rename_keys, "results_of", lambda revision: {"memory.json": earlier})
    file = tmp_path / "memory.json"
    assert rename_keys.check("abc", tmp_path) == ["memory.json: missing"]
    file.write_text(
        json.dumps({"command": "scripts/bench memory", "memory": {"kib_per_step": 0.5}})
    )
    assert rename_keys.check("abc", tmp_path) == []
    file.write_text(
        json.dumps({"command": "scripts/bench memory", "memory": {"kib_per_step": 0.6}})
    )
    assert rename_keys.check("abc", tmp_path) == ["memory.json/memory/kib_per_step: 0.5 != 0.6"]


def test_the_check_leaves_out_results_that_were_measured_anew(tmp_path, monkeypatch):
    command = "tf-translate train genegan"
    sessions = [{"date": "2026-11-26T16:58:25+00:00"}]
    earlier = {"command": command, "sessions": sessions, "training_minutes": 25.4}
    monkeypatch.setattr(rename_keys, "results_of", lambda revision: {"a.json": earlier})
    file = tmp_path / "a.json"
    file.write_text(json.dumps({**earlier, "training_minutes": 37.4}))
    assert rename_keys.check("abc", tmp_path) == ["a.json/training_minutes: 25.4 != 37.4"]
    sessions = [{"date": "2026-11-30T08:19:06+00:00"}]
    anew = {"command": command, "sessions": sessions, "training_minutes": 37.4}
    file.write_text(json.dumps(anew))
    assert rename_keys.check("abc", tmp_path) == []
