"""Training a run, from its start or from where it stopped."""

import functools
from pathlib import Path

import keras
import tensorflow as tf
from rich.console import Console

from tf_translate.config.schema import Config
from tf_translate.core.translator import Translator
from tf_translate.data.domain_dataset import ImageData
from tf_translate.data.sampling import Share
from tf_translate.errors import ConfigError
from tf_translate.experiment.build import build, stage_ends
from tf_translate.experiment.checkpoint_assessment import measure_of
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.dataset import Data, held_out, open_for, preview
from tf_translate.experiment.load_run import load_model
from tf_translate.methods import registry
from tf_translate.training import loop
from tf_translate.training.error_messages import writing
from tf_translate.training.run_dir import RunDir
from tf_translate.training.strategy import batch_line, make_strategy
from tf_translate.training.workers import Workers, find_cluster, join
from tf_translate.training.xla import take_if_quicker

_SAMPLE_IMAGES = 8


def train(config: Config, path: str | Path, *, resume: bool, console: Console) -> bool:
    """Trains a run from its start or from its newest checkpoint.

    Where TF_CONFIG or Slurm names several processes, call it in each of them.

    Args:
        config: A resolved configuration; when resuming, that of the run.
        path: The run's directory; must be new or empty unless resuming.
        resume: Whether to go on with a run that exists.
        console: Shows the progress.

    Returns:
        True when done, False when interrupted with everything saved.

    Raises:
        ConfigError: If the networks cannot be built for the images, are not those of the run to
            start from, or the batch does not divide by the devices.
        DataError: If the images do not fit.
        RunError: If the directory is not free, or not a run when resuming, or cannot be written.
        TrainingError: If a loss is no longer finite.
        WorkerLostError: If another worker of the same training is gone.
    """
    strategy = _strategy(config, console)  # before anything uses a device
    workers = Workers(strategy)
    with workers.watched(RunDir(path).last_good):
        if workers.chief:  # before minutes go into reading images
            RunDir(path).check_writable() if resume else RunDir.check_free(path)
        console.print(batch_line(strategy, config.training.batch_size), highlight=False)
        return train_by(strategy, config, path, resume=resume, console=console)


def train_by(
    strategy: tf.distribute.Strategy,
    config: Config,
    path: str | Path,
    *,
    resume: bool,
    console: Console,
) -> bool:
    """As `train`, by a strategy that is there already."""
    registry.find(config.method).load()  # registers its classes, which a checkpoint needs
    workers = Workers(strategy)
    data = open_for(config)
    for skipped in data.skipped:
        console.print(f"skipped {skipped}", highlight=False)
    begun = None if resume else _begun(config)
    workers.check_same("settings and images", [config.model_dump(mode="json"), data.fingerprint])
    measure = measure_of(config, data, Path(path) / "classifiers", console.print)
    keras.utils.set_random_seed(config.training.seed)
    keras.mixed_precision.set_global_policy(config.training.precision)
    run = RunDir.open(path) if resume else RunDir(path)
    with strategy.scope():
        # Built first: settings that cannot be built must not claim the directory.
        translator = _resumed(run, config, console) if resume else build(config)
        if begun is not None:
            take_networks(translator, begun)
    if not resume:
        _check_labels(config, translator, data)
    workers.check_same("checkpoint to go on from", int(translator.steps_taken.numpy()))
    if workers.chief:
        _claim(run, config, translator, resume)
    return loop.train(
        translator,
        lambda step: _checked(config, data, translator, step, console),
        run=run,
        schedule=_schedule(config, translator),
        sample=preview(data, _watched(data), _SAMPLE_IMAGES),
        console=console,
        measure=measure,
    )


def take_networks(translator: Translator, begun: Translator) -> None:
    """Gives networks the weights of those of the same names; others stay as they are.

    Raises:
        ConfigError: If one is of another form.
    """
    for name in translator.network_names:
        if name not in begun.network_names:
            continue
        own, theirs = getattr(translator, name), getattr(begun, name)
        if [w.shape for w in own.weights] != [w.shape for w in theirs.weights]:
            raise ConfigError(
                f"training.init_from must be a run whose {name} has the sizes of this one's, it "
                "differs: give the same model settings, image size and attributes"
            )
        own.set_weights(theirs.get_weights())


