"""What `scripts/bench parity` compares: small networks of every method, and its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_FED = "equal in both: "  # how a random part is treated
_WIDTHS = {"base_filters": 8, "discriminator_filters": 8}
_BINARY = {"glasses": ("0", "1"), "hat": ("0", "1")}
_AGES = {"age": ("0-18", "19-29", "30-39", "40-49", "50-59", "60+")}


@dataclass(frozen=True)
class Case:
    """A method with small networks whose training steps are compared.

    Attributes:
        method: Name of the method.
        random: How its random parts are treated, in words.
        variant: What distinguishes it from the method's defaults; empty for the defaults.
        settings: The method's settings that are not its defaults: widths, and those in `reasons`.
        reasons: Why a setting other than a width or a depth is not the default.
        loss_weights: Loss weights that are not the defaults.
        shapes: `(height, width, channels)` of each domain, or of the only set.
        batch: Images of each domain in a microbatch.
        steps: Training steps in each stage.
        attributes: Values by attribute, for the layout "attributes".
    """

    method: str
    random: str
    variant: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    reasons: str = ""
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    shapes: tuple[tuple[int, int, int], ...] = ((32, 32, 3), (32, 32, 3))
    batch: int = 8
    steps: int = 2
    attributes: Mapping[str, tuple[str, ...]] | None = None

    @property
    def name(self) -> str:
        """Name of its row and of its folder."""
        return f"{self.method}, {self.variant}" if self.variant else self.method


CASES = (
    Case(
        "pix2pix",
        _FED + "masks of dropout",
        settings={"num_downsamples": 6, **_WIDTHS},
        shapes=((64, 64, 3), (64, 64, 3)),
        batch=2,
    ),
    Case(
        "cyclegan",
        _FED + "random values of the image pools",
        settings={"residual_blocks": 2, "pool_size": 3, **_WIDTHS},
        reasons="a pool of 3 images is full in the second step",
        batch=2,
    ),
    Case(
        "dualgan",
        _FED + "masks of dropout",
        settings={"num_downsamples": 5, "discriminator_downsamples": 3, **_WIDTHS},
        batch=2,
    ),
    Case(
        "dualgan",
        _FED + "coefficients between real and translated images",
        variant="gradient penalty",
        settings={
            "gan_mode": "wgan_gp", "dropout": 0.0,
            "num_downsamples": 5, "discriminator_downsamples": 3, **_WIDTHS,
        },
        reasons="gan_mode and dropout are those of the authors' code; its other head, of several "
        "scores, shows that their sum is differentiated",
        batch=2,
    ),
    Case(
        "discogan",
        "none",
        settings={**_WIDTHS, "reconstruction_weight_start_steps": 1},
        reasons="the weight of reconstruction changes at the second step",
    ),
    Case(
        "discogan",
        "none",
        variant="bottleneck",
        settings={**_WIDTHS, "bottleneck": 12, "reconstruction_weight_start_steps": 1},
        reasons="the long network; the weight of reconstruction changes at the second step",
    ),
    Case(
        "dtn",
        "none",
        settings={
            "base_filters": 8, "code": 16, "decoder_filters": 8, "discriminator_filters": 8,
        },
        shapes=((32, 32, 3), (32, 32, 1)),
        batch=32,
    ),
    Case(
        "dtn",
        "none",
        variant="faces",
        settings={
            "base_filters": 8, "code": 16, "decoder_filters": 8, "discriminator_filters": 8,
            "constancy": "cosine", "pointwise": True, "discriminator": "faces",
            "batch_norm_epsilon": 1e-5, "batch_norm_momentum": 0.9,
        },
        reasons="networks, distance and loss weights of faces, as the preset dtn_faces has them",
        loss_weights={"constancy": 100.0, "target_identity": 1.0, "total_variation": 0.05},
    ),
    Case(
        "fader",
        _FED + "masks of dropout, the other value of an attribute of three",
        settings={"num_downsamples": 4, "base_filters": 8, "max_filters": 32, "ramp": 2},
        reasons="lambda_E rises to 1 in 2 steps, as 1e-4 in 500,000 would not show",
        loss_weights={"latent_adversarial": 1.0},
        shapes=((64, 64, 3),),
        attributes={"glasses": ("0", "1"), "hair": ("black", "blond", "brown")},
    ),
    Case(
        "icgan",
        _FED + "z",
        settings={
            **_WIDTHS, "latent": 10, "encoder_filters": 8, "latent_width": 32,
            "attribute_width": 16, "bn_recalibration_steps": 1,
            "bn_recalibration_batch_size": 16,
        },
        reasons="batch norm is recalibrated in the first step of encoder_z only, on 16 images",
        shapes=((32, 32, 3),),
        attributes=_BINARY,
    ),
    Case(
        "genegan",
        "none",
        settings={**_WIDTHS, "discriminator_burst_turns": 2},
        reasons="a burst has 2 turns of the discriminators, so three steps are two iterations",
        steps=3,
    ),
    Case(
        "age_cgan",
        _FED + "z, the random views of FR's training",
        settings={
            **_WIDTHS, "latent": 10, "encoder_filters": 8, "latent_width": 32,
            "embedding": 12, "identity_embedder_filters": 8, "identity_embedder_width": 16,
            "bn_recalibration_steps": 1,
            "bn_recalibration_batch_size": 16,
        },
        reasons="batch norm is recalibrated in the encoder's first step only, on 16 images",
        shapes=((32, 32, 3),),
        batch=12,
        attributes=_AGES,
    ),
    Case(
        "ian",
        _FED + "noise of the latent, z",
        settings={
            "base_filters": 8, "decoder_filters": 8, "latent": 10, "latent_width": 16, "kernels": 6,
        },
        shapes=((64, 64, 3),),
        batch=16,
    ),
    Case(
        "ian",
        _FED + "noise of the latent, z",
        variant="full",
        settings={
            "network": "full", "updates": "alternate", "discriminator": "ternary",
            "flow_gain": 0.3,
            "base_filters": 8, "decoder_filters": 8, "latent": 10, "latent_width": 16, "kernels": 6,
        },
        batch=16,
        reasons="networks, updates, loss and orthogonal regularization of the preset ian_paper; "
        "the flow's weights are three times the default, so that they count",
        loss_weights={"orthogonal": 1e-3},
        shapes=((64, 64, 3),),
    ),
)  # fmt: skip
