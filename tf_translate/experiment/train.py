"""Trains a run, from its start or from its newest checkpoint."""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf
from rich.console import Console

from tf_translate.config.schema import Config
from tf_translate.core.translator import Translator
from tf_translate.data.domain_dataset import DomainDataset
from tf_translate.data.sampling import BatchShard
from tf_translate.distillation.find import teacher_of
from tf_translate.errors import ConfigError, DataError, RunError
from tf_translate.experiment.build import build, keep_stage_ends, stage_ends
from tf_translate.experiment.checkpoint_assessment import checkpoint_metrics
from tf_translate.experiment.configure import read_config
from tf_translate.experiment.dataset import (
    Data,
    held_out_split,
    open_dataset,
    preview,
    report_found,
)
from tf_translate.experiment.kept_images import choose_kept_images, write_kept_images
from tf_translate.experiment.load_run import load_model
from tf_translate.experiment.run_data import RunData, open_run_data
from tf_translate.experiment.step_timing import StepTime, step_time, time_stages
from tf_translate.experiment.training_summary import summary_lines
from tf_translate.exporters_package import check_exporters
from tf_translate.methods import registry
from tf_translate.training import loop
from tf_translate.training.error_messages import explain_write_errors
from tf_translate.training.progress import warning_console
from tf_translate.training.run_dir import RunDir
from tf_translate.training.run_lock import single_writer
from tf_translate.training.strategy import batch_summary, make_strategy
from tf_translate.training.workers import Workers, find_cluster, join_cluster
from tf_translate.training.xla import use_xla_if_faster

_PREVIEW_IMAGES = 8


def train(
    config: Config,
    path: str | Path,
    *,
    resume: bool,
    console: Console,
    accept_data_changes: bool = False,
) -> bool:
    """Trains a run from its start or from its newest checkpoint.

    If TF_CONFIG or Slurm names several processes, call it in each of them.

    Args:
        config: A resolved configuration; when resuming, the run's own.
        path: The run's directory; must be new or empty unless resuming.
        resume: Whether to continue an existing run.
        console: Shows the progress.
        accept_data_changes: Whether to resume on other images than those of before.

    Returns:
        True when done, False when interrupted with a checkpoint saved.

    Raises:
        ConfigError: If the networks cannot be built for the images, differ from those of
            `training.init_from`, or the batch size is not divisible by the number of devices.
        DataError: If the images do not fit the configuration, or are not those of before.
        InstallationError: If `exporters` is not the package installed with this one.
        RunError: If the directory is not empty, is not a run when resuming, cannot be written, or
            another process trains it.
        TrainingError: If a loss is no longer finite.
        WorkerLostError: If another worker is gone.
    """
    strategy = _make_strategy(config, console)  # before anything uses a device
    workers = Workers(strategy)
    with workers.explain_lost_worker(RunDir(path).describe_last_checkpoint):
        if workers.is_chief:  # before the images are read, which can take minutes
            RunDir(path).check_writable() if resume else RunDir.check_free(path)
        console.print(batch_summary(strategy, config.training.batch_size), highlight=False)
        return train_with_strategy(
            strategy,
            config,
            path,
            resume=resume,
            console=console,
            accept_data_changes=accept_data_changes,
        )


