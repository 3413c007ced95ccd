"""Layers that can be saved in `.keras` files and convert to built-in LiteRT operations."""

from tf_translate.layers.attribute_map import AttributeMaps, ExpandAttributes
from tf_translate.layers.batch_norm import BatchNormalization
from tf_translate.layers.cpu import Conv2D, Conv2DTranspose
from tf_translate.layers.dropout import Dropout
from tf_translate.layers.image_pool import ImagePool
from tf_translate.layers.instance_norm import InstanceNormalization
from tf_translate.layers.minibatch_discrimination import MinibatchDiscrimination
from tf_translate.layers.nearest_upsampling import NearestUpsampling2D
from tf_translate.layers.pixel_shuffle import DepthToSpace, SpaceToDepth
from tf_translate.layers.portable_relu import PortableReLU
from tf_translate.layers.reflection_padding import ReflectionPadding2D
from tf_translate.layers.resize_images import FitImages
from tf_translate.layers.straight_through_clip import ChangeOfImage

__all__ = [
    "AttributeMaps",
    "BatchNormalization",
    "ChangeOfImage",
    "Conv2D",
    "Conv2DTranspose",
    "DepthToSpace",
    "Dropout",
    "ExpandAttributes",
    "FitImages",
    "ImagePool",
    "InstanceNormalization",
    "MinibatchDiscrimination",
    "NearestUpsampling2D",
    "PortableReLU",
    "ReflectionPadding2D",
    "SpaceToDepth",
]
