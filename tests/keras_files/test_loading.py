"""Forged and odd `.keras` files: each ends in one sentence; nothing is run, no memory is filled."""

import base64
import io
import json
import marshal
import random
import resource
import zipfile

import h5py
import keras
import numpy as np
import pytest

from tests.keras_files.mutations import mutate
from tf_translate.errors import DataError
from tf_translate.keras_files.loading import load_keras_file
from tf_translate.layers.instance_norm import InstanceNormalization

SIDE = 8
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """The members of a good file: a functional network with a Sequential and a custom layer."""
    images = keras.Input((SIDE, SIDE, 3))
    block = keras.Sequential([keras.layers.Conv2D(4, 3, padding="same"), keras.layers.LeakyReLU()])
    hidden = InstanceNormalization()(block(images)) * 0.5
    network = keras.Model(images, keras.layers.Conv2D(3, 1, activation="tanh")(hidden))
    file = tmp_path_factory.mktemp("good") / "good.keras"
    network.save(file)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write(folder, members, compression=zipfile.ZIP_STORED):
    path = folder / "forged.keras"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _described(folder, members, description):
    return _write(folder, members | {"config.json": json.dumps(description)})


def _layer(class_name, module="keras.layers", registered=None, **config):
    entry = {"module": module, "class_name": class_name, "config": {"name": "odd", **config}}
    return entry | {"registered_name": registered}


def _sequential(*layers):
    start = _layer("InputLayer", batch_shape=[None, SIDE, SIDE, 3], dtype="float32")
    layers = [start | {"config": start["config"] | {"name": "start"}}, *layers]
    return _layer("Sequential", "keras", layers=layers)


def _refusal(path):
    """The sentence with which a file is refused, without its path."""
    with pytest.raises(DataError) as refused:
        load_keras_file(path)
    sentence = str(refused.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    assert len(sentence) < len(str(path)) + 700
    return sentence.removeprefix(str(path)).strip()


def test_a_good_file_is_read_with_its_weights(members, tmp_path):
    network = load_keras_file(_write(tmp_path, members))
    with h5py.File(io.BytesIO(members["model.weights.h5"])) as file:
        kernel = file["layers/conv2d/vars/0"][()]
    last = network.layers[-1]
    assert last.activation is keras.activations.tanh
    np.testing.assert_array_equal(last.get_weights()[0], kernel)


def test_a_good_file_that_was_zipped_again_is_read(members, tmp_path):
    assert load_keras_file(_write(tmp_path, members, zipfile.ZIP_DEFLATED)).count_params() > 0


def test_files_of_other_kinds_are_refused_by_what_they_are(members, tmp_path):
    assert _refusal(tmp_path / "none.keras") == "does not exist"
    assert "is a folder, perhaps a SavedModel" in _refusal(tmp_path)
    text = tmp_path / "text.keras"
    text.write_text("text")
    assert "is not a zip file" in _refusal(text)
    named = tmp_path / "model.zip"
    _write(tmp_path, members).rename(named)
    assert _refusal(named) == "must end in .keras"
    old = members | {"metadata.json": b'{"keras_version": "2.15.0"}'}
    assert "was saved by Keras 2.15.0; read it with `tf_translate.load_legacy`" in _refusal(
        _write(tmp_path, old)
    )


@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
def test_a_missing_member_is_named(members, tmp_path, name):
    rest = {key: content for key, content in members.items() if key != name}
    assert f"not one that Keras wrote: {name} is missing" in _refusal(_write(tmp_path, rest))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.json", b"{}", "metadata.json without a `keras_version`"),
        ("metadata.json", b"[1]", "metadata.json without a `keras_version`"),
        ("config.json", b"", "config.json, which is not valid JSON"),
        ("config.json", b"{", "config.json, which is not valid JSON"),
        ("config.json", b"\xff\xfe\xfa", "config.json, which is not valid JSON"),
        ("config.json", b"[1]", "config.json, which is not a JSON object"),
        ("config.json", b"9" * 10_000, "config.json, which is not valid JSON"),
        ("config.json", b"{}", "cannot be read"),
        ("config.json", b"null", "config.json, which is not a JSON object"),
        ("model.weights.h5", b"", "weights that cannot be read"),
        ("model.weights.h5", b"text", "weights that cannot be read"),
    ],
)
def test_a_member_of_another_content_is_named(members, tmp_path, name, content, message):
    assert message in _refusal(_write(tmp_path, members | {name: content}))


