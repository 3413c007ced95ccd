import pytest
import tensorflow as tf

import exporters
from tests.exporters.fakes import (
    Scalars,
    Signature,
    Tensor,
    dim,
    edit,
    negative,
    paint,
    refine,
    scalars,
    swap,
)

MEASURED = {
    "direction": "add_glasses",
    "name": "domain/accuracy",
    "value": 0.95117,
    "interval": [0.9, 0.97],
    "untouched": 0.00195,
    "better": "higher",
    "meaning": "Fraction classified as the target.",
    "protocol": "judge at 64 px; n = 512",
    "step": 7,
}
OTHER = {
    **MEASURED,
    "direction": "remove_glasses",
    "value": 0.62,
    "interval": None,
    "error": 0.011,
}
SOURCE = {
    "run": "fader",
    "step": 7,
    "method": "Fader Networks",
    "summary": "Encodes an image without its attributes.",
    "intended_use": "Drawn heads | not people.",
    "metrics": [MEASURED, OTHER],
    "remarks": ["3 held-out images are also training images."],
    "config": {"anything": [1]},
}
PROVENANCE = {"data": "avatars", "license": "Open Peeps, CC0 1.0", "more": 1}


def halves():
    """Two signatures without images between them: a latent, two outputs, an index."""
    latent = Tensor("latent", (None, 4, 5), "float32", None)
    index = Tensor("index", (None,), "int32", (0, 1))
    shown = scalars("attributes", "glasses", "hair=black")

    def encode(image):
        mean = tf.reduce_mean(image, [1, 2, 3])
        return {
            "latent": tf.tile(mean[:, None, None], (1, 4, 5)),
            "attributes": tf.tile(mean[:, None], (1, 2)) * 0.0 + 0.5,
        }

    def mark(latent, index):
        return {"latent": latent + tf.cast(index, tf.float32)[:, None, None]}

    return (
        Signature("encode", encode, (Tensor(),), (latent, shown)),
        Signature("mark", mark, (latent, index), (latent,)),
    )


def awkward():
    """Names that are keywords in Kotlin and Swift, or used by the examples."""
    inputs = (
        Scalars("object", (None, 2), labels=("x*/y", "/*z")),  # the ends of comments
        Scalars("inputs", (None, 2)),
        Scalars("runner", (None, 2)),
    )

    def function(**given):
        return {"when": given["object"] + given["inputs"] + given["runner"]}

    return Signature("do", function, inputs, (Tensor("when", (None, 2), "float32", None),))


@pytest.fixture(scope="session")
def described(tmp_path_factory):
    """A bundle of all kinds of inputs and outputs with metadata for its card."""
    fakes = (edit(), dim(), swap(), refine(), paint(), *halves(), awkward(), negative("a_to_b"))
    return exporters.export(
        {fake.name: fake for fake in fakes},
        tmp_path_factory.mktemp("described") / "heads",
        recipes=("float32", "float16"),
        source=SOURCE,
        provenance=PROVENANCE,
    )
