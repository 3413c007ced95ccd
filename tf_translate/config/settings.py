"""The base of every group of settings."""

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo

from tf_translate.config.setting_errors import sentence
from tf_translate.errors import ConfigError


class Settings(BaseModel):
    """Frozen, and with no room for unknown keys; every field says where its value is from.

    Raises:
        ConfigError: If a key or a value is not allowed; one sentence, as on the command line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def without_effect(self, group: str, presets: Sequence["Settings"] = ()) -> tuple[str, ...]:
        """A sentence on each changed setting that others switch off, see `only_with`.

        Args:
            group: Name before the dot, such as "training".
            presets: Settings of the same class whose values were not chosen by a user.
        """
        return tuple(
            f"{group}.{name} = {shown(getattr(self, name))} has no effect with "
            f"{group}.{other} = {shown(getattr(self, other))}; "
            + _how_to_use(f"{group}.{other}", values[-1])
            for name, field in type(self).model_fields.items()
            for other, values in conditions(field).items()
            if getattr(self, other) not in values
            and getattr(self, name) != field.get_default(call_default_factory=True)
            and not any(getattr(self, name) == getattr(each, name) for each in presets)
        )

    if not TYPE_CHECKING:  # type checkers know the fields of each class

        def __init__(self, /, *arguments, **values):
            name = type(self).__name__
            if arguments:
                raise ConfigError(
                    f"{name} takes its settings by name, as in {name}"
                    f"({_example(type(self), arguments[0])}), got {arguments[0]!r}"
                )
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise ConfigError(f"{name}: {sentence(type(self), error)}") from error

        __init__.__signature__ = inspect.signature(BaseModel.__init__)
        # With this mark of pydantic's own constructor, `model_validate` does not call this one,
        # and its errors keep their place in nested settings.
        __init__.__pydantic_base_init__ = True

        def __setattr__(self, name, value):
            try:
                super().__setattr__(name, value)
            except ValidationError as error:
                raise ConfigError(
                    f"{type(self).__name__}: {sentence(type(self), error)}"
                ) from error


def only_with(**others: Any) -> dict[str, Any]:
    """`json_schema_extra` of a field that has an effect only with some values of others.

    Args:
        **others: Fields of the same group, each with the value that it must have, or a list of
            such values.

    Example:
        `residual_blocks: int = Field(default=9, json_schema_extra=only_with(generator="resnet"))`
    """
    values = {name: each if isinstance(each, list) else [each] for name, each in others.items()}
    return {"only_with": values}


def conditions(field: FieldInfo) -> dict[str, list[Any]]:
    """The values that other settings of its group must have for a field to have an effect."""
    extra = field.json_schema_extra
    found: Any = extra.get("only_with", {}) if isinstance(extra, dict) else {}
    return found


def _example(model: type[BaseModel], given: Any) -> str:
    """An argument: the first setting with the given value if it has no default, else another."""
    fields = model.model_fields
    first = next(iter(fields))
    if fields[first].is_required():
        return f"{first}={given!r}"
    plain = [name for name in fields if not isinstance(fields[name].default, BaseModel)] or [first]
    return f"{plain[0]}={fields[plain[0]].default!r}"


def shown(value: Any) -> str:
    """A value of a setting in a message."""
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _how_to_use(other: str, value: Any) -> str:
    return f"leave out {other} to use it" if value is None else f"set {other} = {value!r} to use it"


EpsilonForm = Literal["before_bias_correction", "after_bias_correction"]


class AdamSettings(Settings):
    """Adam as pix2pix (section 3.3) and CycleGAN (section 4) use it, by Torch7's `optim.adam`."""

    kind: Literal["adam"] = Field(
        default="adam",
        description="algorithm: adam or rmsprop; the other kind has the defaults learning_rate "
        "5e-5, rho 0.9, epsilon 1e-10 and initial_mean_square 0",
    )
    learning_rate: float = Field(
        default=2e-4, gt=0, description="size of an update, before training.lr_schedule"
    )
    beta_1: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="momentum: fraction that the running mean of the gradients keeps in each "
        "update",
    )
    beta_2: float = Field(
        default=0.999,
        ge=0,
        lt=1,
        description="fraction that the running mean of the squared gradients keeps in each update",
    )
    epsilon: float = Field(
        default=1e-8,
        gt=0,
        description="added to the root of the mean squared gradient, against a division by 0; "
        "1e-8 in Torch7, PyTorch, TensorFlow 1 and Lasagne, 1e-7 in Keras",
    )
    epsilon_form: EpsilonForm = Field(
        default="before_bias_correction",
        description="whether epsilon is added before or after the correction of that root for the "
        "first steps; before: Torch7, TensorFlow, Keras, Lasagne and PyTorch up to 1.2; after: "
        "PyTorch from 1.3 on",
    )


