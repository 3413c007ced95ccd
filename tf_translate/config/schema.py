"""What a configuration holds, as TOML files and `--set` give it."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from tf_translate.config.data import DataConfig
from tf_translate.config.settings import Settings

DEVICES = "one|all|(cpu|gpu):[1-9][0-9]{0,3}"  # what training.devices may be, a pattern


class TrainingConfig(Settings):
    """Length, speed, devices and outputs of training."""

    steps: int = Field(1000, ge=1, description="training steps in all")
    stages: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        {}, description="fraction of the steps of each stage but the last; none: equal fractions"
    )
    batch_size: int = Field(1, ge=1, description="images of each domain per turn, over all devices")
    seed: int = Field(0, ge=0, description="of weights, shuffling, augmentation and noise")
    lr_schedule: Literal["none", "linear", "piecewise"] = Field(
        "none",
        description="learning rate: constant, linear to 0, or piecewise constant (lr_boundaries)",
    )
    lr_decay_start: float = Field(
        0.5, ge=0, lt=1, description="fraction of the steps before the linear schedule falls"
    )
    lr_boundaries: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        [],
        description="fractions of the steps at which the piecewise learning rate changes, "
        "ascending",
    )
    lr_factors: list[Annotated[float, Field(gt=0)]] = Field(
        [],
        description="factors on the first learning rate, one from each of lr_boundaries on",
    )
    ema_momentum: float = Field(
        0.0, ge=0, lt=1, description="momentum of the moving average of generators' weights; 0: off"
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    devices: str = Field(
        "one",
        description="one, all, cpu:N or gpu:N, of each host; several devices share batch_size "
        "equally and train like one",
    )
    init_from: str | None = Field(
        None, description="a trained run whose weights initialize this one; none: random weights"
    )
    steps_per_execution: int = Field(1, ge=1, description="steps in one call of the graph")
    xla: Literal["off", "on", "check"] = Field(
        "off",
        description="compile steps with XLA; check: if that is faster, timed at the start",
    )
    log_every: int = Field(25, ge=1, description="steps between rows of losses")
    sample_every: int = Field(250, ge=1, description="steps between preview images")
    checkpoint_every: int = Field(500, ge=1, description="steps between checkpoints")
    checkpoint_selection: Literal["last", "best"] = Field(
        "last",
        description="what becomes model.keras: the last checkpoint, or the best on validation "
        "images: by judges of content and domain, with data.attributes by a classifier and the "
        "reconstruction, of one set of images by the reconstruction",
    )
    patience: int = Field(
        0,
        ge=0,
        description="measured checkpoints without a better one until training stops; 0: never; "
        "needs checkpoint_selection = 'best'",
    )
    keep_checkpoints: int = Field(2, ge=1, description="newest checkpoints kept")

    @field_validator("devices")
    @classmethod
    def _devices_exist(cls, value: str) -> str:
        if not re.fullmatch(DEVICES, value):
            raise ValueError("devices must be one, all, cpu:N or gpu:N, as in gpu:4")
        return value

    @model_validator(mode="after")
    def _each_boundary_has_a_factor(self) -> "TrainingConfig":
        boundaries, factors = self.lr_boundaries, self.lr_factors
        if self.lr_schedule == "piecewise" and not 0 < len(boundaries) == len(factors):
            raise ValueError(
                "lr_schedule = 'piecewise' needs lr_boundaries and as many lr_factors, such as "
                f"[0.5, 0.75] and [0.1, 0.01], got {boundaries} and {factors}"
            )
        if boundaries != sorted(set(boundaries)):
            raise ValueError(f"lr_boundaries must ascend, such as [0.5, 0.75], got {boundaries}")
        return self

    @model_validator(mode="after")
    def _patience_measures(self) -> "TrainingConfig":
        if self.patience and self.checkpoint_selection == "last":
            raise ValueError(
                f"patience counts measured checkpoints, got {self.patience} with "
                "checkpoint_selection = 'last', which measures none; set "
                "checkpoint_selection = 'best' or patience = 0"
            )
        return self

    @model_validator(mode="after")
    def _whole_executions(self) -> "TrainingConfig":
        if self.steps % self.steps_per_execution:
            raise ValueError(
                f"steps must divide by steps_per_execution, got {self.steps} and "
                f"{self.steps_per_execution}"
            )
        return self


class EvaluationConfig(Settings):
    """Number of images, and how the judges (evaluation classifiers) are trained."""

    images: int = Field(512, ge=8, description="at most so many held-out images of each domain")
    judge_images: int = Field(
        4096, ge=8, description="largest number of training images for the judges"
    )
    domain_steps: int = Field(400, ge=1, description="training steps of the domain judge")
    content_steps: int = Field(100, ge=1, description="training steps of the content judge")
    seed: int = Field(0, ge=0, description="of judges, subsets and bootstrap")
    pretrained: list[str] = Field(
        [],
        description="pretrained networks that add metrics: efficientnet_lite0, dlib_face "
        "(downloaded) or .keras files",
    )


class Config(Settings):
    """The whole configuration of a run; written into it and read by later commands."""

    method: str = Field(description="name of the method")
    model: dict[str, Any] = Field({}, description="the method's own settings")
    loss_weights: dict[str, float] = Field({}, description="loss weights that replace the paper's")
    data: DataConfig
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