@pytest.mark.parametrize("depth", [200, 10_000, 1_000_000])
@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")])
def test_a_description_of_any_depth_is_refused_by_it(members, tmp_path, depth, opening, closing):
    nested = opening * depth + b"1" + closing * depth
    content = b'{"class_name": "Functional", "config": ' + nested + b"}"
    assert "nests more than 100 levels" in _refusal(
        _write(tmp_path, members | {"config.json": content})
    )


@pytest.mark.parametrize("depth", [40, 10_000])
def test_networks_within_networks_are_refused_by_their_depth(members, tmp_path, depth):
    opening = b'{"module": "keras", "class_name": "Sequential", "config": {"layers": ['
    content = opening * depth + members["config.json"] + b"]}}" * depth
    assert "nests more than 100 levels" in _refusal(
        _write(tmp_path, members | {"config.json": content})
    )


def _code(file):
    """A Python function as Keras stores it; it would write a file."""
    source = compile(f"open({str(file)!r}, 'w').write('run')", "forged", "exec")
    return base64.b64encode(marshal.dumps(source)).decode()


@pytest.mark.parametrize("kind", ["layer", "function", "activation"])
def test_python_code_in_a_file_is_refused_and_not_run(members, tmp_path, kind):
    code = {"class_name": "__lambda__", "config": {"value": [_code(tmp_path / "run"), None, None]}}
    entries = {
        "layer": _layer("Lambda", function=code),
        "function": _layer("Conv2D", filters=3, kernel_size=1, kernel_initializer=code),
        "activation": _layer("Activation", activation=code),
    }
    sentence = _refusal(_described(tmp_path, members, _sequential(entries[kind])))
    assert "whose code is in the file and is never run" in sentence
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (_layer("TFSMLayer", filepath="/tmp"), "'TFSMLayer', which loads another file"),
        (_layer("StringLookup", vocabulary="/etc/passwd"), "may load another file"),
        (_layer("TorchModuleWrapper", module=""), "unpickles an object of PyTorch"),
        (_layer("system", "os"), "the class 'system' of 'os', which is neither"),
        (_layer("Popen", "subprocess", args="id"), "'Popen' of 'subprocess'"),
        (_layer("get_file", "keras.utils"), "'get_file' of 'keras.utils'"),
        (_layer("function", "os.path") | {"config": "join"}, "'function' of 'os.path'"),
        (_layer("MyLayer", "my_package.layers", "mine>MyLayer"), "import the file that defines it"),
        (_layer("MyLayer", None, "mine>MyLayer"), "'MyLayer' of 'None'"),
        (_layer(["Conv2D"]), "which is not a name"),
        (_layer("Conv2", filters=3, kernel_size=1), "cannot be read"),
        (_layer("Conv2D", filters=3), "cannot be read"),
        (_layer("Conv2D", filters="many", kernel_size=1), "cannot be read"),
        (_layer("Conv2D", filters=-3, kernel_size=1), "cannot be read"),
        (_layer("Conv2D", filters=3, kernel_size=[1, 1, 1]), "cannot be read"),
        (_layer("Conv2D", filters=3, kernel_size=1, dtype="float99"), "cannot be read"),
        (_layer("Reshape", target_shape=[7, 7]), "cannot be read"),
        (_layer("Conv2D", filters=3, kernel_size=1), "cannot be read"),  # weights do not fit
    ],
)
def test_a_description_that_is_unsafe_or_impossible_is_refused(members, tmp_path, entry, message):
    assert message in _refusal(_described(tmp_path, members, _sequential(entry)))


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (_layer("Dense", units=10**12), "with units=1000000000000"),
        (_layer("Dense", units=10**9), "weights take more than"),
        (
            _layer("Conv2D", filters=2**20, kernel_size=[500, 500], padding="same"),
            "weights take more than",
        ),
        (_layer("Embedding", input_dim=2**30, output_dim=64), "weights take more than"),
        (_layer("InputLayer", batch_shape=[None, 10**6, 10**6, 3]), "with batch_shape="),
        (_layer("Conv2D", filters=3, kernel_size=[10**6, 10**6]), "with kernel_size="),
        (_layer("Conv2D", filters=10**400, kernel_size=1), "with filters=1000"),
    ],
)
def test_huge_sizes_are_refused_before_memory_is_taken(members, tmp_path, entry, message):
    path, before = _described(tmp_path, members, _sequential(entry)), _peak()
    assert message in _refusal(path)
    assert _peak() - before < 200 * MEBIBYTE


