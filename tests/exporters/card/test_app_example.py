"""The Kotlin and Swift examples against the .tflite file's own signatures and the manifest."""

import json
import re
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from exporters.bundle.signatures import make_records
from exporters.card import template_files
from exporters.card.app_example import argument_names, examples
from tests.exporters.fakes import Signature, Tensor, negative

DOCUMENTED = (
    r"(uint8|float32|int32) \[([\d, ]+)\](?: in |, )(any value|[-\d.e+]+\.\.[-\d.e+]+?)(?=[;\n])"
)


@dataclass(frozen=True)
class Language:
    """How to find things in the text of one language."""

    file: str
    images: str
    grammar: str
    function: str
    signature: str
    fed: str
    result: str
    parameter_documented: str
    result_documented: str
    default: str


KOTLIN = Language(
    file="Translator.kt",
    images="Images.kt",
    grammar="tree_sitter_kotlin",
    function=r"/\*\*\n(?P<doc>(?:     \*.*\n)+?)     \*/\n    fun (?P<name>\w+)"
    r"\((?P<parameters>.*)\): .* \{\n(?P<body>(?:        .*\n)+)    \}\n",
    signature=r'run\("(\w+)", (?:"\w+"|null), inputs, outputs\)',
    fed=r'"(\w+)" to (uint8|float32|int32)\((\w+), (?:[-\d.]+f\.\.[-\d.]+f, )?([\d, ]+)\),\n',
    result=r'"(\w+)" to (uint8|float32|int32)Of\((?:[-\d.]+f\.\.[-\d.]+f, )?([\d, ]+)\),\n',
    parameter_documented=rf"@param (\w+) {DOCUMENTED}",
    result_documented=rf"@return (\w+): {DOCUMENTED}",
    default=r"(\w+): (?:Float|Byte|Int)Array = \w+ArrayOf\(([-\d.f, ]+)\)",
)
SWIFT = Language(
    file="Translator.swift",
    images="Images.swift",
    grammar="tree_sitter_swift",
    function=r"(?P<doc>(?:  ///.*\n)+)  func (?P<name>\w+)\((?P<parameters>.*)\) throws -> .* \{\n"
    r"(?P<body>(?:    .*\n)+)  \}\n",
    signature=r'signatureRunner\(with: "(\w+)"\)',
    fed=r'"(\w+)": (uint8|float32|int32)\((\w+), \[([\d, ]+)\]\),\n',
    result=r'try (uint8|float32|int32)\(runner.output\(named: "(\w+)"\), \[([\d, ]+)\]\)',
    parameter_documented=rf"- Parameter (\w+): {DOCUMENTED}",
    result_documented=rf"- Returns: (\w+): {DOCUMENTED}",
    default=r"(\w+): \[(?:Float32|UInt8|Int32)\] = \[([-\d., ]+)\]",
)
languages = pytest.mark.parametrize("language", [KOTLIN, SWIFT], ids=["kotlin", "swift"])


def _text(bundle, language):
    return (bundle / "examples" / language.file).read_text("utf-8")


def _functions(bundle, language):
    """What each function says: by signature its tensors as `(dtype, shape)`, and its documents."""
    found = {}
    for match in re.finditer(language.function, _text(bundle, language)):
        (signature,) = re.findall(language.signature, match["body"])
        parameters = {name: each for name, _, each, _ in re.findall(language.fed, match["body"])}
        results = re.findall(language.result, match["body"])
        if language is SWIFT:
            results = [(name, dtype, shape) for dtype, name, shape in results]
        found[signature] = {
            "name": match["name"],
            "parameters": parameters,
            "declared": re.findall(r"(\w+): [\[\w]", match["parameters"]),
            "fed": {
                name: (dtype, _shape(shape))
                for name, dtype, _, shape in re.findall(language.fed, match["body"])
            },
            "results": {name: (dtype, _shape(shape)) for name, dtype, shape in results},
            "documented": _documents(language.parameter_documented, match["doc"]),
            "documented_results": _documents(language.result_documented, match["doc"]),
            "defaults": {
                name: [float(each.strip(" f")) for each in values.split(",")]
                for name, values in re.findall(language.default, match["parameters"])
            },
        }
    return found


def _documents(pattern, text):
    return {
        name: (dtype, _shape(shape), _range(limits))
        for name, dtype, shape, limits in re.findall(pattern, text)
    }


def _shape(text):
    return tuple(int(side) for side in text.split(","))


def _range(text):
    return None if text == "any value" else [float(end) for end in text.split("..")]


def _details(details):
    return {
        name: (np.dtype(each["dtype"]).name, tuple(int(side) for side in each["shape"]))
        for name, each in details.items()
    }


