"""The base of every group of settings."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


class Settings(BaseModel):
    """Frozen, and with no room for unknown keys; every field says where its value is from."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class AdamSettings(Settings):
    """Adam as pix2pix (section 3.3) and CycleGAN (section 4) use it."""

    kind: Literal["adam"] = "adam"
    learning_rate: float = Field(2e-4, gt=0)
    beta_1: float = Field(0.5, ge=0, lt=1)
    beta_2: float = Field(0.999, ge=0, lt=1)


class RMSpropSettings(Settings):
    """RMSProp as DualGAN's code uses it."""

    kind: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = Field(5e-5, gt=0)
    rho: float = Field(0.9, ge=0, lt=1)
    epsilon: float = Field(1e-10, gt=0)


class MethodSettings(Settings):
    """What every method's settings have."""

    optimizer: AdamSettings | RMSpropSettings = Field(AdamSettings(), discriminator="kind")

    @field_validator("*", mode="before")
    @classmethod
    def _same_kind(cls, value: Any, about: ValidationInfo) -> Any:
        """Without a kind an optimizer is of the method's own, whatever keys are given."""
        field = cls.model_fields[about.field_name or ""]
        if field.discriminator == "kind" and isinstance(value, dict):
            return {"kind": field.default.kind, **value}
        return value
