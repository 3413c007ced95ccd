"""Where pictures come from and how they are brought into form; knows no TensorFlow."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from tf_translate.config.settings import Settings

Side = Annotated[int, Field(ge=1, le=8192)]
Size = tuple[Side, Side]
Channels = Literal[1, 3, 4]


class DataConfig(Settings):
    """A data set and the form in which a model gets it; `a` is what is translated into `b`."""

    path: str = Field(
        min_length=1,
        description="a folder, a .csv table, samples:NAME or tfds:NAME",
    )
    layout: Literal["auto", "ab_folders", "side_by_side", "named_pairs", "table", "tfds"] = Field(
        "auto",
        description="ab_folders: trainA/ trainB/, unpaired; named_pairs: train/a/ train/b/ with "
        "equal names; side_by_side: train/ with a left and b right in one picture; "
        "table: split,a,b; auto looks which it is",
    )
    size: Size = Field((256, 256), description="height and width the model sees, in pixels")
    load_size: Size | None = Field(
        None,
        validate_default=False,
        description="height and width before the random crop of training; none: no crop",
    )
    channels_a: Channels = Field(3, description="of the model's a: 1 grey, 3 RGB, 4 with alpha")
    channels_b: Channels = Field(3, description="of the model's b: 1 grey, 3 RGB, 4 with alpha")
    flip: Literal["none", "horizontal"] = Field(
        "horizontal", description="mirror at random in training, pairs together"
    )
    direction: Literal["a_to_b", "b_to_a"] = Field(
        "a_to_b", description="b_to_a: the data's b becomes the model's a"
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="broken pictures: stop and name them, or leave them out and list them"
    )
    cache: Literal["auto", "memory", "disk", "none"] = Field(
        "auto",
        description="decoded pictures: memory, disk ($TF_TRANSLATE_CACHE) or decoded again each "
        "time; auto: memory up to 512 MB, then disk",
    )
    validation_share: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="of the training pictures, held back where the data has no validation split",
    )
    tfds_a: str | None = Field(None, description="tfds: image feature of a; none: found by itself")
    tfds_b: str | None = Field(None, description="tfds: image feature of b; none: found by itself")

    @field_validator("load_size")
    @classmethod
    def _crop_fits(cls, value: Size | None, info: ValidationInfo) -> Size | None:
        size = info.data.get("size")
        if value and size and (value[0] < size[0] or value[1] < size[1]):
            raise ValueError(
                f"load_size must be at least size {list(size)} so that a crop fits, "
                f"got {list(value)}"
            )
        return value
