"""The base class of all methods: players, training step, saving, deployment."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
import tensorflow as tf

from tf_translate.config.settings import MethodSettings
from tf_translate.core import serialization, stateless_random
from tf_translate.core.build_arguments import (
    check_build_arguments,
    check_network,
    check_settings,
)
from tf_translate.core.conformance import Conformance
from tf_translate.core.diagnostics import Diagnostics, GradientNorms
from tf_translate.core.keras_model import check_compile_arguments
from tf_translate.core.loss_terms import LossTerm, check_losses, with_loss_weights
from tf_translate.core.optimizers import make_optimizer, replace_by_average
from tf_translate.core.player import Player, Translation
from tf_translate.core.schedules import Schedule
from tf_translate.core.signature import Signature
from tf_translate.core.training_step.batch_check import (
    ATTRIBUTES,
    SeenRanges,
    check_attributes,
    check_batch,
    check_values,
)
from tf_translate.core.training_step.batch_forms import batch_of
from tf_translate.core.training_step.forward_cache import (
    ForwardCache,
    gradients_of,
    split,
    totals_of,
)
from tf_translate.core.training_step.ordered_sums import keep_apart, ordered_sums
from tf_translate.core.training_step.step_variants import StepVariants


class Translator(serialization.LeakFreeSavingModel, Diagnostics):  # both are Keras models
    """Trains players in turn on named loss terms; saves, resumes and deploys.

    A method (a paper) subclasses it, declares `terms` and `players`, and writes one function
    per objective, `(microbatch, shared) -> {term: scalar}`, which returns unweighted loss terms.
    `train_step` below is the only place where an optimizer updates a translator's networks: it
    owns the gradient tapes, multiplies by the loss weights, divides by the number of replicas and
    scales float16 losses.

    The constructor of a subclass takes each network as an argument of its own and passes them
    on as `networks`. The name of a discriminator's own loss term ends in "discriminator", and
    `chance_levels` holds its loss at chance, which the failure monitor compares with the logs.

    Use it like any Keras model: `compile()`, `fit(batches)`, callbacks, `save("x.keras")`.
    A batch is a mapping of images and more, whose keys follow from the layout:

    - "paired": `a` and `b`, where image i of `a` belongs to image i of `b`;
    - "unpaired": `a` and `b`, sampled independently;
    - "attributes": `image`, `attributes` (those of the image), `other_attributes` (all
      those of a random training image that differs from this one in at least one of them),
      `sampled_attributes` (those of any random image);
    - "images": `image`;

    plus the keys in `Player.batch_keys`, such as `label_a`, the class of each image of `a`.

    It holds `microbatches_per_step` microbatches, interleaved: image i is in microbatch
    i mod `microbatches_per_step`. A player's turn is one update of its networks on one microbatch
    (see `Player.microbatches`). `forward` functions and objectives get that microbatch, a mapping
    with the same keys, not the batch. So a microbatch has `training.batch_size` images of each
    domain, counted over all devices.

    A step divides its loss by the number of replicas, because optimizers sum gradients over them;
    logged values are not divided.

    Args:
        networks: Built networks, keyed by the name of the attribute that holds them.
        more_networks: Those that a subclass adds to a method's, which passes this on.
        settings: The method's settings; None: its defaults, the paper's
            or its code's. The translator keeps
            them as `settings`, and its `.keras` file holds them.
        loss_weights: Replacements of the default loss weights, keyed by loss term or by group of
            terms (`LossTerm.group`); 0 switches a term off.
        name: Name of the model.

    Raises:
        ValueError: If a network that a player updates is missing or not built, a loss term
            does not exist, or `settings` are not the method's.
    """

    method: ClassVar[str | None] = None  # name on the command line, set by `@register`
    settings_class: ClassVar[type[MethodSettings]] = MethodSettings  # set by `@register`
    terms: ClassVar[tuple[LossTerm, ...]] = ()
    players: tuple[Player, ...] = ()  # in the order of their turns
    layout: ClassVar[str] = "unpaired"  # kind of data set, set by `@register`
    # The names that `signatures` returns, in order. A method must declare them, so that they are
    # known without building a model.
    deploys: ClassVar[tuple[str, ...]] = ()
    # Direction -> name of the signature that translates so; read for two domains only.
    directions: ClassVar[Mapping[str, str]] = {"a_to_b": "a_to_b", "b_to_a": "b_to_a"}
    # The translations of images that `translate_batch` computes, which a student can learn.
    translations: ClassVar[tuple[Translation, ...]] = ()
    # Stages that train no network that generates images, such as that of a classifier: their
    # preview images are written, but not checked for failures.
    preparatory_stages: ClassVar[tuple[str, ...]] = ()
    # Whether some steps are a variant of the usual one: see `next_step_is_variant`.
    has_step_variant: ClassVar[bool] = False
    # For `tf-translate describe`, which builds the paper's model without data: image shape of each
    # domain (or of the single set), and the values of each attribute.
    paper_shapes: ClassVar[tuple[tuple[int, int, int], ...]] = ((256, 256, 3), (256, 256, 3))
    paper_attributes: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    conformance: ClassVar[Conformance] = Conformance()
    train_function: Any  # the traced step, set by Keras

    def __new__(cls, *_: Any, settings: Any = None, **__: Any) -> Self:
        """Checks the settings before a constructor reads them."""
        if settings is not None:
            check_settings(cls, settings)
        return super().__new__(cls)

    def __init__(
        self,
        *,
        networks: Mapping[str, keras.Model],
        more_networks: Mapping[str, keras.Model] | None = None,
        settings: MethodSettings | None = None,
        loss_weights: Mapping[str, float | Schedule] | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name or self.method)
        networks = {**networks, **(more_networks or {})}
        self.settings: Any = self.settings_class() if settings is None else settings
        for attribute, network in networks.items():
            check_network(attribute, network)
            if not network.built:
                raise ValueError(f"`{attribute}` must be built before it is given")
            setattr(self, attribute, network)
        self.network_names = tuple(networks)
        self.loss_weights = dict(loss_weights or {})
        self.weighted_terms = with_loss_weights(
            self.terms, self.choose_loss_weights(self.loss_weights)
        )
        self.players = self.choose_players()
        missing = {name for player in self.players for name in player.networks} - set(networks)
        if missing:
            raise ValueError(f"players update networks that are missing: {sorted(missing)}")
        if not any(term.active for term in self.weighted_terms):
            raise ValueError("every term has weight 0: there is nothing to train")
        self.stage = self.stages[0]
        self.step_variants = StepVariants(self.next_step_is_variant)
        self.player_optimizers: dict[str, keras.optimizers.Optimizer] = {}
        self._views = _Views()
        self.steps_taken = self.add_weight(
            name="steps_taken",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        self._term_metrics = {
            term.name: keras.metrics.Mean(name=term.log_name) for term in self.weighted_terms
        }
        self.built = True  # The networks are built; Keras must not call the model on a batch.

    @classmethod
    def build_networks(cls, settings: Any, *shapes: Any, **attributes: Any) -> dict:
        """Builds the networks for images of `(height, width, channels)`.

        Args:
            settings: The method's settings.
            *shapes: Shapes of the images of both domains, or of the single set.
            **attributes: For the layout "attributes" the keyword `attributes`, which maps each
                image attribute, such as hair, to its values.

        Returns:
            Networks, keyed by the constructor's argument.
        """
        raise NotImplementedError

    @classmethod
    def from_settings(
        cls,
        settings: MethodSettings,
        *shapes: Sequence[int | None],
        loss_weights: Mapping[str, float | Schedule] | None = None,
        attributes: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """Builds networks and translator for images of `(height, width, channels)`.

        Args:
            settings: The method's settings.
            *shapes: Shapes of the images of both domains, or of the single set.
            loss_weights: As for the constructor.
            attributes: For the layout "attributes", the values of each image attribute.

        Raises:
            ValueError: If the settings are not the method's, or shapes or attributes are not those
                that its layout needs.
        """
        check_build_arguments(cls, settings, shapes, attributes)
        arguments: dict[str, Any] = {} if attributes is None else {"attributes": attributes}
        networks = cls.build_networks(settings, *shapes, **arguments)
        return cls(**networks, settings=settings, loss_weights=loss_weights, **arguments)

    # --- what a subclass may override or call ------------------------------------------------

    def choose_players(self) -> tuple[Player, ...]:
        """The players of this object. By default those of the class, whatever the settings.

        Called after the loss weights are known, so that it may ask whether a term is used.
        """
        return type(self).players

    @classmethod
    def absent_terms(
        cls, settings: Any, loss_weights: Mapping[str, float | Schedule]
    ) -> dict[str, str]:
        """Loss terms that no player has with some settings, by name. By default none.

        A method overrides it together with `choose_players` and `build_networks`, so that it is
        known without networks which terms take part.

        Args:
            settings: The method's settings.
            loss_weights: The weights that are given.

        Returns:
            The reason of each, a clause such as "gan_mode is not wgan_gp".
        """
        return {}

    @classmethod
    def terms_without_a_part_in_edits(cls, settings: Any, signature: str | None) -> dict[str, str]:
        """Loss terms whose networks take no part in measured edits, by name.

        An ablation of such a term would measure nothing. By default none.

        Args:
            settings: The method's settings.
            signature: `evaluation.signature`: the function whose edits are measured; None:
                `translate`.

        Returns:
            The reason of each, a clause such as "E_y takes part with mask_blend only".
        """
        return {}

    @classmethod
    def trained_translations(cls, settings: Any) -> tuple[Translation, ...]:
        """Those of `translations` whose generators are trained with some settings; usually all."""
        return cls.translations

    def trained_with(self) -> tuple[str, ...]:
        """Names of the pretrained networks in its losses, which are no judges of it."""
        return ()

    def choose_loss_weights(self, given: Mapping) -> Mapping[str, float | Schedule]:
        """The loss weights that replace those of the class. By default those given."""
        return given

    def uses(self, term: str) -> bool:
        """Whether a loss term has a weight other than 0, so that it must be computed."""
        return self._term(term).active

    def player(self, name: str) -> Player:
        """The player with the given name."""
        return next(player for player in self.players if player.name == name)

    def signatures(self) -> dict[str, Signature]:
        """The functions to deploy, by name.

        The first one is the model's `call` unless that is overridden. With the layout "attributes"
        one must be `translate`, of image and attributes. The two halves of an auto-encoder are
        `encode` and `decode`. For two domains, `directions` says which one translates which way.
        """
        raise NotImplementedError

    def image_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Shape `(height, width, channels)` of the images of a batch by key; None: any size.

        By default those of the first signature: its input and output for `a` and `b`, or its
        input for a single set. `fit` refuses other images.
        """
        signature = next(iter(self.signatures().values()))
        first, translated = signature.inputs[0].shape[1:], signature.outputs[0].shape[1:]
        if self.layout in ("images", "attributes"):
            return {"image": first}
        return {"a": first, "b": translated}

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """Makes the optimizer of a player from the settings."""
        return make_optimizer(getattr(self.settings, player.optimizer_setting).model_dump())

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Example inputs of signatures, for previews and export, from one batch.

        A signature that is left out gets its inputs from the outputs of `encode` and from inputs
        of the same name in other examples. Verification replays a bundle on golden cases,
        stored inputs with the original function's outputs. There, an input that still lacks an
        example gets random values; if it has a default, it is random in the first two cases and
        has the default in the others. Recipes that calibrate need an example of every input.

        This version gives examples of the signatures `a_to_b` and `b_to_a`. Methods of the layouts
        "attributes" and "images" must override it; others override it if they have further
        signatures.

        Args:
            batch: NumPy arrays, float32, for previews and export, not a batch of training. Images
                are in [-1, 1]: `a` and `b` of the layouts
                "paired" and "unpaired", `image` of "images", `image` and `attributes` of
                "attributes".

        Returns:
            By signature, its inputs by name.
        """
        inputs = {"a_to_b": batch["a"], "b_to_a": batch["b"]}
        signatures = [each for each in self.signatures().values() if each.name in inputs]
        return {each.name: {each.inputs[0].name: inputs[each.name]} for each in signatures}

    def generated_images(self, attributes: tf.Tensor) -> tf.Tensor | None:
        """Images generated from noise, for previews in the stages before the encoder is trained.

        Args:
            attributes: `(images, columns)` in [0, 1]: a row for each image to generate, a column
                for each value of an attribute.

        Returns:
            Images in [-1, 1]; None in a stage that can translate images, as here in all.
        """
        return None

    def fraction_of_steps(self, player: Player) -> float:
        """The fraction of its stage's steps in which a player takes turns.

        Below 1 if the player sits out some steps (GeneGAN's bursts, in which
        the discriminators play alone). A learning rate schedule
        counts the updates of the player's optimizer: steps x turns x this fraction.
        """
        return 1.0

    def transform_gradients(self, player: Player, gradients: list) -> list:
        """Hook to change gradients before the optimizer applies them; by default unchanged.

        Args:
            player: The player whose turn it is.
            gradients: One for each variable of `variables_of(player)`, or None. They are those of
                this replica, not yet summed over replicas, and carry the loss scale of float16. So
                clip norms with `core.optimizers.clip_by_global_norm`.
        """
        return gradients

    def after_turn(self, player: Player) -> None:
        """Hook to constrain a player's weights after each of its turns; by default nothing."""

    def view(self, key: Any, build: Callable[[], Any]) -> Any:
        """A derived network that shares this translator's layers, built once by `build`.

        Keras does not see it, so it is neither saved nor restored twice.

        Example:
            `self.view("taps", lambda: with_taps(self.generator, ["encoder_1"]))`, a network that
            returns the activations of the layer "encoder_1".
        """
        return self._views.get(key, build)

    def uniform_per_image(self, images: tf.Tensor, *, stream: int) -> tf.Tensor:
        """One random value in [0, 1) per image, equal on one device and on many.

        Its shape is `(batch, 1, 1, 1)`.

        Args:
            images: `(batch, ...)`, those of this replica.
            stream: Index of a sequence of random values, any integer. In one step, equal streams
                give equal values and different streams independent ones: take a stream of its own
                for each purpose.
        """
        return stateless_random.uniform_per_image(images, self.steps_taken.value, stream)

    # --- compiling and stages ----------------------------------------------------------

    def compile(
        self,
        optimizers: Mapping[str, keras.optimizers.Optimizer] | None = None,
        **options: Any,
    ) -> None:
        """Gives every player an optimizer and builds it.

        Args:
            optimizers: Optimizers, keyed by player; players left out use that of the settings.
            **options: `steps_per_execution`, `jit_compile`, `run_eagerly`, as in Keras.

        Raises:
            ValueError: If `optimizers` is not a mapping of optimizers by player, each its own, a
                loss or metrics are given, or a discriminator's loss term has no chance level.
        """
        names = [player.name for player in self.players]
        check_compile_arguments(type(self).__name__, names, optimizers, options)
        replaced = dict(optimizers or {})
        self._check_chance_levels()
        options.setdefault("jit_compile", False)  # slower on a CPU (measured)
        super().compile(optimizer=None, loss=None, **options)
        self._compile_options = options
        with self.distribute_strategy.scope():
            self.gradient_norms = GradientNorms(self.players)
            self.seen_ranges = SeenRanges(self.image_shapes())
            for player in self.players:
                optimizer = replaced.get(player.name) or self.default_optimizer(player)
                scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
                if self._needs_loss_scaling(player) and not scaled:
                    optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
                # Built here: inside a replica it is too late (keras issue 19246).
                optimizer.build(self.variables_of(player))
                self.player_optimizers[player.name] = optimizer

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of training in order: those in which a player has a term to learn from."""
        return tuple(dict.fromkeys(p.stage for p in self.players if self._is_active(p)))

    @classmethod
    def known_stages(cls) -> tuple[str, ...]:
        """All stages of the method, including those that settings leave out."""
        return tuple(dict.fromkeys(player.stage for player in cls.players))

    def enter_stage(self, stage: str) -> None:
        """Enters a stage of training; the training step is retraced.

        Networks with a moving average of their weights, trained in the stage that ends, continue
        with that average: later stages build on the networks that are deployed.

        Raises:
            ValueError: If the method has no such stage.
        """
        if stage not in self.stages:
            raise ValueError(f"`stage` must be one of {list(self.stages)}, got {stage!r}")
        if stage != self.stage:
            ending = self._stage_players()
            self._average_weights_of(player for player in ending if player.ema_if_enabled)
        self.stage = stage
        if self.compiled:
            self.make_train_function(force=True)

    def active_players(self) -> list[Player]:
        """The players of the stage that take turns: those with a term whose weight is not 0."""
        return [player for player in self._stage_players() if self._is_active(player)]

    def make_train_function(self, force: bool = False) -> None:
        """Makes the train function: one, or with `has_step_variant` one for each kind of step."""
        if self.train_function is not None and not force:
            return
        super().make_train_function(force=True)
        if self.has_step_variant:
            # Both look identical here. They differ once each is traced at its first call, in
            # which `step_variants.in_variant` is False for one and True for the other.
            usual = self.train_function
            super().make_train_function(force=True)
            self.train_function = self.step_variants.choose_between(usual, self.train_function)

    def next_step_is_variant(self) -> bool:
        """Whether the next step is the variant.

        Such as one in which discriminators play alone (GeneGAN), or one that estimates the moving
        statistics of batch norm anew (IcGAN, Age-cGAN).

        Called in Python before each call of the traced step, if `has_step_variant`. In the step,
        `step_variants.in_variant` holds the result.
        """
        return False

    def variant_steps(self, steps: int) -> int:
        """How many of the first `steps` steps of the present stage are the variant.

        A method with `has_step_variant` overrides it beside `next_step_is_variant`: the time of a
        training is estimated by it.
        """
        if self.has_step_variant:
            raise NotImplementedError(f"{type(self).__name__} must override `variant_steps`")
        return 0

    def _is_active(self, player: Player) -> bool:
        return any(self.uses(term) for term in player.terms)

    def _stage_players(self) -> list[Player]:
        return [player for player in self.players if player.stage == self.stage]

    def variables_of(self, player: Player) -> list:
        """The trainable variables that a player updates."""
        networks = [getattr(self, name) for name in player.networks]
        return [variable for network in networks for variable in network.trainable_variables]

    # --- one step ----------------------------------------------------------------------

    @ordered_sums()  # a step repeats bit for bit, whatever threads do first
    def train_step(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Lets every active player take its turns; logs the mean of each loss term."""
        forward_cache = self._forward_cache(batch, self.active_players())
        for player in self.active_players():
            for turn, index in enumerate(player.microbatches):
                with stateless_random.of_turn(turn):
                    tape, shared = forward_cache.tape_and_results(player, index)
                    self._take_turn(player, tape, forward_cache.microbatches[index], shared)
                forward_cache.invalidate(player, turn)
        self.steps_taken.assign_add(1)
        return self.logs_of(self._active_metrics())

    @ordered_sums()
    def test_step(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Computes the loss terms of the active players and changes nothing; logs their means.

        Networks run as in training, so that losses compare with those of `fit`: batch norm with
        the statistics of the batch, dropout and noise on. Only an image pool is left out:
        discriminators get the batch's own translations. Each player sees each of its microbatches
        once. Networks have their current weights, not the moving averages that are deployed.
        """
        forward_cache = self._forward_cache(batch, ())
        losses: list[tuple[str, Any]] = []
        with keras.StatelessScope():  # what layers assign, such as statistics, is dropped
            for player in self.active_players():
                for index in dict.fromkeys(player.microbatches):
                    _, shared = forward_cache.tape_and_results(player, index)
                    microbatch = forward_cache.microbatches[index]
                    losses += self._losses_of(player, microbatch, shared).items()
        for name, loss in losses:
            self._term_metrics[name].update_state(keep_apart(loss))
        return self.logs_of(self._active_metrics())

    def _forward_cache(self, data, active) -> ForwardCache:
        """The checked batch and the forward passes on it; `active` players record gradients."""
        batch = batch_of(data, self.layout)
        shapes = self.image_shapes()
        further = {key: None for player in self.active_players() for key in player.batch_keys}
        check_batch(batch, shapes, list(further))
        attributes = [key for key in further if key in ATTRIBUTES]
        if attributes and (columns := self._attribute_columns()):
            check_attributes(batch, attributes, columns)
        self.seen_ranges.update(check_values(batch, list(shapes), attributes))
        return ForwardCache(
            split(batch, self.microbatches_per_step, type(self).__name__),
            players=self._stage_players(),
            active=active,
            variables_of=self.variables_of,
            forward=lambda name, *arguments: getattr(self, name)(*arguments),
        )

    def _attribute_columns(self) -> tuple[str, ...]:
        """Names of the attributes of a batch in order, if a signature takes them; else none."""
        specs = (each for one in self.signatures().values() for each in one.inputs)
        return next((each.labels for each in specs if each.name == "attributes"), ())

    def _losses_of(self, player: Player, microbatch, shared) -> dict:
        """The losses of a player's objective, by term."""
        losses = getattr(self, player.objective)(microbatch, shared)
        expected = filter(self.uses, player.terms)
        check_losses(f"{type(self).__name__}.{player.objective}", expected, losses)
        return losses

    @property
    def microbatches_per_step(self) -> int:
        """Number of microbatches in the batch of one step of the current stage."""
        return 1 + max(index for player in self._stage_players() for index in player.microbatches)

    def _take_turn(self, player: Player, tape, microbatch, shared) -> None:
        variables = self.variables_of(player)
        optimizer = self.player_optimizers[player.name]
        with tape:  # continues the recording of the forward pass
            losses = self._losses_of(player, microbatch, shared)
            weighted = {name: self._weight(name) * loss for name, loss in losses.items()}
            replicas = self.distribute_strategy.num_replicas_in_sync
            totals = [optimizer.scale_loss(each / replicas) for each in totals_of(player, weighted)]
        # One group; with `stop_gradient_for` one for each network, each as a Player of its own.
        groups = [self.variables_of(group) for group in player.network_groups]
        gradients = gradients_of(tape, totals, groups)  # in the order of `variables`
        self.gradient_norms.record(player.name, gradients, optimizer)
        optimizer.apply(self.transform_gradients(player, gradients), variables)
        self.after_turn(player)
        for name, loss in losses.items():
            # Kept apart, as the metric's running sum would else be fused into the additions of
            # this loss, which changes their order (see `ordered_sums`).
            self._term_metrics[name].update_state(keep_apart(loss))

    def _check_chance_levels(self) -> None:
        discriminating = {name for name in self._term_metrics if name.endswith("discriminator")}
        missing = sorted(discriminating - set(self.chance_levels))
        if missing:
            raise ValueError(
                f"`chance_levels` of {type(self).__name__} must hold the loss of {missing} for a "
                "discriminator at chance level (0 for a Wasserstein loss), got "
                f"{dict(self.chance_levels)}"
            )

    def _term(self, name: str) -> LossTerm:
        return next(term for term in self.weighted_terms if term.name == name)

    def _weight(self, name: str):
        weight = self._term(name).weight
        return weight(self.steps_taken.value) if isinstance(weight, Schedule) else weight

    def _needs_loss_scaling(self, player: Player) -> bool:
        networks = [getattr(self, name) for name in player.networks]
        return any(network.dtype_policy.name == "mixed_float16" for network in networks)

    def _active_metrics(self):
        active = {name for player in self.active_players() for name in player.terms}
        return [m for name, m in self._term_metrics.items() if name in active and self.uses(name)]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """One running mean for each loss term of an active player."""
        return self._active_metrics()

    # --- averaged weights --------------------------------------------------------------

    def use_averaged_weights(self) -> None:
        """Replaces weights by their moving averages where an optimizer has them.

        For evaluating and exporting; do not continue training afterwards.
        """
        self._average_weights_of(self.players)

    def _average_weights_of(self, players: Iterable[Player]) -> None:
        for player in players:
            if player.name in self.player_optimizers:
                optimizer = self.player_optimizers[player.name]
                replace_by_average(optimizer, self.variables_of(player))

    # --- saving ------------------------------------------------------------------------

    def get_config(self) -> dict:
        """The constructor's arguments, the settings among them, and the current stage."""
        return {**serialization.config_of(self), "stage": self.stage}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Self:
        """Rebuilds a translator with its networks, in the stage it was saved in.

        Settings that are lacking did not exist when it was saved, and get their earlier values.
        """
        config = dict(config)
        stage = config.pop("stage")
        saved = cls.settings_class.with_earlier(config.pop("settings"))
        settings = cls.settings_class.model_validate(saved)
        translator = cls(**serialization.arguments_from(config), settings=settings)
        translator.stage = stage
        return translator

    def get_compile_config(self) -> dict | None:
        """The optimizers of all players and the options of `compile`, if it was compiled."""
        if not self.player_optimizers:
            return None
        return serialization.compile_config(self.player_optimizers, self._compile_options)

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Compiles as saved, so that optimizer state can be loaded."""
        self.compile(serialization.optimizers_from(config), **config["options"])


class _Views:
    """Networks by key, in an object that Keras does not track."""

    def __init__(self):
        self._views: dict[Any, Any] = {}

    def get(self, key: Any, build: Callable[[], Any]) -> Any:
        if key not in self._views:
            self._views[key] = build()
        return self._views[key]