def train_with_strategy(
    strategy: tf.distribute.Strategy,
    config: Config,
    path: str | Path,
    *,
    resume: bool,
    console: Console,
    accept_data_changes: bool = False,
) -> bool:
    """Like `train`, with an existing distribution strategy."""
    check_exporters()  # its first use comes after training, when the kept images are chosen
    registry.find(config.method)  # registers its classes, which a checkpoint needs
    workers = Workers(strategy)
    report = functools.partial(console.print, highlight=False, markup=False, soft_wrap=True)
    run = RunDir.open(path) if resume else RunDir(path)
    with contextlib.ExitStack() as lock:
        if resume and workers.is_chief:
            lock.enter_context(single_writer(run, report))
        opened = (
            open_run_data(run, config, accept_changes=accept_data_changes)
            if resume
            else RunData(open_dataset(config))
        )
        data = opened.data
        _report_data(data, workers, console)
        initial = None if resume else _load_initial_translator(config)
        workers.check_same(
            "settings and images", [config.model_dump(mode="json"), data.fingerprint]
        )
        if config.training.minutes is not None and not resume:
            config = _with_steps_in_time(config, data, strategy, report)
        measure = checkpoint_metrics(config, data, run.path / "classifiers", console.print)
        keras.utils.set_random_seed(config.training.seed)
        keras.mixed_precision.set_global_policy(config.training.precision)
        with strategy.scope():
            # Built before the directory is created: invalid settings must not leave a run behind.
            make = functools.partial(build, config)
            translator = loop.resume(run, make, report) if resume else make()
            if initial is not None:
                copy_network_weights(initial, translator)
        previous = read_config(path) if resume else None
        if previous is None:
            _check_labels(config, translator, data)
        else:
            config = _with_kept_stage_ends(config, previous, translator)
        workers.check_same("checkpoint to resume from", int(translator.steps_taken.numpy()))
        if workers.is_chief and previous is not None:
            _prepare_to_resume(run, config, previous, opened, translator, report)
        elif workers.is_chief:
            lock.enter_context(single_writer(run, report))  # creates the folder
            RunDir.create(run.path, config.model_dump(mode="json"), opened.record(0).to_json())
        if workers.is_chief:
            for line in summary_lines(config, translator, run):
                report(line)
        done = loop.train(
            translator,
            lambda step: _stage_data(config, data, translator, step, console),
            run=run,
            schedule=_schedule(config, translator),
            sample=preview(data, _preview_split(data), _PREVIEW_IMAGES),
            console=console,
            measure=measure,
        )
        if workers.is_chief:
            _keep_images(run, config, data, translator, warning_console(console))
        workers.any_worker(False)  # no worker exits before the chief has written
        return done


def measure_step_time(config: Config) -> StepTime:
    """Times a few steps of each stage of a training in this process; nothing is written.

    Args:
        config: Complete settings.

    Raises:
        ConfigError, DataError: As `train`.
    """
    registry.find(config.method)
    data = open_dataset(config)
    return _measure_step_time(config, data, _make_strategy(config, Console(quiet=True)))


def _measure_step_time(config: Config, data: Data, strategy: tf.distribute.Strategy) -> StepTime:
    keras.utils.set_random_seed(config.training.seed)
    keras.mixed_precision.set_global_policy(config.training.precision)
    with strategy.scope():
        translator = build(config)
    _check_labels(config, translator, data)
    times = time_stages(
        translator, lambda: _stage_data(config, data, translator, 0, Console(quiet=True))
    )
    return step_time(config.training, stage_ends(config.training, translator), times)


def _with_steps_in_time(
    config: Config, data: Data, strategy: tf.distribute.Strategy, report: Callable[[str], None]
) -> Config:
    """Sets `training.steps` to those that fit into `training.minutes`, by the time of a few steps.

    Raises:
        ConfigError: If several processes train, which would measure different times.
    """
    minutes = config.training.minutes
    assert minutes is not None
    if Workers(strategy).count > 1:
        raise ConfigError(
            f"training.minutes = {minutes:g} is for one process, but "
            f"{Workers(strategy).count} train together; set training.steps instead"
        )
    time = _measure_step_time(config, data, strategy)
    steps = time.steps_in(minutes)
    report(
        f"{steps} steps fit into the {minutes:g} minutes of training.minutes: "
        + ", ".join(f"{seconds:.3g} s a step of {name}" for name, seconds in time.stages.items())
    )
    training = config.training.model_copy(update={"steps": steps})
    return config.model_copy(update={"training": training})


def _report_data(data: Data, workers: Workers, console: Console) -> None:
    """Says what was found, and on every worker which images are skipped."""
    if workers.is_chief:
        report_found(data, quiet=console.quiet)
    for skipped in data.skipped:
        warning_console(console).print(f"skipped {skipped}", highlight=False)


def _with_kept_stage_ends(config: Config, previous: Config, translator: Translator) -> Config:
    """With another number of steps, stages before the last still end where they did."""
    training = keep_stage_ends(config.training, previous.training, translator)
    return config.model_copy(update={"training": training})


def copy_network_weights(source: Translator, target: Translator) -> None:
    """Copies the weights of the networks that both have; other networks stay as they are.

    Raises:
        ConfigError: If a network has other weight shapes.
    """
    for name in target.network_names:
        if name not in source.network_names:
            continue
        network, trained = getattr(target, name), getattr(source, name)
        if [w.shape for w in network.weights] != [w.shape for w in trained.weights]:
            raise ConfigError(
                f"training.init_from must be a run whose {name} has the same weight shapes as "
                "this run's, but they differ: use the same model settings, image size and "
                "attributes"
            )
        network.set_weights(trained.get_weights())