@pytest.mark.thorough
@languages
def test_an_example_has_a_function_for_each_signature_that_apps_call(described, language):
    assert set(_functions(described, language)) == {
        "edit_uint8",
        "dim_uint8",
        "swap_uint8",
        "refine_uint8",
        "paint_uint8",
        "encode_uint8",
        "mark",
        "do",
        "a_to_b_uint8",
    }


@languages
@pytest.mark.parametrize("recipe", ["float32", "float16"])
def test_names_types_and_shapes_in_an_example_are_those_of_the_file(described, language, recipe):
    interpreter = Interpreter(str(described / f"{recipe}.tflite"))
    functions = _functions(described, language)
    assert set(functions) <= set(interpreter.get_signature_list())
    for signature, found in functions.items():
        runner = interpreter.get_signature_runner(signature)
        assert found["fed"] == _details(runner.get_input_details()), signature
        assert found["results"] == _details(runner.get_output_details()), signature


@languages
def test_comments_and_defaults_in_an_example_are_those_of_the_manifest(described, language):
    manifest = json.loads((described / "manifest.json").read_text())
    functions = _functions(described, language)
    for signature, found in functions.items():
        record = manifest["signatures"][signature]
        for role, documented in (("inputs", "documented"), ("outputs", "documented_results")):
            names = found["parameters"] if role == "inputs" else {}
            expected = {
                names.get(tensor["name"], tensor["name"]): (
                    tensor["dtype"],
                    tuple(tensor["shape"]),
                    tensor["value_range"],
                )
                for tensor in record[role]
            }
            assert found[documented] == expected, signature
        assert found["declared"] == list(found["parameters"].values())
        assert found["defaults"] == {
            found["parameters"][tensor["name"]]: tensor["default"]
            for tensor in record["inputs"]
            if "default" in tensor
        }
    assert functions["refine_uint8"]["defaults"] == {"steps": [3.0], "style": [1.0, 0.0]}
    assert functions["mark"]["documented"]["latent"] == ("float32", (1, 4, 5), None)


@languages
def test_an_example_describes_its_models_and_images(described, language):
    text = _text(described, language)
    assert (described / "float32.tflite").is_file()
    assert "float32.tflite (or float16.tflite)" in text
    assert "in order: glasses, hair=black, hair=blond" in text
    assert "image 12 wide and 8 high, rows from the top, red, green, blue" in text
    usage = {
        KOTLIN: "translator.edit(pixelsOf(image, 12, 8), attributes)\n",
        SWIFT: "translator.edit(image: pixels(of: image, width: 12, height: 8), attributes: attri",
    }
    assert usage[language] in text
    assert "%%" not in text


@languages
def test_reserved_words_of_the_language_are_renamed_in_an_example(described, language):
    found = _functions(described, language)["do"]
    assert found["name"] == "do_"
    assert set(found["fed"]) == {"object", "inputs", "runner"}  # the model's names stay
    own = {KOTLIN: ["object_", "inputs_", "runner"], SWIFT: ["object", "inputs", "runner_"]}
    assert list(found["parameters"].values()) == own[language]
    assert _functions(described, language)["a_to_b_uint8"]["name"] == "aToB"


@languages
def test_a_reserved_word_does_not_get_the_name_of_another_input(language):
    word = {KOTLIN: "object", SWIFT: "operator"}[language]
    inputs = tuple(Tensor(name, (None, 2), value_range=None) for name in (word, f"{word}_"))
    signature = Signature("a_to_b", lambda **tensors: tensors, inputs, inputs)
    (record,) = make_records({"a_to_b": signature}).values()
    found = argument_names(template_files.load(language.grammar.split("_")[-1]), record)
    assert found == {word: f"{word}__", f"{word}_": f"{word}_"}


def _has_error(language, text):
    tree_sitter = pytest.importorskip("tree_sitter", reason="the grammars are for tests alone")
    grammar = pytest.importorskip(language.grammar)
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    return parser.parse(text.encode()).root_node.has_error


@languages
def test_an_example_is_valid_in_the_languages_grammar(described, language):
    text = _text(described, language)
    assert not _has_error(language, text)
    assert not _has_error(language, (described / "examples" / language.images).read_text("utf-8"))
    assert "in order: x* /y, / *z" in text
    broken = text.replace("): ", "(: ", 1) if language is KOTLIN else text.replace(" -> ", " > ", 1)
    assert _has_error(language, broken)


@languages
@pytest.mark.parametrize(
    ("aspect", "words"),
    [
        ("stretch", "height and width are resized independently"),
        ("letterbox", "the rest is filled with mirrored borders"),
        ("crop", "the centre part with the model's aspect ratio"),
    ],
)
def test_an_example_brings_images_to_the_model_by_the_aspect_of_the_bundle(language, aspect, words):
    records = make_records({"a_to_b": negative("a_to_b")})
    sources = examples(records, "title", ["float32.tflite"], aspect)
    images, text = sources[f"examples/{language.images}"], sources[f"examples/{language.file}"]
    assert images.count(words) == 1
    assert "%%" not in images + text
    assert not _has_error(language, images)
    shown = {
        KOTLIN: "val shown = bitmapOf(result, 12, 8, image)\n",
        SWIFT: "let shown = resultImage(of: result, width: 12, height: 8, for: image)\n",
    }
    assert shown[language] in text


