"""Settings of the data set: where images come from and how they are preprocessed."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from tf_translate.config.attributes import Attributes
from tf_translate.config.settings import Settings, only_with
from tf_translate.errors import ConfigError

Side = Annotated[int, Field(ge=1, le=8192)]


def _square(value: Any) -> Any:
    """One number as a square's height and width; refuses what is neither that nor a pair."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, list | tuple) and len(value) == 2:
        return value
    raise ValueError(
        "a size is [height, width], such as [256, 256], or one number for a square, such as 256"
    )


Sides = tuple[Side, Side]  # height, width
Size = Annotated[Sides, BeforeValidator(_square)]  # one number is a square
Channels = Literal[1, 3, 4]
Aspect = Literal["stretch", "letterbox", "crop"]
Interpolation = Literal["bicubic", "nearest"]


def _same_shape(one: Size, other: Size) -> bool:
    """Whether two sizes have the same aspect ratio, up to rounding to pixels."""
    return abs(one[0] * other[1] - one[1] * other[0]) < max(other)


def cell_text(value: Any) -> str:
    """Normalizes a table cell to text: 1 and 1.0 become "1", true and True become "true"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else re.sub(r"^(-?\d+)\.0+$", r"\1", str(value).strip())
    return text.lower() if text in ("True", "False") else text


Cell = Annotated[str, BeforeValidator(cell_text), Field(min_length=1)]


class DataConfig(Settings):
    """A data set and the preprocessing of its images; `a` is translated into `b`."""

    path: str = Field(
        min_length=1,
        description="where the images are: a folder; a table (.csv, .tsv or .parquet); "
        "list_attr_celeba.txt of CelebA; samples:NAME, a data set that comes with the library; a "
        "data set of tensorflow-datasets, as tfds:NAME, tfds:NAME_A->NAME_B or, with the splits "
        "to train on, tfds:NAME_A[SPLIT]->NAME_B[SPLIT]; or a folder that `tf-translate data "
        "pack` wrote",
    )
    layout: Literal[
        "auto", "ab_folders", "side_by_side", "named_pairs", "table", "attributes", "tfds"
    ] = Field(
        default="auto",
        description="how the images are arranged. auto: detected; ab_folders: folders trainA and "
        "trainB, without pairs; named_pairs: folders train/a and train/b, pairs have equal names; "
        "side_by_side: folder train, each file has a in its left half and b in its right; table: "
        "a table with the columns split, a and b; attributes: a table with a column image and "
        "other columns, and domain_column decides the domain; tfds: a data set of "
        "tensorflow-datasets",
    )
    size: Size = Field(
        default=(256, 256),
        description="height and width of the images that the model gets and makes, in pixels, "
        "such as [256, 256]; one number means a square",
    )
    aspect: Aspect = Field(
        default="stretch",
        description="how images of other proportions get this size, in training and in all that "
        "follows. stretch: height and width are resized independently, as in pix2pix and "
        "CycleGAN; letterbox: proportions are kept, and the rest is filled with mirrored borders; "
        "crop: the centre part with the proportions of size",
    )
    load_size: Size | None = Field(
        default=None,
        validate_default=False,
        description="height and width to which training images are resized before a random part "
        "of the given size is cut out, such as [286, 286]; one number means a square; not set: no "
        "random crop",
    )
    channels_a: Channels = Field(
        default=3, description="channels of the images of a: 1 grey, 3 RGB, 4 RGB with transparency"
    )
    channels_b: Channels = Field(
        default=3, description="channels of the images of b: 1 grey, 3 RGB, 4 RGB with transparency"
    )
    interpolation_a: Interpolation = Field(
        default="bicubic",
        description="how images of a are resized: bicubic, smooth; nearest, which keeps the exact "
        "colours of label maps",
    )
    interpolation_b: Interpolation = Field(
        default="bicubic",
        description="how images of b are resized: bicubic, smooth; nearest, which keeps the exact "
        "colours of label maps",
    )
    white_level: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="value of white in 16-bit images, such as 4095 for 12 bits; not set: 65535",
    )
    flip: Literal["none", "horizontal"] = Field(
        default="horizontal",
        description="horizontal: half of the training images are mirrored at random, both images "
        "of a pair alike; none: none are, as for text or for left and right hands",
    )
    direction: Literal["a_to_b", "b_to_a"] = Field(
        default="a_to_b",
        description="which way the model translates; b_to_a swaps the domains, so that b of the "
        "data set becomes a of the model",
    )
    on_error: Literal["stop", "skip"] = Field(
        default="stop",
        description="what to do with damaged images: stop and name them, or skip them and list "
        "them",
    )
    cache: Literal["auto", "memory", "disk", "none"] = Field(
        default="auto",
        description="where decoded images are kept: memory; disk, in the folder "
        "$TF_TRANSLATE_CACHE; none, they are decoded again whenever they are read; auto: in "
        "memory up to 512 MB, else on disk",
    )
    holdout: Literal["auto", "official", "hash", "last", "none"] = Field(
        default="auto",
        description="which images are kept out of training, for validation and test. official: "
        "the splits of the data set itself, as they are (folders train and test, a column split, "
        "CelebA's partition); hash: the fractions validation_share and test_share, chosen by a "
        "hash of the name of each image or group; last: the last test_images of the data set; "
        "none: all images train; auto: official, with validation_share, and for a table without "
        "splits 80 % training, 10 % validation and 10 % test by hash",
    )
    validation_share: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="with holdout hash, fraction of the images that becomes the validation split; "
        "with auto, fraction of the training images that becomes it if the data set has none. A "
        "hash of the name of each image or group chooses them",
        json_schema_extra=only_with(holdout=["auto", "hash"]),
    )
    test_share: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="fraction of the images that becomes the test split",
        json_schema_extra=only_with(holdout="hash"),
    )
    test_images: int = Field(
        default=200,
        ge=1,
        description="number of images of each domain that become the test "
        "split (DiscoGAN's code: 200)",
        json_schema_extra=only_with(holdout="last"),
    )
    domain_column: str | None = Field(
        default=None,
        description="layout attributes: column whose value decides whether an image belongs to a "
        "or b",
    )
    domain_a: Cell | None = Field(
        default=None, description="layout attributes: value of domain_column in the images of a"
    )
    domain_b: Cell | None = Field(
        default=None,
        description="layout attributes: value of domain_column in the images of b; another one "
        "than domain_a",
    )
    where: dict[str, Cell] = Field(
        default={},
        description="layout attributes: column -> value; only rows that have all of these values "
        "are used",
    )
    label_column: str | None = Field(
        default=None,
        description="layout attributes: column with the class labels, which DTN needs; for "
        "tfds:NAME_A->NAME_B the feature with them, if there are several",
    )
    attributes: dict[str, list[Cell]] = Field(
        default={},
        description="for a table with a column image: the attributes that the model can change, "
        "each with its values in order, such as {glasses = [0, 1]}; two values mean absent and "
        "present; a range such as 19-29 or 60+ matches the numbers in it",
    )
    group_column: str | None = Field(
        default=None,
        description="column that names the person or object in an image. Images of one group stay "
        "in one split; two that differ only in the edited attribute or the domain are a pair: "
        "each other's ground truth in evaluation, and with domain_column what pix2pix trains on",
    )
    tfds_a: str | None = Field(
        default=None,
        description="tfds: name of the feature with the images of a; not set: the only one, or "
        "the first of two",
    )
    tfds_b: str | None = Field(
        default=None,
        description="tfds: name of the feature with the images of b; not set: the only one, or "
        "the second of two",
    )

    def without_effect(
        self, group: str = "data", presets: Sequence[Settings] = ()
    ) -> tuple[str, ...]:
        """A sentence on each changed setting that `holdout` does not use."""
        # No validation images is what the other kinds of holdout give anyway.
        none = f"{group}.validation_share = 0 "
        return tuple(
            each for each in super().without_effect(group, presets) if not each.startswith(none)
        )

    @field_validator("load_size")
    @classmethod
    def _crop_fits(cls, value: Size | None, info: ValidationInfo) -> Size | None:
        size = info.data.get("size")
        if value and size and (value[0] < size[0] or value[1] < size[1]):
            raise ValueError(
                f"load_size must be at least size {list(size)} so that a crop fits, "
                f"got {list(value)}"
            )
        aspect = info.data.get("aspect")
        if value and size and aspect != "stretch" and not _same_shape(value, size):
            raise ValueError(
                f"load_size must have the aspect ratio of size {list(size)} with aspect {aspect}, "
                f"got {list(value)}"
            )
        return value

    @field_validator("test_share")
    @classmethod
    def _some_images_train(cls, value: float, info: ValidationInfo) -> float:
        others = info.data.get("validation_share", 0.0)
        if info.data.get("holdout") == "hash" and value + others >= 1:
            raise ValueError(
                f"validation_share and test_share must leave images to train, got {others} and "
                f"{value}; their sum must be below 1"
            )
        return value

    @field_validator("group_column")
    @classmethod
    def _groups_stay_together(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("holdout") == "last":
            raise ValueError(
                f"group_column keeps the rows of one {value} in one split, but holdout 'last' "
                "counts images; set holdout to 'hash', or leave group_column out"
            )
        return value

    @field_validator("attributes")
    @classmethod
    def _attributes_are_valid(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        if value:
            Attributes(value)
        return value

    @field_validator("domain_b")
    @classmethod
    def _domains_differ(cls, value: str | None, info: ValidationInfo) -> str | None:
        settings = [info.data.get("domain_column"), info.data.get("domain_a"), value]
        if any(settings) and not all(settings):
            raise ValueError(
                "domain_column, domain_a and domain_b go together: set all three, or none, "
                f"got {settings}"
            )
        if value is not None and value == info.data.get("domain_a"):
            raise ValueError(f"domain_b must be another value than domain_a, got {value!r} twice")
        return value


def check_data_config(config: object, function: str) -> None:
    """Refuses what is not a `DataConfig`.

    Args:
        config: What a function of the Python API was given.
        function: Name of that function.

    Raises:
        ConfigError: Showing the call.
    """
    if not isinstance(config, DataConfig):
        path = repr(config) if isinstance(config, str) else '"my/folder"'
        raise ConfigError(
            f"`config` must be a DataConfig, got {config!r}: {function}(DataConfig(path={path}, "
            "size=(256, 256)))"
        )
