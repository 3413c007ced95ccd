"""The base of every group of settings."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Frozen, and with no room for unknown keys; every field says where its value is from."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class AdamSettings(Settings):
    """Adam as pix2pix (section 3.3) and CycleGAN (section 4) use it."""

    learning_rate: float = 2e-4
    beta_1: float = 0.5
    beta_2: float = 0.999
