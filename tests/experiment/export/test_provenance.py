"""Source and provenance of bundles, from evaluation files that the tests write."""

import json
from types import SimpleNamespace

import pytest

from tf_translate.config.schema import Config
from tf_translate.data.fetch.fetchable_datasets import FETCHABLE
from tf_translate.data.shipped_samples import LICENSES, sample_names
from tf_translate.errors import RunError
from tf_translate.experiment.export.provenance import provenance_of, source_of
from tf_translate.packages import cache_folder


def _trained(folder, path="samples:avatars"):
    config = Config.model_validate({"method": "cyclegan", "data": {"path": path, "size": (64, 64)}})
    steps = SimpleNamespace(numpy=lambda: 30)
    return SimpleNamespace(
        run=SimpleNamespace(path=folder),
        config=config,
        translator=SimpleNamespace(steps_taken=steps),
        data=SimpleNamespace(splits={"train": 5, "test": 2}, fingerprint="abc"),
    )


def _evaluation(folder, change=lambda document: None):
    document = {
        "metadata": {"steps": "20"},
        "directions": {
            "a_to_b": {
                "results": {"output": {"psnr": 20.0, "kid": 0.1}, "identity": {"psnr": 10.0}},
                "confidence_intervals_95": {"output": {"psnr": [19.0, 21.0]}},
                "standard_errors": {"output": {"kid": 0.01}},
                "metrics": {
                    "psnr": {"meaning": "Near.", "protocol": "per image", "better": "higher"},
                    "kid": {"meaning": "Alike.", "protocol": "unbiased", "better": "lower"},
                },
                "protocol": {"held-out images that are also training images": 4},
            }
        },
    }
    change(document)
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / "test64.json").write_text(json.dumps(document))


def test_metrics_are_read_from_the_evaluation_of_the_run(tmp_path):
    _evaluation(tmp_path)
    source = source_of(_trained(tmp_path))
    assert source["metrics"] == [
        {
            "direction": "a_to_b",
            "name": "psnr",
            "value": 20.0,
            "interval": [19.0, 21.0],
            "error": None,
            "untouched": 10.0,
            "better": "higher",
            "meaning": "Near.",
            "protocol": "per image",
            "step": 20,
        },
        {
            "direction": "a_to_b",
            "name": "kid",
            "value": 0.1,
            "interval": None,
            "error": 0.01,
            "untouched": None,
            "better": "lower",
            "meaning": "Alike.",
            "protocol": "unbiased",
            "step": 20,
        },
    ]
    assert source["remarks"] == ["a_to_b: 4 held-out images are also training images."]
    assert source["step"] == 30
    assert source["method"] == "CycleGAN"
    assert source["summary"].startswith("Unpaired translation between two domains")
    assert "samples:avatars, 64 x 64 pixels" in source["intended_use"]


def test_a_run_without_evaluation_has_no_metrics_and_accepts_an_intended_use(tmp_path):
    source = source_of(_trained(tmp_path), "Emoji only.")
    assert "metrics" not in source
    assert source["intended_use"] == "Emoji only."


def test_a_broken_evaluation_is_named_with_a_suggestion(tmp_path):
    _evaluation(tmp_path, lambda document: document.pop("metadata"))
    with pytest.raises(
        RunError, match=r"test64\.json is not a valid evaluation .*evaluate .* again"
    ):
        source_of(_trained(tmp_path))


def test_licenses_of_samples_and_fetched_datasets_are_known(tmp_path):
    assert set(LICENSES) == set(sample_names())
    assert provenance_of(_trained(tmp_path)) == {
        "data": "samples:avatars, fingerprint abc",
        "license": "Open Peeps, Pablo Stanley, CC0 1.0",
    }
    table = cache_folder() / "fetched" / "orl-1.4.0" / "orl.csv"
    fetched = provenance_of(_trained(tmp_path, str(table)))
    assert fetched["license"] == "AT&T Laboratories Cambridge, for research"
    assert fetched["data"] == "orl, fingerprint abc"
    assert all(known.description.count("; ") == 1 for known in FETCHABLE.values())


def test_the_license_of_own_images_is_unknown_unless_specified(tmp_path):
    own_images = _trained(
        tmp_path, str(tmp_path / "orl.csv")
    )  # has the name of a fetched dataset, but is another file
    assert provenance_of(own_images) == {"data": "orl.csv, fingerprint abc"}
    assert provenance_of(own_images, "CC BY 4.0, me")["license"] == "CC BY 4.0, me"


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("samples:flat_to_3d", ("flat", "3d")),
        ("data/horse2zebra", ("horse", "zebra")),
        ("data/day_photos_to_night.csv", ("day photos", "night")),
        ("data/cityscapes", None),
        ("data/v2", None),
        ("samples:avatars", None),
    ],
)
def test_domains_are_named_by_the_name_of_the_data_if_it_names_them(tmp_path, path, names):
    found = source_of(_trained(tmp_path, path)).get("domains")
    assert found == (names and {"a": names[0], "b": names[1]})


def test_given_names_of_domains_come_first_and_the_direction_is_followed(tmp_path):
    trained = _trained(tmp_path, "samples:flat_to_3d")
    given = source_of(trained, domain_names=("drawings", "renderings"))
    assert given["domains"] == {"a": "drawings", "b": "renderings"}
    data = trained.config.data.model_copy(update={"direction": "b_to_a"})
    trained.config = trained.config.model_copy(update={"data": data})
    assert source_of(trained)["domains"] == {"a": "3d", "b": "flat"}