def _load_initial_translator(config: Config) -> Translator | None:
    """The trained translator of `training.init_from`, or None."""
    path = config.training.init_from
    if path is None:
        return None
    try:
        method = read_config(path).method
    except RunError as error:
        raise ConfigError(f"training.init_from must be a trained run: {error}") from error
    allowed = [config.method, *([teacher] if (teacher := teacher_of(config.method)) else [])]
    if method not in allowed:
        raise ConfigError(
            f"training.init_from must be a run of {' or '.join(allowed)}, {path} is one of {method}"
        )
    return load_model(path)


def _make_strategy(config: Config, console: Console) -> tf.distribute.Strategy:
    cluster = find_cluster()
    if cluster is None:
        return make_strategy(config.training.devices)
    console.print(
        f"worker {cluster.index} of {len(cluster.addresses)}"
        f"{', the chief, which writes the run' if cluster.index == 0 else ''}; waiting for the "
        f"others: {', '.join(cluster.addresses)}",
        highlight=False,
        soft_wrap=True,
    )
    return join_cluster(cluster, config.training.devices)


def _prepare_to_resume(
    run: RunDir,
    config: Config,
    previous: Config,
    opened: RunData,
    translator: Translator,
    report: Callable[[str], None],
) -> None:
    """Deletes what was written past the checkpoint, and records what has changed."""
    step = int(translator.steps_taken.numpy())
    with explain_write_errors(run, run.path, step):
        for sentence in run.discard_after(step):
            report(sentence)
        if opened.changes is not None:
            report(f"the images of {config.data.path} have changed: {opened.changes}")
            run.write_data(opened.record(step).to_json())
            run.kept_images.unlink(missing_ok=True)  # written again at the end
        elif config.data.path != previous.data.path:
            report(f"{config.data.path} has the same images as {previous.data.path}")
        run.write_config(config.model_dump(mode="json"))


def _keep_images(
    run: RunDir,
    config: Config,
    data: Data,
    translator: Translator,
    console: Console,
) -> None:
    """Keeps the images that `export` needs, unless the run has them already."""
    if run.kept_images.exists():
        return
    try:
        kept = choose_kept_images(data, config.training.seed)
    except DataError as error:
        sentence = f"{run.path} keeps no images, so that export needs the data set: {error}"
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
        return
    with explain_write_errors(run, run.kept_images, int(translator.steps_taken.numpy())):
        write_kept_images(run, kept)


def _stage_data(config: Config, data: Data, translator: Translator, step: int, console: Console):
    """The training data from a step on; measures XLA first if `training.xla` is "check"."""
    if config.training.xla == "check":
        report = functools.partial(console.print, highlight=False, markup=False, soft_wrap=True)
        use_xla_if_faster(translator, _training_data(config, data, translator, step), report)
    return _training_data(config, data, translator, step)


def _training_data(config: Config, data: Data, translator: Translator, step: int):
    """The training data from a step on; each of several workers reads only its own shard."""
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
    own_replicas = replicas // workers.count
    shard = BatchShard(first=workers.index * own_replicas, devices=own_replicas, of=replicas)
    return strategy.distribute_datasets_from_function(lambda _: training(shard=shard))


def _check_labels(config: Config, translator: Translator, data: Data) -> None:
    """Rejects data without the labels that a player needs, or with another number of classes."""
    if not any(player.batch_keys for player in translator.players):
        return
    batch = data.training(batch_size=1, seed=0).element_spec
    for player in translator.players:
        missing = sorted(set(player.batch_keys) - set(batch))
        if missing:
            raise ConfigError(
                f"the stage {player.stage!r} of {config.method} needs {missing[0]}, but "
                f"{config.data.path} has no such labels: use a folder for each class, a table "
                "with that column, or set model.feature_extractor to a trained network"
            )
    classes = config.model.get("classes")
    if classes is None or not isinstance(data, DomainDataset) or classes == len(data.classes):
        return
    raise ConfigError(
        f"model.classes must be the number of classes in {config.data.path}, "
        f"{len(data.classes)}, got {classes}"
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
        seconds=None if training.minutes is None else 60 * training.minutes,
    )


def _preview_split(data: Data) -> str:
    """The split of the preview images, which are not trained on."""
    return "validation" if "validation" in data.splits else held_out_split(data)