def _begun(config: Config) -> Translator | None:
    """The trained translator to start from, or None."""
    place = config.training.init_from
    if place is None:
        return None
    method = read_config(place).method
    if method != config.method:
        raise ConfigError(
            f"training.init_from must be a run of {config.method}, {place} is one of {method}"
        )
    return load_model(place)


def _resumed(run: RunDir, config: Config, console: Console) -> Translator:
    def tell(sentence: str) -> None:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    return loop.resume(run, lambda: build(config), tell)


def _strategy(config: Config, console: Console) -> tf.distribute.Strategy:
    cluster = find_cluster()
    if cluster is None:
        return make_strategy(config.training.devices)
    console.print(
        f"worker {cluster.number} of {len(cluster.addresses)}"
        f"{', the chief, which writes the run' if cluster.number == 0 else ''}; waiting for the "
        f"others: {', '.join(cluster.addresses)}",
        highlight=False,
        soft_wrap=True,
    )
    return join(cluster, config.training.devices)


def _claim(run: RunDir, config: Config, translator: Translator, resume: bool) -> None:
    """Makes the run, or drops what was written past the checkpoint that it goes on from."""
    settings = config.model_dump(mode="json")
    if resume:
        step = int(translator.steps_taken.numpy())
        with writing(run, run.path, step):
            run.tidy(step)
            run.write_config(settings)
    else:
        RunDir.create(run.path, settings)


def _checked(config: Config, data: Data, translator: Translator, step: int, console: Console):
    """The data of a stage, after a look at whether XLA makes its steps quicker, if asked for."""
    if config.training.xla == "check":
        tell = functools.partial(console.print, highlight=False, markup=False, soft_wrap=True)
        take_if_quicker(translator, _batches(config, data, translator, step), tell)
    return _batches(config, data, translator, step)


def _batches(config: Config, data: Data, translator: Translator, step: int):
    """The data from a step on; on several workers each draws what its own devices take."""
    training = functools.partial(
        data.training,
        batch_size=config.training.batch_size * translator.microbatches_per_step,
        seed=config.training.seed,
        start_step=step,
    )
    strategy = translator.distribute_strategy
    workers = Workers(strategy)
    if workers.count == 1:
        return training()
    replicas = strategy.num_replicas_in_sync
    own = replicas // workers.count
    share = Share(first=workers.number * own, devices=own, of=replicas)
    return strategy.distribute_datasets_from_function(lambda _: training(share=share))


def _check_labels(config: Config, translator: Translator, data: Data) -> None:
    """Refuses data without the labels that a player learns from, or with other classes."""
    if not any(player.batch_keys for player in translator.players):
        return
    batch = data.training(batch_size=1, seed=0).element_spec
    for player in translator.players:
        missing = sorted(set(player.batch_keys) - set(batch))
        if missing:
            raise ConfigError(
                f"the stage {player.stage!r} of {config.method} learns from {missing[0]}, but "
                f"{config.data.path} has no such labels: use a folder for each class, a table "
                "with that column, or give the trained network as model.features"
            )
    wanted = config.model.get("classes")
    if wanted is None or not isinstance(data, ImageData) or wanted == len(data.classes):
        return
    raise ConfigError(
        f"model.classes must be the number of classes in {config.data.path}, "
        f"{len(data.classes)}, got {wanted}"
    )


def _schedule(config: Config, translator: Translator) -> loop.Schedule:
    training = config.training
    return loop.Schedule(
        stages=stage_ends(training, translator),
        log_every=training.log_every,
        sample_every=training.sample_every,
        checkpoint_every=training.checkpoint_every,
        keep_checkpoints=training.keep_checkpoints,
        patience=training.patience,
    )


def _watched(data: Data) -> str:
    """The split whose images are watched in training, which does not see them."""
    return "validation" if "validation" in data.splits else held_out(data)
