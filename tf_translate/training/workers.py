"""Workers: processes, on one host or many, that train one model together."""

import contextlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from tf_translate.errors import ConfigError, WorkerLostError
from tf_translate.training.strategy import check_gpus

# Seconds of silence after which a worker is lost. TensorFlow's own 10 take a busy host for a dead
# one (seen with sixteen processes on two cores).
_SILENCE = 30
# How TensorFlow says that another worker went away, broke off or no longer answers.
_LOST = (
    *(tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError),
    *(tf.errors.DeadlineExceededError, tf.errors.FailedPreconditionError),
    *(tf.errors.InternalError, tf.errors.UnknownError),
)


@dataclass(frozen=True)
class Cluster:
    """Where the workers are, as "host:port", the chief first, and which of them this is."""

    addresses: tuple[str, ...]
    number: int


def find_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Reads from TF_CONFIG, or else from Slurm, who trains together; None: this process alone.

    Raises:
        ConfigError: If TF_CONFIG cannot be read or gives this process no place among workers.
    """
    if environment.get("TF_CONFIG"):
        cluster = _from_tf_config(environment["TF_CONFIG"])
    elif int(environment.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        cluster = _from_slurm(int(environment.get("SLURM_JOB_ID", 0)))
    else:
        return None
    return cluster if len(cluster.addresses) > 1 else None


def join(cluster: Cluster, devices: str) -> tf.distribute.Strategy:
    """Waits for all workers; gives the strategy that they train by.

    Args:
        cluster: Where they are.
        devices: Those of each worker, as many on every one: "one" GPU or else the processor,
            "all" GPUs or else the processor, "gpu:N", "cpu:1".

    Raises:
        ConfigError: If this host has no such devices, or the workers cannot meet.
    """
    present = len(tf.config.list_physical_devices("GPU"))
    if devices.startswith("cpu:") and devices != "cpu:1":
        raise ConfigError(
            f"training.devices must be one, all, cpu:1 or gpu:N where several workers train, got "
            f"{devices!r}; start more workers instead"
        )
    if devices.startswith("gpu:"):
        check_gpus(devices, present)
    known = {"one": min(present, 1), "all": present, "cpu:1": 0}
    gpus = known[devices] if devices in known else int(devices.removeprefix("gpu:"))
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.number,
        num_accelerators={"GPU": gpus} if gpus else {},
        rpc_layer="grpc",
    )
    _expect_heartbeats(len(cluster.addresses))
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except (tf.errors.OpError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"worker {cluster.number} cannot meet the others at {', '.join(cluster.addresses)}: "
            f"{reason}; its own address must be this host's, with a free port"
        ) from error


class Workers:
    """The workers of a strategy, seen from this one; a process alone is chief of itself.

    Args:
        strategy: That of the model.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        resolver = strategy.cluster_resolver
        self.strategy = strategy
        many = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self.count = len(resolver.cluster_spec().as_dict()["worker"]) if many else 1
        self.number = resolver.task_id if many else 0
        self._sum: Callable | None = tf.function(self._summed) if many else None

    @property
    def chief(self) -> bool:
        """Whether this worker writes the run."""
        return self.number == 0

    def anyone(self, flag: bool) -> bool:
        """Whether the flag is set on any worker; all of them must ask, at the same moment."""
        if self._sum is None:
            return flag
        return int(self._sum(tf.constant(int(flag)))) > 0

    def check_same(self, what: str, value: object) -> None:
        """Makes sure that every worker has the chief's value; all of them must ask.

        Raises:
            ConfigError: On every worker, if one differs.
        """
        if self._sum is None:
            return
        own = zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode())
        chiefs = int(self._sum(tf.constant(own if self.chief else 0, tf.int64)))
        chiefs //= self.strategy.num_replicas_in_sync // self.count  # each device has added it
        if self.anyone(chiefs != own):
            mine = "this one's differ" if chiefs != own else "another's differ"
            raise ConfigError(
                f"all workers must have the same {what}, but {mine} from the chief's; start them "
                "with one command and one set of files"
            )

    @contextlib.contextmanager
    def watched(self, tell: Callable[[], str]) -> Iterator[None]:
        """Turns the loss of a worker into one sentence.

        Args:
            tell: Says how far this one came.

        Raises:
            WorkerLostError: If another worker is gone.
        """
        try:
            yield
        except _LOST as error:
            if self.count == 1:
                raise
            gone = self._named(str(error))
            raise WorkerLostError(
                f"training stopped: {gone} is gone or no longer answers; {tell()}. Start all "
                "workers again with --resume"
            ) from error

    def _summed(self, flag):
        return self.strategy.reduce("SUM", self.strategy.run(tf.identity, (flag,)), axis=None)

    def _named(self, text: str) -> str:
        """The worker that an error speaks of, if it can be only one."""
        tasks = {int(task) for task in re.findall(r"/task:(\d+)", text)} - {self.number}
        if self.count == 2:
            tasks = {1 - self.number}
        if len(tasks) != 1:
            return "another worker"
        number = tasks.pop()
        address = self.strategy.cluster_resolver.cluster_spec().task_address("worker", number)
        return f"worker {number} ({address}{', the chief' if number == 0 else ''})"


def _expect_heartbeats(workers: int) -> None:
    """What the strategy would ask for, but for the time; TensorFlow 2.21 has no public door."""
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=1000 * _SILENCE,
        coordinated_jobs=[coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=workers)],
    )


def _from_tf_config(text: str) -> Cluster:
    try:
        told = json.loads(text)
        spec, task = told.get("cluster", {}), told.get("task", {})
        chiefs, others = list(spec.get("chief", [])), list(spec.get("worker", []))
        kind, index = task.get("type", "worker"), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"TF_CONFIG must be JSON with cluster and task, got {text!r}: {error}"
        ) from error
    if not chiefs + others:
        return Cluster((), 0)
    places = {"chief": chiefs, "worker": others}.get(kind)
    if places is None or not 0 <= index < len(places):
        raise ConfigError(
            "TF_CONFIG must give this process a place among chief and worker of its cluster, "
            f"got task {kind} {index} of {spec}"
        )
    number = index if kind == "chief" else len(chiefs) + index
    return Cluster((*chiefs, *others), number)


def _from_slurm(job: int) -> Cluster:
    # Only addresses are asked for: on hosts without GPUs TensorFlow's resolver would give none.
    try:
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=_first_port(job), gpus_per_node=4096, gpus_per_task=1, auto_set_gpu=False
        )
        addresses = resolver.cluster_spec().as_dict()["worker"]
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"Slurm's environment does not say who trains: {error}") from error
    # It sorts hosts by name, so that node10 comes ahead of node2; Slurm counts tasks in its order.
    hosts = list(resolver._task_configuration)
    addresses.sort(key=lambda address: hosts.index(address.rpartition(":")[0]))
    return Cluster(tuple(addresses), resolver.task_id)


def _first_port(job: int) -> int:
    """Of the 16 that a job takes at most on each host, so that jobs beside it are not met."""
    return 10000 + 16 * (job % 1300)
