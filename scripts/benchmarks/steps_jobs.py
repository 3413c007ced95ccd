"""The kinds of step that `scripts/bench steps` times, and the forward passes that each one needs.

A kind of step is a stage of a method, or a step of a burst in which only discriminators take turns.
"""

from collections.abc import Mapping

ALONE = "discriminators alone"

# The forward passes that the equations need, by network, with the small preset's settings.
NEEDED: Mapping[tuple[str, str], Mapping[str, int]] = {
    # G(x); D on real and fake, then on the fake for G, after the update of D.
    ("pix2pix", "train"): {"generator": 1, "discriminator": 3},
    # Two turns of the discriminators on different images: G(x) for each, D on a real image and a
    # pooled fake in each. G(F(y)), and D on the fake for G.
    ("cyclegan", "train"): {
        "generator_ab": 3,
        "generator_ba": 3,
        "discriminator_a": 5,
        "discriminator_b": 5,
    },
    # Three turns of the discriminators, each on fresh images: G once, D on real, fake and their
    # interpolation. Then the generators' turn: reconstruction, and D on the last fake.
    ("dualgan", "train"): {
        "generator_ab": 4,
        "generator_ba": 4,
        "discriminator_a": 10,
        "discriminator_b": 10,
    },
    # The discriminators' turn: one fake, D on it and on a real image. Each of the generators' two
    # turns, on fresh images: translation, reconstruction, features of fake and real.
    ("discogan", "train"): {
        "generator_ab": 5,
        "generator_ba": 5,
        "discriminator_a": 6,
        "discriminator_b": 6,
    },
    ("dtn", "feature_extractor"): {"feature_extractor": 1, "head": 1},
    # f of source and target in one batch, f(G(s)); g once; D on both fakes and the real image,
    # then on both fakes for G.
    ("dtn", "transfer"): {"feature_extractor": 2, "decoder": 1, "discriminator": 5},
    # Two turns of the discriminator on fresh images: E, D. Then E, Dec, and D on the latent.
    ("fader", "train"): {"encoder": 3, "decoder": 1, "latent_discriminator": 3},
    # G(z, y'); D on a real image (whose gradient comes from the same pass), on a generated and on
    # a mismatched one; on the generated one again for G.
    ("icgan", "gan"): {"generator": 1, "discriminator": 4},
    ("icgan", "encoder_z"): {"generator": 1, "encoder_z": 1},
    ("icgan", "encoder_y"): {"encoder_y": 1},
    # E(Ax, Be); the joiner on four pairs of codes; each discriminator on real, fake and their
    # interpolation, then on the fake for the generators.
    ("genegan", "train"): {"splitter": 1, "joiner": 1, "discriminator_a": 4, "discriminator_b": 4},
    ("genegan", ALONE): {"splitter": 1, "joiner": 1, "discriminator_a": 3, "discriminator_b": 3},
    ("age_cgan", "identity_embedder"): {"identity_embedder": 1},  # both views in one batch
    ("age_cgan", "gan"): {"generator": 1, "discriminator": 4},  # as IcGAN
    ("age_cgan", "encoder"): {"generator": 1, "encoder": 1},
    # G of codes of images and of noise; trunk and logits of both in each player's turn, and of
    # real images.
    ("ian", "train"): {"encoder_head": 1, "decoder": 2, "trunk": 5, "discriminator_head": 5},
}

METHODS = tuple(dict.fromkeys(method for method, _ in NEEDED))
