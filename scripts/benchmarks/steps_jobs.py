"""What bench_steps measures: the passes that equations need, and where each method began.

A kind of step is a method's stage, and whether its discriminators go alone in it (a burst).
"""

from collections.abc import Mapping
from dataclasses import dataclass

ALONE = "discriminators alone"

# The forward passes a step needs with the small preset's settings, by network.
NEEDED: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("pix2pix", "train"): {
        "generator": 1,
        "discriminator": 3,
    },  # G(x); D real, fake; D(G(x)) once D moved
    # G(x), G(F(y)), G(y); D on a real and a pooled image, and on the fake for G.
    ("cyclegan", "train"): {
        "generator_ab": 3,
        "generator_ba": 3,
        "discriminator_a": 3,
        "discriminator_b": 3,
    },
    # Three discriminators' turns on fresh images: G once, D on real, fake and between the two; then the
    # generators' turn on the last of them: back to the input, D on the fake.
    ("dualgan", "train"): {
        "generator_ab": 4,
        "generator_ba": 4,
        "discriminator_a": 10,
        "discriminator_b": 10,
    },
    # The discriminators' turn: one fake, D on it and on a real one; each of the generators' two, on fresh
    # images: there and back, features of fake and real.
    ("discogan", "train"): {
        "generator_ab": 5,
        "generator_ba": 5,
        "discriminator_a": 6,
        "discriminator_b": 6,
    },
    ("dtn", "features"): {"features": 1, "head": 1},
    # f(s, t), f(G(s)); g(f(s, t)); D on both and real, then on both again.
    ("dtn", "transfer"): {"features": 2, "decoder": 1, "discriminator": 5},
    # The discriminator's two turns on fresh images: E, D; then E, Dec, and D on that latent.
    ("fader", "train"): {"encoder": 3, "decoder": 1, "latent_discriminator": 3},
    # G(z, y'); D on real (its gradient from the same pass), drawn, mismatched; on drawn once D moved.
    ("icgan", "gan"): {"generator": 1, "discriminator": 4},
    ("icgan", "encoder_z"): {"generator": 1, "encoder_z": 1},
    ("icgan", "encoder_y"): {"encoder_y": 1},
    # E(Ax, Be); the joiner on four pairs of codes; each discriminator on real, fake and between the two,
    # then on the fake for E and the joiner.
    ("genegan", "train"): {"splitter": 1, "joiner": 1, "discriminator_a": 4, "discriminator_b": 4},
    ("genegan", ALONE): {"splitter": 1, "joiner": 1, "discriminator_a": 3, "discriminator_b": 3},
    ("age_cgan", "identity_embedder"): {"identity_embedder": 1},  # both views in one batch
    ("age_cgan", "gan"): {"generator": 1, "discriminator": 4},  # as IcGAN
    ("age_cgan", "encoder"): {"generator": 1, "encoder": 1},
    # G of images and of noise; trunk and verdict on both in each player's turn, and on real images.
    ("ian", "train"): {"encoder_head": 1, "decoder": 2, "trunk": 5, "discriminator_head": 5},
}


@dataclass(frozen=True)
class Start:
    """Where a method began.

    Attributes:
        revision: The first commit that trained it by `tf-translate train`.
        without: Keys of the small preset that it did not know yet: both sides of the race are run
            without them, at their defaults.
    """

    revision: str
    without: tuple[str, ...] = ()


_CONDITIONAL = ("model.discriminator_noise", "loss_weights.r1")
STARTS = {
    "pix2pix": Start("f39fc4a"),
    "cyclegan": Start("f39fc4a", ("model.input_skip",)),
    "dualgan": Start("cc412b0", ("model.discriminator_head",)),  # knew it, but no PatchGAN
    "discogan": Start("cc412b0"),
    "dtn": Start("cc412b0"),
    "fader": Start(
        "02d62a2",
        ("model.discriminator_turns", "model.latent_noise", "model.discriminator_optimizer"),
    ),
    "icgan": Start("e07c52c", _CONDITIONAL),
    "genegan": Start("bba97a6"),
    "age_cgan": Start("5371064", _CONDITIONAL),
    "ian": Start("1408074", _CONDITIONAL),
}
