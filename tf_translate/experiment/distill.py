"""Configurations of students: of a method, a preset, a TOML file or a finished run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_translate.config.load import apply_overrides, load, validate
from tf_translate.config.schema import Config
from tf_translate.distillation.find import distilled, teacher_of
from tf_translate.errors import ConfigError, RunError
from tf_translate.experiment.configure import complete, read_config
from tf_translate.methods import registry

# Offline, the plain baseline: the teacher's pixels and features.
OFFLINE_WEIGHTS = {
    "student_l1": 100.0,
    "student_features": 10.0,
    "student_ssim": 0.0,
    "student_style": 0.0,
    "student_channels": 0.0,
    "student_total_variation": 0.0,
}
_NETWORKS = {
    "mobile": "mobile_resnet",
    "mobile_resnet": "mobile_resnet",
    "mobile_unet": "mobile_unet",
}
_SHORT = {"filters": "base_filters", "blocks": "residual_blocks", "downsamples": "num_downsamples"}
_SMALLEST_BATCH = 4
_OWN_FEATURES = "efficientnet_lite0"


def student_settings(text: str) -> dict[str, Any]:
    """Settings of a student from a text such as "mobile:filters=16,blocks=6".

    Args:
        text: A network, "mobile", "mobile_resnet" or "mobile_unet", and after a colon its
            settings, separated by commas. "filters", "blocks" and "downsamples" are short for
            `base_filters`, `residual_blocks` and `num_downsamples`.

    Returns:
        Settings by name, such as `{"network": "mobile_resnet", "base_filters": 16}`.

    Raises:
        ConfigError: If it is not of that form. Values are checked later.
    """
    name, _, rest = text.partition(":")
    if name not in _NETWORKS:
        raise ConfigError(
            f"--student must begin with one of {', '.join(_NETWORKS)}, as in "
            f"mobile:filters=16,blocks=6, got {text!r}"
        )
    values: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise ConfigError(
                f"--student takes settings as in mobile:filters=16,blocks=6, got {part!r}"
            )
        apply_overrides(values, [f"{_SHORT.get(key.strip(), key.strip())}={value.strip()}"])
    return {"network": _NETWORKS[name], **values}


def distilled_config(
    source: str,
    student: str = "mobile",
    *,
    teaching: str | None = None,
    overrides: Sequence[str] = (),
) -> Config:
    """The configuration of a student's run.

    Args:
        source: A finished run, whose generators teach offline; or a method, a preset or a TOML
            file, whose generators teach online, while they train.
        student: The student, see `student_settings`.
        teaching: "online", "offline" or "alone", see `StudentSettings`; None: as of `source`.
        overrides: "key=value" with dotted keys.

    Raises:
        ConfigError: If a setting is not allowed, or offline teaching lacks a finished run.
        RunError: If `source` is a folder without a run.
        UnknownMethodError: If there is no such method or preset, or no student can learn from it.
    """
    is_run = _is_run(source)
    config = read_config(source) if is_run else load(source)
    if teacher_of(config.method):
        raise ConfigError(f"{source} is a student itself ({config.method}); distill its teacher")
    teaching = teaching or ("offline" if is_run else "online")
    if teaching == "offline" and not is_run:
        raise ConfigError(
            f"offline teaching needs a finished run, {source!r} is none; train one first, or "
            "teach online"
        )
    name = registry.DISTILLED + config.method
    distilled(name)
    values = config.model_dump(mode="json")
    values["method"] = name
    values["model"]["student"] = {**student_settings(student), "teaching": teaching}
    judges = values["evaluation"]["pretrained"]
    if teaching != "alone":  # its features are in the student's losses
        values["evaluation"]["pretrained"] = [each for each in judges if each != _OWN_FEATURES]
    if is_run:
        values["training"]["minutes"] = None  # the steps that its minutes have become
    if teaching == "offline":
        values["training"] |= {"init_from": str(source), "stages": {}}
        values["loss_weights"] |= OFFLINE_WEIGHTS
    apply_overrides(values, overrides)
    return complete(validate(Config, values, source), source)


def notices(config: Config) -> list[str]:
    """What a user should know of a student's configuration, in sentences."""
    found = []
    student, batch = config.model["student"], config.training.batch_size
    if student["norm"] == "batch" and batch < _SMALLEST_BATCH:
        found.append(
            f"training.batch_size is {batch}: batch norm learns its averages badly from fewer than "
            f"{_SMALLEST_BATCH} images; instance norm needs no averages (--student "
            "mobile:norm=instance), but is slower on a device"
        )
    return found


def _is_run(source: str) -> bool:
    path = Path(source)
    if not path.is_dir():
        return False
    if not (path / "config.json").is_file():
        raise RunError(f"{path} is a folder without config.json, so it is no run")
    return True
