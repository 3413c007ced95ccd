"""Where images come from and how they are brought into form; knows no TensorFlow."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from tf_translate.config.attributes import Attributes
from tf_translate.config.settings import Settings

Side = Annotated[int, Field(ge=1, le=8192)]
Size = tuple[Side, Side]
Channels = Literal[1, 3, 4]


def cell_text(value: Any) -> str:
    """What is in a cell of a table as text: 1 and 1.0 are "1", true and True are "true"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else re.sub(r"^(-?\d+)\.0+$", r"\1", str(value).strip())
    return text.lower() if text in ("True", "False") else text


Cell = Annotated[str, BeforeValidator(cell_text), Field(min_length=1)]


class DataConfig(Settings):
    """A data set and the form in which a model gets it; `a` is what is translated into `b`."""

    path: str = Field(
        min_length=1,
        description="a folder, a .csv or .parquet table, list_attr_celeba.txt, samples:NAME, "
        "tfds:NAME or tfds:NAME_A->NAME_B, or the folder that data pack made of one of them",
    )
    layout: Literal[
        "auto", "ab_folders", "side_by_side", "named_pairs", "table", "attributes", "tfds"
    ] = Field(
        "auto",
        description="ab_folders: trainA/ trainB/, unpaired; named_pairs: train/a/ train/b/ with "
        "equal names; side_by_side: train/ with a left and b right in one image; "
        "table: split,a,b; attributes: a table of image -> columns, domains by domain_column; "
        "auto looks which it is",
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
        "stop", description="broken images: stop and name them, or leave them out and list them"
    )
    cache: Literal["auto", "memory", "disk", "none"] = Field(
        "auto",
        description="decoded images: memory, disk ($TF_TRANSLATE_CACHE) or decoded again each "
        "time; auto: memory up to 512 MB, then disk",
    )
    validation_share: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="of the training images, held back where the data has no validation split",
    )
    domain_column: str | None = Field(
        None, description="attributes: column whose value says which domain a image is of"
    )
    domain_a: Cell | None = Field(None, description="attributes: value of a in domain_column")
    domain_b: Cell | None = Field(
        None, description="attributes: value of b in domain_column, another than domain_a"
    )
    where: dict[str, Cell] = Field(
        {}, description="attributes: column -> value; only rows with all of them are taken"
    )
    label_column: str | None = Field(
        None,
        description="attributes: column that labels are taken from; tfds:A->B: the ClassLabel "
        "feature, where there are several",
    )
    attributes: dict[str, list[Cell]] = Field(
        {},
        description="of a table of image -> columns: attribute -> its values in order; two are "
        "absence and presence, ranges such as 19-29 and 60+ take numbers",
    )
    group_column: str | None = Field(
        None,
        description="column of who or what a image shows: equal values stay in one split; where "
        "all other columns are equal too, images are the truth of each other's edits",
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

    @field_validator("attributes")
    @classmethod
    def _attributes_can_be_told(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        if value:
            Attributes(value)
        return value

    @field_validator("domain_b")
    @classmethod
    def _domains_differ(cls, value: str | None, info: ValidationInfo) -> str | None:
        given = [info.data.get("domain_column"), info.data.get("domain_a"), value]
        if any(given) and not all(given):
            raise ValueError(
                "domain_column, domain_a and domain_b go together: set all three, or none, "
                f"got {given}"
            )
        if value is not None and value == info.data.get("domain_a"):
            raise ValueError(f"domain_b must be another value than domain_a, got {value!r} twice")
        return value
