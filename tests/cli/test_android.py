"""`android`: writes a project once; `export`: names and versions that apps show."""

import json

import keras

from tests.exporters.convert.read_metadata import read_metadata


def test_a_project_is_written_and_not_overwritten(command, mistake, bundle, tmp_path):
    app = tmp_path / "app"
    code, out, error = command("android", bundle, "--output", app, "--package", "org.example.app")
    assert code == 0, error
    assert "open it in Android Studio" in " ".join(out.split())
    assert (app / "app/src/main/java/org/example/app/MainActivity.kt").is_file()
    assert "a project never overwrites" in mistake("android", bundle, "--output", app)


def test_a_wrong_package_or_recipe_is_one_sentence(mistake, bundle, tmp_path):
    app = tmp_path / "app"
    wrong_package = mistake("android", bundle, "--output", app, "--package", "App")
    assert "`package` must be" in wrong_package
    assert "got 'int8'" in mistake("android", bundle, "--output", app, "--recipe", "int8")
    assert not app.exists()


def test_export_records_the_version_and_the_names_of_the_domains(command, tmp_path):
    file = tmp_path / "generator.keras"
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1)]).save(file)
    bundle = tmp_path / "bundle"
    code, _, error = command(
        *("export", file, "--bundle", bundle, "--recipe", "float32", "--no-saved-model"),
        *("--input-range", -1, 1, "--output-range", -100, 100),
        *("--model-version", "1.2.0", "--domain-names", "horses", "zebras"),
    )
    assert code == 0, error
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["model_version"] == "1.2.0"
    assert manifest["source"]["domains"] == {"a": "horses", "b": "zebras"}
    assert "Horses to zebras." in (bundle / "card.md").read_text("utf-8")
    assert b"1.2.0" in read_metadata((bundle / "float32.tflite").read_bytes())


def test_a_version_of_two_lines_is_refused(mistake, tmp_path):
    file = tmp_path / "generator.keras"
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1)]).save(file)
    message = mistake("export", file, "--bundle", tmp_path / "bundle", "--model-version", "1\n2")
    assert "`model_version` must be one line" in message
