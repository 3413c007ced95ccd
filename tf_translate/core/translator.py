"""The base of every method: who plays, how a step is taken, what is saved and deployed."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import keras

from tf_translate.core import serialization, stateless_random
from tf_translate.core.diagnostics import Diagnostics, GradientNorms
from tf_translate.core.forward_cache import ForwardCache, gradients_of, split, totals_of
from tf_translate.core.gradient_clipping import clip_globally
from tf_translate.core.loss_terms import LossTerm, check_losses, with_loss_weights
from tf_translate.core.optimizers import put_average
from tf_translate.core.player import Player
from tf_translate.core.schedules import Schedule
from tf_translate.core.signature import Signature
from tf_translate.core.step_variants import StepVariants


class Translator(serialization.Saved, Diagnostics):
    """Trains players in turn on named terms; saves, resumes and deploys.

    A method subclasses it, declares `terms` and `players`, and writes one function per
    objective. The step below is the only update in the project: it owns the tapes, the
    weights of terms, and the scaling for replicas and for precision.

    Use it like any Keras model: `compile()`, `fit(batches)`, callbacks, `save("x.keras")`.
    A batch is a mapping of images. A step divides its loss by the number of replicas,
    because optimizers sum gradients over them; logged values are not divided. Where players
    play on parts of a batch (see `Player.microbatches`), a batch holds `microbatches_per_step` of them.

    Args:
        networks: Built networks by attribute name.
        players: Players in place of the class's, where settings decide who plays how often.
        loss_weights: Weights that replace the defaults of terms; 0 switches a term off.
        name: Name of the model.

    Raises:
        ValueError: If a network that a player moves is missing or not built, or a term
            does not exist.
    """

    terms: ClassVar[tuple[LossTerm, ...]] = ()
    players: tuple[Player, ...] = ()  # in order; of an object, if its settings decide
    layout: ClassVar[str] = "unpaired"
    deploys: ClassVar[tuple[str, ...]] = ()  # names of `signatures`, known without building
    # Which signature leads from one domain to the other; its first output answers.
    directions: ClassVar[Mapping[str, str]] = {"a_to_b": "a_to_b", "b_to_a": "b_to_a"}
    train_function: Any  # Keras keeps the traced step here
    paper_shapes: ClassVar[tuple[tuple[int, int, int], ...]] = ((256, 256, 3), (256, 256, 3))
    paper_attributes: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(
        self,
        *,
        networks: Mapping[str, keras.Model],
        players: Sequence[Player] | None = None,
        loss_weights: Mapping[str, float | Schedule] | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if players is not None:
            self.players = tuple(players)
        for attribute, network in networks.items():
            if not network.built:
                raise ValueError(f"`{attribute}` must be built before it is given")
            setattr(self, attribute, network)
        self.network_names = tuple(networks)
        missing = {part for player in self.players for part in player.networks} - set(networks)
        if missing:
            raise ValueError(f"players move networks that are missing: {sorted(missing)}")
        self.loss_weights = dict(loss_weights or {})
        self.weighted_terms = with_loss_weights(self.terms, loss_weights)
        if not any(term.active for term in self.weighted_terms):
            raise ValueError("every term has weight 0: there is nothing to train")
        self.stage = self.stages[0]
        self.special = StepVariants(self.is_special)
        self.player_optimizers: dict[str, keras.optimizers.Optimizer] = {}
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
            term.name: keras.metrics.Mean(name=term.label) for term in self.weighted_terms
        }
        self.built = True  # Built up front: Keras must not call the model on a batch.

    @classmethod
    def from_settings(cls, settings: Any, *shapes: Any, **told: Any) -> "Translator":
        """Builds networks and translator for images of `(height, width, channels)`.

        Args:
            settings: The method's own settings.
            *shapes: Images of the two domains, or of the one set.
            **told: `loss_weights` as for the constructor; `attributes` where the layout is such.
        """
        raise NotImplementedError

    # --- what a method may ask ---------------------------------------------------------

    def uses(self, term: str) -> bool:
        """Whether a term has a weight other than 0, so that it must be computed."""
        return self._term(term).active

    def signatures(self) -> dict[str, Signature]:
        """The functions to deploy, by name; the first one is the model's `call`."""
        raise NotImplementedError

    def default_optimizer(self, player: Player) -> keras.optimizers.Optimizer:
        """The paper's optimizer for a player."""
        raise NotImplementedError

    def examples(self, batch: Mapping) -> dict[str, dict]:
        """Inputs to show signatures with, from a batch whose parts are of equal length."""
        sides = {"a_to_b": batch["a"], "b_to_a": batch["b"]}
        signatures = [each for each in self.signatures().values() if each.name in sides]
        return {each.name: {each.inputs[0].name: sides[each.name]} for each in signatures}

    def imagined(self, attributes):
        """Images out of noise in a stage that has nothing to translate with; None: translate."""
        return None

    def uniform_per_image(self, images, *, stream: int):
        """A random number in [0, 1) for each image, `(batch, 1, 1, 1)`; equal on many devices."""
        return stateless_random.uniform_per_image(images, self.steps_taken.value, stream)

    # --- compiling and stages ----------------------------------------------------------

    def compile(
        self,
        optimizers: Mapping[str, keras.optimizers.Optimizer] | None = None,
        **options,
    ) -> None:
        """Gives every player an optimizer and builds it.

        Args:
            optimizers: One for each player by name; a player left out takes the paper's.
            **options: `steps_per_execution`, `jit_compile`, `run_eagerly`, as in Keras.

        Raises:
            ValueError: If a name is not that of a player.
        """
        given = dict(optimizers or {})
        names = [player.name for player in self.players]
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ValueError(f"`optimizers` names {unknown}, but the players are {names}")
        options.setdefault("jit_compile", False)  # slower on a CPU (measured)
        super().compile(optimizer=None, loss=None, **options)
        self._compile_options = options
        with self.distribute_strategy.scope():
            self.gradient_norms = GradientNorms(self.players)
            for player in self.players:
                optimizer = given.get(player.name) or self.default_optimizer(player)
                scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
                if self._half_precision(player) and not scaled:
                    optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
                # Built here: inside a replica it is too late (keras issue 19246).
                optimizer.build(self.variables_of(player))
                self.player_optimizers[player.name] = optimizer

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of training in order: those its players play in."""
        return tuple(dict.fromkeys(player.stage for player in self.players))

    @classmethod
    def known_stages(cls) -> tuple[str, ...]:
        """All stages of the method, also those that settings leave out."""
        return tuple(dict.fromkeys(player.stage for player in cls.players))

    def enter_stage(self, stage: str) -> None:
        """Goes on to a stage of training; the step is traced anew.

        Raises:
            ValueError: If the method has no such stage.
        """
        if stage not in self.stages:
            raise ValueError(f"`stage` must be one of {list(self.stages)}, got {stage!r}")
        self.stage = stage
        if self.compiled:
            self.make_train_function(force=True)

    def active_players(self) -> list[Player]:
        """The players of the present step that have a term to play for, in order."""
        players = self._stage_players()
        players = [player for player in players if any(self.uses(term) for term in player.terms)]
        alone = [player for player in players if player.burst]
        return alone if alone and self.special.now else players

    def make_train_function(self, force=False) -> None:
        """Traces usual and special steps, each by themselves."""
        if self.train_function is not None and not force:
            return
        super().make_train_function(force=True)
        usual = self.train_function
        super().make_train_function(force=True)
        self.train_function = self.special.in_turns(usual, self.train_function)

    def is_special(self) -> bool:
        """Whether the coming step is special; here, whether some players go alone.

        Asked in Python ahead of each call of the traced step, where `special.now` then tells.
        """
        bursts = [player.burst for player in self.active_players() if player.burst]
        return bool(bursts) and any(burst.alone(int(self.steps_taken.numpy())) for burst in bursts)

    def _stage_players(self) -> list[Player]:
        return [player for player in self.players if player.stage == self.stage]

    def variables_of(self, player: Player) -> list:
        """The trainable variables a player moves."""
        networks = [getattr(self, name) for name in player.networks]
        return [variable for network in networks for variable in network.trainable_variables]

    # --- one step ----------------------------------------------------------------------

    def train_step(self, batch):
        """Lets every active player take its turns; logs the mean of each term."""
        forwards = ForwardCache(
            split(batch, self.microbatches_per_step, type(self).__name__),
            players=self._stage_players(),
            active=self.active_players(),
            variables_of=self.variables_of,
            forward=lambda name, *given: getattr(self, name)(*given),
        )
        for player in self.active_players():
            for turn, part in enumerate(player.microbatches):
                tape, shared = forwards.begin(player, part)
                self._take_turn(player, tape, forwards.parts[part], shared)
                forwards.moved(player, turn)
        self.steps_taken.assign_add(1)
        return self.logged(self._active_metrics())

    @property
    def microbatches_per_step(self) -> int:
        """Fresh batches that a step of the present stage takes, stacked in one."""
        return 1 + max(part for player in self._stage_players() for part in player.microbatches)

    def _take_turn(self, player: Player, tape, batch, shared) -> None:
        variables = self.variables_of(player)
        optimizer = self.player_optimizers[player.name]
        with tape:  # entering again goes on recording
            losses = getattr(self, player.objective)(batch, shared)
            wanted = filter(self.uses, player.terms)
            check_losses(f"{type(self).__name__}.{player.objective}", wanted, losses)
            weighted = {name: self._weight(name) * loss for name, loss in losses.items()}
            replicas = self.distribute_strategy.num_replicas_in_sync
            totals = [optimizer.scale_loss(each / replicas) for each in totals_of(player, weighted)]
        gradients = gradients_of(tape, totals, [self.variables_of(each) for each in player.groups])
        self.gradient_norms.take(player.name, gradients, optimizer)
        if player.clip is not None:
            gradients = clip_globally(gradients, player.clip, optimizer)
        optimizer.apply(gradients, variables)
        if player.constrain is not None:
            player.constrain(variables)
        for name, loss in losses.items():
            self._term_metrics[name].update_state(loss)

    def _term(self, name: str) -> LossTerm:
        return next(term for term in self.weighted_terms if term.name == name)

    def _weight(self, name: str):
        weight = self._term(name).weight
        return weight(self.steps_taken.value) if isinstance(weight, Schedule) else weight

    def _half_precision(self, player: Player) -> bool:
        networks = [getattr(self, name) for name in player.networks]
        return any(network.dtype_policy.name == "mixed_float16" for network in networks)

    def _active_metrics(self):
        playing = {name for player in self.active_players() for name in player.terms}
        return [m for name, m in self._term_metrics.items() if name in playing and self.uses(name)]

    @property
    def metrics(self):
        """One running mean for each term that is played."""
        return self._active_metrics()

    # --- inference ---------------------------------------------------------------------

    def call(self, images, training=False):
        """Translates by the first signature: images in [-1, 1] to images in [-1, 1]."""
        signature = next(iter(self.signatures().values()))
        outputs = signature.function(**{signature.inputs[0].name: images})
        return outputs[signature.outputs[0].name]

    def use_averaged_weights(self) -> None:
        """Puts the moving averages of weights in their place where an optimizer keeps them.

        For evaluating and exporting; do not go on training afterwards.
        """
        for player in self.players:
            if player.name in self.player_optimizers:
                optimizer = self.player_optimizers[player.name]
                put_average(optimizer, self.variables_of(player))

    # --- saving ------------------------------------------------------------------------

    def get_config(self) -> dict:
        """The constructor's arguments and the present stage."""
        return {**serialization.config_of(self), "stage": self.stage}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuilds a translator with its networks, in the stage it was saved in."""
        config = dict(config)
        stage = config.pop("stage")
        translator = cls(**serialization.arguments_from(config))
        translator.stage = stage
        return translator

    def get_compile_config(self) -> dict | None:
        """The optimizers of all players and the options of `compile`, if it was compiled."""
        if not self.player_optimizers:
            return None
        return serialization.compile_config(self.player_optimizers, self._compile_options)

    def compile_from_config(self, config) -> None:
        """Compiles as saved, so that optimizer state can be loaded."""
        self.compile(serialization.optimizers_from(config), **config["options"])

    def _maybe_symbolic_build(self, *args, **kwargs) -> None:
        """Keras would call the model on a training batch; ours is built (keras 20585)."""
