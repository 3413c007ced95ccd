"""What a configuration holds, as TOML files and `--set` give it."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from tf_translate.config.data import Cell, DataConfig
from tf_translate.config.settings import Settings, only_with

DEVICES = "one|all|(cpu|gpu):[1-9][0-9]{0,3}"  # what training.devices may be, a pattern


class TrainingConfig(Settings):
    """Length, speed, devices and outputs of training."""

    steps: int = Field(
        default=1000,
        ge=1,
        description="training steps in all; in each step every network is updated at least once, "
        "unless the method trains in stages",
    )
    minutes: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="wall-clock minutes that training may take; the first steps are timed and set "
        "training.steps, so that stages and schedules end in time, and training ends when the "
        "minutes are used up, over all sessions; not set: training takes training.steps",
    )
    stages: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        default={},
        description="for methods that train in stages, the fraction of the steps that each stage "
        "but the last gets, by the stage's name; stages that are not named share the steps "
        "equally",
    )
    batch_size: int = Field(
        default=1, ge=1, description="images of each domain in an update, over all devices"
    )
    seed: int = Field(
        default=0,
        ge=0,
        description="start of all random numbers: initial weights, order of images, augmentation "
        "and noise; the same seed repeats a run",
    )
    lr_schedule: Literal["none", "linear", "piecewise"] = Field(
        default="none",
        description="learning rate over time: none, constant; linear, constant until "
        "lr_decay_start and then falling to 0 at the last step; piecewise, constant between "
        "lr_boundaries",
    )
    lr_decay_start: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="fraction of the steps before the learning rate starts to fall",
        json_schema_extra=only_with(lr_schedule="linear"),
    )
    lr_boundaries: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[],
        description="fractions of the steps at which the learning rate "
        "changes, ascending, such as [0.5, 0.75]",
        json_schema_extra=only_with(lr_schedule="piecewise"),
    )
    lr_factors: list[Annotated[float, Field(gt=0)]] = Field(
        default=[],
        description="factors of the first learning rate, one from each of "
        "lr_boundaries on, such as [0.1, 0.01]",
        json_schema_extra=only_with(lr_schedule="piecewise"),
    )
    ema_momentum: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="momentum of the moving average of the generators' weights, such as 0.999; "
        "the average is what is evaluated and exported; 0: no average",
    )
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        default="float32",
        description="arithmetic of the networks: float32, or half precision with float32 weights, "
        "which is faster on GPUs (mixed_float16) and on TPUs and some processors (mixed_bfloat16)",
    )
    devices: str = Field(
        default="one",
        description="devices of each host to train on: one, all, cpu:N or gpu:N, such as gpu:4; "
        "several devices divide batch_size equally and learn the same weights as one",
    )
    init_from: str | None = Field(
        default=None,
        description="folder of a trained run of the same method, whose weights this run starts "
        "from; the way to continue a run with other settings; not set: random weights",
    )
    steps_per_execution: int = Field(
        default=1,
        ge=1,
        description="steps that TensorFlow takes in one call; more than 1 saves time if a step is "
        "short; it must divide steps",
    )
    xla: Literal["off", "on", "check"] = Field(
        default="off",
        description="whether XLA compiles the steps: off, on, or check: only if a short "
        "measurement at the start shows that it is faster",
    )
    log_every: int = Field(
        default=25,
        ge=1,
        description="steps between two rows of losses, in the terminal, history.jsonl and "
        "TensorBoard",
    )
    sample_every: int = Field(
        default=250,
        ge=1,
        description="steps between two preview images in the run's folder samples",
    )
    checkpoint_every: int = Field(
        default=500,
        ge=1,
        description="steps between two checkpoints, from which --resume continues",
    )
    checkpoint_selection: Literal["last", "best"] = Field(
        default="last",
        description="which checkpoint becomes model.keras: last, the newest; best, the one with "
        "the best score on validation images. The score is by evaluation classifiers of content "
        "and domain; with data.attributes, by a classifier and the reconstruction; of one set of "
        "images, by the reconstruction",
    )
    patience: int = Field(
        default=0,
        ge=0,
        description="training stops after so many checkpoints in sequence without a better score; "
        "0: never; needs checkpoint_selection = 'best'",
    )
    keep_checkpoints: int = Field(
        default=2, ge=1, description="how many of the newest checkpoints are kept"
    )

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

    images: int = Field(
        default=512,
        ge=8,
        description="largest number of held-out images of each domain that are evaluated",
    )
    judge_images: int = Field(
        default=4096,
        ge=8,
        description="largest number of training images that train the judges, which are "
        "classifiers used in evaluation only",
    )
    domain_steps: int = Field(
        default=400,
        ge=1,
        description="training steps of the domain judge, a classifier of the two domains",
    )
    content_steps: int = Field(
        default=100,
        ge=1,
        description="training steps of the content judge, which finds the source of an output "
        "among other images",
    )
    seed: int = Field(
        default=0,
        ge=0,
        description="start of the random numbers of the judges, of subsets of images and of "
        "confidence intervals",
    )
    judge_path: str | None = Field(
        default=None,
        min_length=1,
        description="for methods of two domains: another data set, as data.path, whose training "
        "images train the judges, so that methods that learn from different parts of a data set "
        "have equal judges; not set: the training images of the run",
    )
    attributes: dict[str, list[Cell]] = Field(
        default={},
        description="for methods that learn from images alone (ian) on a table with a column "
        "image: attributes and their values, such as {glasses = [0, 1]}. Edits of them are "
        "measured too: by latent arithmetic, the mean latent of images with a value minus that of "
        "images without, and by painting the mean of such images; not set: reconstructions only",
    )
    attribute_images: int = Field(
        default=1000,
        ge=2,
        description="with evaluation.attributes, number of training images whose attributes are "
        "used for the means",
    )
    signature: str | None = Field(
        default=None,
        description="for methods that learn from attributes: the deployed function whose edits are "
        "measured, such as translate_preserving of age_cgan, which searches the latent; not set: "
        "translate",
    )
    pretrained: list[str] = Field(
        default=[],
        description="pretrained networks that add metrics: efficientnet_lite0, dlib_face and "
        "inception_v3, which are downloaded, or .keras files",
    )


class Config(Settings):
    """The whole configuration of a run; written into it and read by later commands."""

    method: str = Field(
        description="name of the method, such as cyclegan; see `tf-translate methods`"
    )
    model: dict[str, Any] = Field(default={}, description="the method's own settings")
    loss_weights: dict[str, float] = Field(
        default={}, description="weights of loss terms, by name, that replace those of the paper"
    )
    data: DataConfig
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
