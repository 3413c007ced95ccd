"""Settings of a student: how it is taught, and its network."""

from typing import Literal

from pydantic import Field

from tf_translate.config.settings import Settings, only_with


class StudentSettings(Settings):
    """How a student is taught, and its network; a student learns every translation it can."""

    teaching: Literal["online", "offline", "alone"] = Field(
        default="online",
        description="who teaches: online, the method's generators while they train; offline, "
        "those of a finished run, which stay as they are; alone, nobody: the student takes the "
        "generators' place and trains as the method does, as a baseline (Ren et al. 2021: online)",
    )
    network: Literal["mobile_resnet", "mobile_unet"] = Field(
        default="mobile_resnet",
        description="architecture: mobile_resnet, residual blocks at a quarter of the size; "
        "mobile_unet, an encoder and decoder with skip connections; both of depthwise and 1x1 "
        "convolutions (Ren et al. 2021: mobile_resnet for CycleGAN, a U-Net for pix2pix)",
    )
    base_filters: int = Field(
        default=16,
        ge=1,
        description="channels of the first layer; deeper layers have multiples of it, so it "
        "scales the whole network (Ren et al. 2021: 16)",
    )
    residual_blocks: int = Field(
        default=6,
        ge=1,
        description="residual blocks of mobile_resnet (Ren et al. 2021: 9)",
        json_schema_extra=only_with(network="mobile_resnet"),
    )
    num_downsamples: int = Field(
        default=4,
        ge=2,
        description="how often mobile_unet halves the sides of the image, which must divide by 2 "
        "to this power (ours)",
        json_schema_extra=only_with(network="mobile_unet"),
    )
    stem: Literal["strided", "space_to_depth"] = Field(
        default="strided",
        description="first layers, which halve the sides: strided, a 3x3 convolution of stride 2; "
        "space_to_depth, pixels become channels, then a 3x3 convolution (ours)",
    )
    head: Literal["depth_to_space", "resize"] = Field(
        default="depth_to_space",
        description="last layers, which double the sides: depth_to_space, a 3x3 convolution whose "
        "channels become pixels; resize, by nearest neighbours, then a 3x3 convolution at full "
        "size, which is slower (ours)",
    )
    norm: Literal["batch", "instance", "instance_affine", "none"] = Field(
        default="batch",
        description="normalization: batch, with moving averages in use, which an export folds "
        "into the convolutions, and which needs a training.batch_size of 4 or more; instance, each "
        "image by itself, which is slower; instance_affine, with a learned scale and offset; none "
        "(Ren et al. 2021: instance for CycleGAN, batch for pix2pix)",
    )
    input_skip: bool | None = Field(
        default=None,
        description="whether the student outputs a change that is added to its input; not set: as "
        "the method's generators (ours)",
    )
