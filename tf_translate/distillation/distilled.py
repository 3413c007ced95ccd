"""A method with small students, which learn to translate as its generators do."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_translate.core.loss_terms import content, domain, regularization
from tf_translate.core.player import DEFAULT_STAGE, Losses, Player, Tensors, Translation
from tf_translate.core.schedules import Schedule
from tf_translate.core.signature import Signature, image_signatures
from tf_translate.core.translator import Translator
from tf_translate.distillation import networks as builders
from tf_translate.losses import distillation as distances
from tf_translate.losses.reconstruction import mean_absolute_error
from tf_translate.losses.scalar_sum import scalar_sum
from tf_translate.networks.inference_behavior import describe_inference
from tf_translate.pretrained import efficientnet_lite0

_FEATURE = efficientnet_lite0.FEATURE_MAPS.index("block3_expand")
_PAPER = "Ren et al. 2021"
TERMS = (
    content(
        "student_ssim",
        weight=10.0,
        source=f"{_PAPER}, code",
        description="1 - SSIM of the student's images and its teacher's",
    ),
    content(
        "student_features",
        weight=10.0,
        source=f"{_PAPER}, code; there by VGG-16",
        description="mean absolute difference between features of the student's images and of its "
        "teacher's, by EfficientNet-Lite0 at a quarter of the size",
    ),
    content(
        "student_l1",
        weight=100.0,
        source="not in the paper; pix2pix's weight",
        description="mean absolute difference between the student's images and its teacher's",
    ),
    domain(
        "student_style",
        weight=1e2,
        source=f"ours; {_PAPER}, code: 1e4 by VGG-16",
        description="mean absolute difference between Gram matrices of features of the student's "
        "images and of its teacher's, summed over four layers of EfficientNet-Lite0",
    ),
    domain(
        "student_channels",
        weight=10.0,
        source=f"{_PAPER}, code; 10 for U-Nets, 100 or 500 for CycleGAN",
        description="mean squared difference between the mean activations of the teacher's "
        "channels and those projected from the student's, summed over four depths",
    ),
    regularization(
        "student_total_variation",
        weight=1e-5,
        source=f"{_PAPER}, code",
        description="sum of the absolute differences of neighbouring pixels of the student's "
        "images, which makes them smoother",
    ),
)
NAMES = tuple(term.name for term in TERMS)
_ON_FEATURES = ("student_features", "student_style")
_STUDENTS = "students"  # their player


class Distilled(Translator):
    """A method and small students, each of which learns one of its translations.

    There is such a form of each method that can teach: `distilled_pix2pix` and so on.
    `settings.student.teaching` decides who trains:

    - "online": the method as always, and beside it the students. They see the images of the step
      and their translations by the generators, but neither a discriminator nor the truth. No
      gradient flows from a student to the method, whose weights are those of a training without
      students.
    - "offline": the students alone, on what the finished generators make of the images.
    - "alone": the method, with students in the place of its generators.

    Deploys: the students, under the method's names.
    Departs:
        - There is one teacher, the method's own generator, and no deeper second one (pix2pix).
        - Students take one step with each of the teacher's, and learn from the teacher of that
          step. In the authors' CycleGAN they take four, from the teacher that was best so far.
        - Features are EfficientNet-Lite0's, not VGG-16's, so style has another weight.
        - The mean absolute difference to the teacher's images is added: without it, and with
          features of EfficientNet-Lite0, students were farther from the target domain.
        - Total variation is averaged over the images of a batch, not summed.

    Args:
        *networks: Those of the method.
        student_a_to_b, student_b_to_a: Students by the signature that deploys them; None: none.
        projections_a_to_b, projections_b_to_a: Projections of their activations to the channels
            of their teachers', see `distillation.networks`; None: channels are not compared.
        **options: `settings`, `loss_weights` and `name`, as for any translator.

    Source: Ren et al. 2021, https://arxiv.org/abs/2108.06908, and github.com/bytedance/OMGD.
    """

    def __init__(
        self,
        *networks: keras.Model,
        student_a_to_b: keras.Model | None = None,
        student_b_to_a: keras.Model | None = None,
        projections_a_to_b: keras.Model | None = None,
        projections_b_to_a: keras.Model | None = None,
        **options: Any,
    ):
        more = {
            "student_a_to_b": student_a_to_b,
            "student_b_to_a": student_b_to_a,
            "projections_a_to_b": projections_a_to_b,
            "projections_b_to_a": projections_b_to_a,
        }
        given = {name: network for name, network in more.items() if network is not None}
        super().__init__(*networks, more_networks=given, **options)
        for name in more.keys() - given.keys():
            setattr(self, name, None)

    @classmethod
    def build_networks(cls, settings: Any, *shapes: Any, **attributes: Any) -> dict:
        """The method's networks and the students; alone: students in place of its generators."""
        networks = super().build_networks(settings, *shapes, **attributes)
        shape_a, shape_b = shapes
        student = settings.student
        for translation in cls.trained_translations(settings):
            shape, target = (shape_a, shape_b) if translation.source == "a" else (shape_b, shape_a)
            alone, name = student.teaching == "alone", translation.generator
            if alone and name is None:
                raise ValueError(
                    f"`student.teaching` of {cls.method} must be online or offline, got 'alone': "
                    "its generator is made of several networks, which a student cannot replace"
                )
            built = builders.student_network(
                student,
                shape,
                target[-1],
                input_skip=getattr(settings, "input_skip", False),
                name=str(name) if alone else f"student_{translation.signature}",
            )
            if alone:
                networks[name] = built
                continue
            networks[built.name] = built
            if name is not None:
                projections = f"projections_{translation.signature}"
                networks[projections] = builders.projections(
                    built, networks[name], name=projections
                )
        return networks

    @classmethod
    def absent_terms(
        cls, settings: Any, loss_weights: Mapping[str, float | Schedule]
    ) -> dict[str, str]:
        """Terms of the students when there is no teacher, or of the method when it is finished."""
        teaching = settings.student.teaching
        if teaching == "alone":
            absent = super().absent_terms(settings, loss_weights)
            return absent | dict.fromkeys(NAMES, "student.teaching is alone")
        if teaching == "online":
            absent = super().absent_terms(settings, loss_weights)
        else:
            methods = [term.name for term in cls.terms if term.name not in NAMES]
            absent = dict.fromkeys(methods, "student.teaching is offline")
        if not _projected(cls.trained_translations(settings)):
            absent["student_channels"] = f"the generator of {cls.method} has no named activations"
        return absent

    def choose_players(self) -> tuple[Player, ...]:
        """The method's players, then the students."""
        players = super().choose_players()
        if self.settings.student.teaching == "alone":
            return players
        generators = next(each for each in players if each.forward == "translate_batch")
        learned = self._learned()
        names = [f"student_{each.signature}" for each in learned]
        absent = self.absent_terms(self.settings, self.loss_weights)
        if "student_channels" not in absent and self.uses("student_channels"):
            names += [f"projections_{each.signature}" for each in _projected(learned)]
        students = Player(
            _STUDENTS,
            tuple(names),
            "students_objective",
            tuple(name for name in NAMES if name not in absent),
            forward="students_batch",
            private_forward=True,
            microbatches=generators.microbatches[-1:],
            stage=generators.stage,
            ema_if_enabled=True,
            optimizer_setting=(
                generators.optimizer_setting
                if self.settings.student_optimizer is None
                else "student_optimizer"
            ),
        )
        if self.settings.student.teaching == "online":
            return (*players, students)
        # The students without the method, on the whole batch.
        return (dataclasses.replace(students, microbatches=(0,), stage=DEFAULT_STAGE),)

    def trained_with(self) -> tuple[str, ...]:
        """EfficientNet-Lite0, if a loss compares its features."""
        return ("efficientnet_lite0",) if self._compares_features() else ()

    def make_train_function(self, force: bool = False) -> None:
        """Makes the train function, and before it the network of features, if it is needed."""
        self._load_features()
        super().make_train_function(force)

    def make_test_function(self, force: bool = False) -> None:
        """Makes the test function, and before it the network of features, if it is needed."""
        self._load_features()
        super().make_test_function(force)

    def translate_batch(self, batch: Tensors) -> Tensors:
        """The generators' images, and their activations if channels are compared."""
        if not self._compares_channels():
            return super().translate_batch(batch)
        return self._with_activations(batch, self._teacher, training=True)

    def students_batch(self, batch: Tensors) -> Tensors:
        """The students' images and activations; offline also those of their teachers."""
        translated = {}
        for each in self._learned():
            student = getattr(self, f"student_{each.signature}")
            images, *activations = self._view_of(student)(batch[each.source], training=True)
            translated[f"student_{each.signature}"] = images
            translated[f"student_{each.signature}_activations"] = activations
        if self.settings.student.teaching == "offline":
            translated |= tf.nest.map_structure(tf.stop_gradient, self._taught(batch))
        return translated

    def students_objective(self, batch: Tensors, shared: Tensors) -> Losses:
        """What separates each student from its teacher, summed over the students."""
        losses = [self._student_losses(each, shared) for each in self._learned()]
        return {name: scalar_sum([each[name] for each in losses]) for name in losses[0]}

    def signatures(self) -> dict[str, Signature]:
        """The students, under the names of what they learned."""
        if self.settings.student.teaching == "alone":
            return super().signatures()
        students = {e.signature: getattr(self, f"student_{e.signature}") for e in self._learned()}
        return image_signatures(students, describe_inference)

    def _learned(self) -> Sequence[Translation]:
        return self.trained_translations(self.settings)

    def _student_losses(self, translation: Translation, shared: Tensors) -> Losses:
        name = translation.signature
        student = tf.cast(shared[f"student_{name}"], tf.float32)
        teacher = tf.cast(shared[translation.result], tf.float32)
        features = self._features_of(student, teacher)
        losses: dict[str, Callable[[], tf.Tensor]] = {
            "student_ssim": lambda: distances.structural_dissimilarity(student, teacher),
            "student_features": lambda: mean_absolute_error(
                features[0][_FEATURE], features[1][_FEATURE]
            ),
            "student_l1": lambda: mean_absolute_error(student, teacher),
            "student_style": lambda: distances.gram_distance(*features),
            "student_channels": lambda: distances.channel_distance(
                getattr(self, f"projections_{name}")(
                    shared[f"student_{name}_activations"], training=True
                ),
                shared[f"{translation.result}_activations"],
            ),
            "student_total_variation": lambda: tf.reduce_mean(tf.image.total_variation(student)),
        }
        terms = self.player(_STUDENTS).terms
        return {term: losses[term]() for term in terms if self.uses(term)}

    def _features_of(self, student, teacher) -> list:
        """The feature maps of both, or nothing if no loss compares them."""
        if not self._compares_features():
            return []
        images = tf.concat([student, teacher], 0)  # one call for both
        maps = self._feature_network(student.shape[1:])(images, training=False)
        return [list(part) for part in zip(*(tf.split(each, 2) for each in maps), strict=True)]

    def _compares(self, *terms: str) -> bool:
        """Whether the students learn from one of some loss terms."""
        learned = {term for each in self.players if each.name == _STUDENTS for term in each.terms}
        return any(self.uses(term) for term in terms if term in learned)

    def _compares_features(self) -> bool:
        return self._compares(*_ON_FEATURES)

    def _compares_channels(self) -> bool:
        return self._compares("student_channels")

    def _load_features(self) -> None:
        if self._compares_features():
            with self.distribute_strategy.scope():  # its variables cannot be made in a traced step
                for each in self._learned():
                    student = getattr(self, f"student_{each.signature}")
                    self._feature_network(student.output_shape[1:])

    def _feature_network(self, shape: tuple[int, int, int]) -> keras.Model:
        return self.view(("features", *shape), lambda: _float32_features(shape))

    def _view_of(self, network: keras.Model) -> keras.Model:
        """A network that returns its image and its activations at some depths."""
        return self.view(("depths", network.name), lambda: builders.with_depths(network))

    def _teacher(self, translation: Translation) -> keras.Model:
        return self._view_of(getattr(self, str(translation.generator)))

    def _with_activations(self, batch: Tensors, view: Callable, *, training: bool) -> Tensors:
        translated = {}
        for each in self._learned():
            images, *activations = view(each)(batch[each.source], training=training)
            translated[each.result] = images
            translated[f"{each.result}_activations"] = activations
        return translated

    def _taught(self, batch: Tensors) -> Tensors:
        """What the finished generators make of the images, as they are deployed."""
        if self._compares_channels():
            return self._with_activations(batch, self._teacher, training=False)
        deployed = self.view("deployed", super().signatures)
        return {
            each.result: deployed[each.signature].function(image=batch[each.source])["image"]
            for each in self._learned()
        }


def _projected(translations: Sequence[Translation]) -> list[Translation]:
    """Those whose generator is one network, with named activations."""
    return [each for each in translations if each.generator is not None]


def _float32_features(shape: tuple[int, int, int]) -> keras.Model:
    """The network of features in float32, whatever the precision of the training."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        return efficientnet_lite0.feature_maps(shape)
    finally:
        keras.config.set_dtype_policy(policy)
