"""Settings of the data set: where images come from and how they are preprocessed."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from tf_translate.config.attributes import Attributes
from tf_translate.config.settings import Settings
from tf_translate.errors import ConfigError

Side = Annotated[int, Field(ge=1, le=8192)]
Size = tuple[Side, Side]
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
        description="a folder, a .csv, .tsv or .parquet table, list_attr_celeba.txt, samples:NAME, "
        "tfds:NAME, tfds:NAME_A->NAME_B or tfds:NAME_A[SPLIT]->NAME_B[SPLIT] with the splits to "
        "train on, or a folder that `data pack` wrote",
    )
    layout: Literal[
        "auto", "ab_folders", "side_by_side", "named_pairs", "table", "attributes", "tfds"
    ] = Field(
        "auto",
        description="ab_folders: trainA/ trainB/, unpaired; named_pairs: train/a/ train/b/ with "
        "equal names; side_by_side: train/ with a left and b right in one image; "
        "table: columns split,a,b; attributes: a table with a column image and others, domains "
        "by domain_column; auto: detect the layout",
    )
    size: Size = Field((256, 256), description="height and width of the model's images, in pixels")
    aspect: Aspect = Field(
        "stretch",
        description="how images of any size become size, in training and in all that follows; "
        "stretch: height and width are resized independently (pix2pix, CycleGAN); letterbox: the "
        "aspect ratio is kept, the rest filled with mirrored borders; crop: the centre part with "
        "the aspect ratio of size",
    )
    load_size: Size | None = Field(
        None,
        validate_default=False,
        description="height and width before the random crop in training; none: no crop",
    )
    channels_a: Channels = Field(3, description="channels of the model's a: 1 grey, 3 RGB, 4 RGBA")
    channels_b: Channels = Field(3, description="channels of the model's b: 1 grey, 3 RGB, 4 RGBA")
    interpolation_a: Interpolation = Field(
        "bicubic",
        description="how images of a are resized; nearest keeps the colours of label maps",
    )
    interpolation_b: Interpolation = Field(
        "bicubic",
        description="how images of b are resized; nearest keeps the colours of label maps",
    )
    white_level: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="level of white in 16-bit images, for example 4095 for 12 bits; none: 65535",
    )
    flip: Literal["none", "horizontal"] = Field(
        "horizontal", description="random mirroring in training; both images of a pair alike"
    )
    direction: Literal["a_to_b", "b_to_a"] = Field(
        "a_to_b", description="b_to_a: the data set's b becomes the model's a"
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="damaged images: stop and name them, or skip them and list them"
    )
    cache: Literal["auto", "memory", "disk", "none"] = Field(
        "auto",
        description="where to store decoded images: memory, disk ($TF_TRANSLATE_CACHE), or none: "
        "decode at every read; auto: memory up to 512 MB, then disk",
    )
    holdout: Literal["auto", "official", "hash", "last", "none"] = Field(
        "auto",
        description="which images are held out of training; official: the data set's own splits, "
        "as they are (folders train and test, a column split, CelebA's partition); hash: a hash of "
        "its name decides for each image or group, by validation_share and test_share; last: the "
        "last test_images in the order of the data set; none: all images train; auto: official "
        "with validation_share, but 80/10/10 by hash in a table without splits",
    )
    validation_share: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="holdout hash: fraction of the images that becomes the validation split; auto: "
        "fraction of the training images that becomes it if the data set has none; a hash of its "
        "name decides for each image or group",
    )
    test_share: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="holdout hash: fraction of the images that becomes the test split",
    )
    test_images: int = Field(
        200,
        ge=1,
        description="holdout last: number of images, of each domain, that become the test split "
        "(DiscoGAN's code: 200)",
    )
    domain_column: str | None = Field(
        None, description="attributes: column whose value decides the domain of an image"
    )
    domain_a: Cell | None = Field(
        None, description="attributes: value of domain_column in domain a"
    )
    domain_b: Cell | None = Field(
        None, description="attributes: value of domain_column in domain b; differs from domain_a"
    )
    where: dict[str, Cell] = Field(
        {}, description="attributes: column -> value; only rows with all of these values are used"
    )
    label_column: str | None = Field(
        None,
        description="attributes: column that holds the labels; tfds:A->B: the ClassLabel feature, "
        "if there are several",
    )
    attributes: dict[str, list[Cell]] = Field(
        {},
        description="for a table with a column image: attribute -> its values in order; two values "
        "are absence and presence; a range such as 19-29 or 60+ matches numbers",
    )
    group_column: str | None = Field(
        None,
        description="column that names the person or object in an image; rows of one group stay "
        "in one split; images of a group that differ only in the edited attribute are each "
        "other's ground truth",
    )
    tfds_a: str | None = Field(
        None, description="tfds: image feature of a; none: the only one, or the first of two"
    )
    tfds_b: str | None = Field(
        None, description="tfds: image feature of b; none: the only one, or the second of two"
    )

    def settings_without_effect(self) -> tuple[str, ...]:
        """A sentence on each setting of the splits that `holdout` does not use."""
        used_by = {
            "validation_share": ("auto", "hash"),
            "test_share": ("hash",),
            "test_images": ("last",),
        }
        return tuple(
            f"data.{name} = {getattr(self, name):g} has no effect with "
            f"data.holdout = {self.holdout!r}; set data.holdout = {holdouts[-1]!r} to use it"
            for name, holdouts in used_by.items()
            if self.holdout not in holdouts
            and getattr(self, name) != type(self).model_fields[name].default
            # No validation images is what these give anyway.
            and not (name == "validation_share" and self.validation_share == 0)
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
