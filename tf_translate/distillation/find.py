"""The distilled form of each method: `distilled_pix2pix` and so on."""

import functools
from typing import Any

import keras
from pydantic import Field, create_model

from tf_translate.config.settings import AdamSettings, MethodSettings
from tf_translate.core.conformance import Conformance
from tf_translate.core.translator import Translator
from tf_translate.distillation.distilled import TERMS, Distilled
from tf_translate.distillation.student_settings import StudentSettings
from tf_translate.errors import UnknownMethodError
from tf_translate.methods import registry

_TINY = {"base_filters": 2, "residual_blocks": 1}  # a student for conformance tests


def distillable() -> list[str]:
    """Names of the methods of this package whose translations a student can learn."""
    return [name for name, each in registry.all_methods().items() if each.translator.translations]


@functools.cache
def distilled(name: str) -> registry.Method:
    """The distilled form of a method, registered with Keras.

    Args:
        name: "distilled_" and the name of a method.

    Raises:
        UnknownMethodError: If there is no such method, or its translations are not of one image.
    """
    teacher = registry.find(name.removeprefix(registry.DISTILLED))
    if not teacher.translator.translations:
        raise UnknownMethodError(
            f"a student can learn from {', '.join(distillable())}, not from {teacher.name}, whose "
            "outputs depend on more than one image"
        )
    settings = _settings_class(teacher)
    translator = _translator_class(teacher, name, settings)
    return registry.Method(
        name=name,
        title=f"student of {teacher.title}",
        paper="Ren et al. 2021",
        layout=teacher.layout,
        data=teacher.data,
        keeps_content_by=f"SSIM and features of images by {teacher.title}",
        reaches_domain_by=f"style and channels of {teacher.title}",
        also_needs=teacher.also_needs,
        translator=translator,
        settings=settings,
    )


def teacher_of(name: str) -> str | None:
    """The method whose distilled form has this name; None for a method itself."""
    if not name.startswith(registry.DISTILLED):
        return None
    return name.removeprefix(registry.DISTILLED)


def _settings_class(teacher: registry.Method) -> type[MethodSettings]:
    fields: dict[str, Any] = {
        "student": (
            StudentSettings,
            Field(default=StudentSettings(), description="the student and how it is taught"),
        ),
        "student_optimizer": (
            AdamSettings | None,
            Field(
                default=None,
                description="optimizer of the students; not set: as that of the method's "
                "generators (github.com/bytedance/OMGD: as theirs)",
            ),
        ),
    }
    name = f"Distilled{teacher.settings.__name__}"
    return create_model(name, __base__=teacher.settings, __doc__=f"{name}.", **fields)


def _translator_class(
    teacher: registry.Method, name: str, settings: type[MethodSettings]
) -> type[Translator]:
    of = teacher.translator
    passes = dict(of.conformance.forward_passes)
    for each in of.translations:
        passes[f"student_{each.signature}"] = 1
        if each.generator is not None:
            passes[f"projections_{each.signature}"] = 1
    members = {
        "__doc__": f"{Distilled.__doc__}",
        "__module__": Distilled.__module__,
        "terms": (*of.terms, *TERMS),
        "method": name,
        "layout": of.layout,
        "settings_class": settings,
        "conformance": Conformance(
            settings={**of.conformance.settings, "student": _TINY},
            forward_passes=passes,
            unchanged_variables=of.conformance.unchanged_variables,
        ),
    }
    made = type(f"Distilled{of.__name__}", (Distilled, of), members)
    return keras.saving.register_keras_serializable("tf_translate")(made)