@languages
def test_an_example_resizes_label_maps_by_the_nearest_pixel(language):
    records = make_records({"a_to_b": negative("a_to_b")})
    record = records["a_to_b_uint8"]
    image = record.inputs[0].model_copy(update={"interpolation": "nearest"})
    records["a_to_b_uint8"] = record.model_copy(update={"inputs": (image,)})
    sources = examples(records, "title", ["float32.tflite"], "stretch")
    text = sources[f"examples/{language.file}"]
    calls = {
        KOTLIN: ("pixelsOf(image, 12, 8, nearest = true)", "bitmapOf(result, 12, 8, image)\n"),
        SWIFT: (
            "pixels(of: image, width: 12, height: 8, nearest: true)",
            "resultImage(of: result, width: 12, height: 8, for: image)\n",
        ),
    }
    assert all(call in text for call in calls[language])  # the result is a photograph
    assert "%%" not in text + sources[f"examples/{language.images}"]
    assert not _has_error(language, sources[f"examples/{language.images}"])


@languages
def test_an_example_shows_a_larger_result_at_its_size(language):
    larger = Tensor(shape=(None, 32, 48, 3))
    signature = Signature("enlarge", lambda image: {"image": image}, outputs=(larger,))
    sources = examples(make_records({"enlarge": signature}), "title", ["float32.tflite"], "stretch")
    calls = {
        KOTLIN: "bitmapOf(result, 12, 8, image, 48, 32)\n",
        SWIFT: "resultImage(of: result, width: 12, height: 8, for: image, resultWidth: 48, "
        "resultHeight: 32)\n",
    }
    text = sources[f"examples/{language.file}"]
    assert calls[language] in text
    assert language.images in text  # beside which it is put


@languages
def test_an_example_without_colour_images_has_no_file_for_them(language):
    scalar = Tensor("value", (None, 2), value_range=None)
    signature = Signature("add", lambda value: {"value": value}, (scalar,), (scalar,))
    sources = examples(make_records({"add": signature}), "title", ["float32.tflite"], "stretch")
    assert f"examples/{language.images}" not in sources
    assert language.images not in sources[f"examples/{language.file}"]


@languages
def test_an_example_states_versions_and_the_direction_in_words(language):
    sources = examples(
        make_records({"a_to_b": negative("a_to_b")}),
        "title",
        ["float32.tflite"],
        "stretch",
        domains={"a": "horses", "b": "zebras */"},
        model_version='1.2"0',
    )
    text = sources[f"examples/{language.file}"]
    assert "`a_to_b_uint8`: horses to zebras * /." in text
    assert '// Version of the model: 1.2"0.' in text
    assert '= "1.20"' in text  # the constant: a quotation mark would end it
    versions = {KOTLIN: "LiteRT 2.3.0 and Android 7.0 (minSdk 24)", SWIFT: "2.17.0 and iOS 15.0"}
    assert versions[language] in text


def test_pixels_go_to_the_float_signature_of_a_gpu_with_its_ranges():
    unit = Tensor(value_range=(0.0, 1.0))
    signature = Signature("a_to_b", lambda image: {"image": image}, (Tensor(),), (unit,))
    direct, other = (
        Tensor(name, dtype="uint8", value_range=(0, 255)) for name in ("image", "other")
    )
    pixels = Signature("copy", lambda image: {"image": image}, (direct,), (direct,))
    both = Signature("join", lambda **tensors: tensors, (Tensor(), other), (unit,))
    records = make_records({"a_to_b": signature, "copy": pixels, "join": both})
    text = examples(records, "title", ["float32.tflite"], "stretch")["examples/Translator.kt"]
    assert 'run("a_to_b_uint8", "a_to_b", inputs, outputs)' in text
    assert '"image" to uint8(image, -1f..1f, 1, 8, 12, 3)' in text
    assert '"image" to uint8Of(0f..1f, 1, 8, 12, 3)' in text
    assert 'run("copy", null, inputs, outputs)' in text  # the CPU: LiteRT's buffers have no uint8
    assert 'run("join_uint8", null, inputs, outputs)' in text
    assert '"image" to uint8(image, null, 1, 8, 12, 3)' in text


def test_every_grammar_that_is_tested_is_listed():
    for language in (KOTLIN, SWIFT):
        module = import_module("exporters.card.template_files").load(
            language.grammar.split("_")[-1]
        )
        assert module["path"] == f"examples/{language.file}"
        assert module["images_path"] == f"examples/{language.images}"