@pytest.mark.slow
def test_archives_that_would_unpack_to_much_more_are_refused(members, tmp_path):
    before = _peak()
    for name in ("config.json", "model.weights.h5", "assets/x"):
        bomb = members | {name: bytes(300 * MEBIBYTE)}
        path = _write(tmp_path, bomb, zipfile.ZIP_DEFLATED)
        assert path.stat().st_size < MEBIBYTE
        del bomb
        assert f"holds '{name}', which would unpack to 314572800 bytes" in _refusal(path)
    assert _peak() - before < 1000 * MEBIBYTE  # of the test itself


@pytest.mark.parametrize("kind", ["large", "external", "wrong shape"])
def test_arrays_that_are_forged_are_refused_before_they_are_read(members, tmp_path, kind):
    content = io.BytesIO(members["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        del file["layers/conv2d/vars/0"]
        group = file["layers/conv2d/vars"]
        if kind == "large":
            group.create_dataset("0", (2**20, 2**10), "float32", chunks=True, compression="gzip")
        elif kind == "external":
            (tmp_path / "secret").write_bytes(bytes(48))
            group.create_dataset(
                "0", (1, 1, 4, 3), "float32", external=[(str(tmp_path / "secret"), 0, 48)]
            )
        else:
            group.create_dataset("0", data=np.zeros((5, 5), np.float32))
    path = _write(tmp_path, members | {"model.weights.h5": content.getvalue()})
    expected = {
        "large": "holds arrays of more than",
        "external": "which is in another file",
        "wrong shape": "cannot be read",
    }
    assert expected[kind] in _refusal(path)


def _load_or_sentence(path):
    """Loads a mutated file, which may still be a network; anything but a sentence is a failure."""
    try:
        load_keras_file(path)
    except DataError as error:
        sentence = str(error)
    else:
        return 0
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    return 1


@pytest.mark.slow
def test_mutated_descriptions_are_read_or_end_in_a_sentence(members, tmp_path):
    draw, refused = random.Random(21), 0
    for _ in range(120):
        description = json.loads(members["config.json"])
        for _ in range(draw.randint(1, 3)):
            mutate(description, draw)
        refused += _load_or_sentence(_described(tmp_path, members, description))
    assert refused > 60, "most mutations break the network"


@pytest.mark.thorough
def test_files_with_flipped_or_missing_bytes_are_read_or_end_in_a_sentence(members, tmp_path):
    draw, refused = random.Random(22), 0
    good = _write(tmp_path, members).read_bytes()
    for _ in range(60):
        content = bytearray(good)
        if draw.random() < 0.2:
            content = content[: draw.randrange(len(content))]
        for _ in range(draw.randint(1, 20)) if content else ():
            content[draw.randrange(len(content))] = draw.randrange(256)
        path = tmp_path / "flipped.keras"
        path.write_bytes(content)
        refused += _load_or_sentence(path)
    assert refused > 10