class RMSpropSettings(Settings):
    """RMSProp as Keras computes it, with the constants of DualGAN's code."""

    kind: Literal["rmsprop"] = Field(
        default="rmsprop",
        description="algorithm: adam or rmsprop; the other kind has the defaults learning_rate "
        "2e-4, beta_1 0.5, beta_2 0.999, epsilon 1e-8 and epsilon_form before_bias_correction",
    )
    learning_rate: float = Field(
        default=5e-5, gt=0, description="size of an update, before training.lr_schedule"
    )
    rho: float = Field(
        default=0.9,
        ge=0,
        lt=1,
        description="fraction that the running mean of the squared gradients keeps in each update",
    )
    epsilon: float = Field(
        default=1e-10,
        gt=0,
        description="added to the mean squared gradient, against a division by 0; 1e-10: "
        "TensorFlow 1",
    )
    initial_mean_square: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="mean squared gradient before the first update; 0: Keras and PyTorch; 1: "
        "TensorFlow 1",
    )


# Constants of optimizers that were saved before these were settings: those of Keras.
_EARLIER_OPTIMIZERS = {"adam": {"epsilon": 1e-7}, "rmsprop": {"initial_mean_square": 0.0}}


# `json_schema_extra` of a method's field that counts training steps
COUNTS_STEPS: dict[str, Any] = {"counts": "training steps"}


class MethodSettings(Settings):
    """What every method's settings have.

    A field's description says in plain words what it does, and its last brackets where its value
    is from: "size of the latent (paper, section 3)"; `tf-translate settings` shows both. A field
    that counts training steps has `json_schema_extra=COUNTS_STEPS`, if comparisons should shrink
    it with their budget.

    Attributes:
        earlier: Values of runs from before these settings existed, where they are not the default.
    """

    earlier: ClassVar[Mapping[str, Any]] = {}
    optimizer: AdamSettings | RMSpropSettings = Field(
        default=AdamSettings(), discriminator="kind", description="optimizer of all networks"
    )

    @classmethod
    def with_earlier(cls, saved: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a saved run or file; those that it lacks get their earlier values.

        Runs and files hold all settings, so those that are lacking did not exist yet.

        Args:
            saved: Settings by name, as JSON values.
        """
        values = {**cls.earlier, **saved}
        for name, value in saved.items():
            field = cls.model_fields.get(name)
            if field is not None and field.discriminator == "kind" and isinstance(value, dict):
                values[name] = {**_EARLIER_OPTIMIZERS.get(value.get("kind", ""), {}), **value}
        return values

    @field_validator("*", mode="before")
    @classmethod
    def _fill_from_own_optimizer(cls, value: Any, about: ValidationInfo) -> Any:
        """An optimizer of the method's own kind keeps the method's values for keys not given."""
        field = cls.model_fields[about.field_name or ""]
        if field.discriminator == "kind" and isinstance(value, dict):
            own = field.default.model_dump()
            return {**own, **value} if value.get("kind", own["kind"]) == own["kind"] else value
        return value
