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

# Seconds without a heartbeat after which a worker is lost. TensorFlow's default of 10 mistakes a
# busy host for a dead one (observed with sixteen processes on two cores).
_HEARTBEAT_TIMEOUT = 30
# TensorFlow's errors for another worker that disconnected, aborted or does not respond.
_LOST_WORKER_ERRORS = (
    *(tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError),
    *(tf.errors.DeadlineExceededError, tf.errors.FailedPreconditionError),
    *(tf.errors.InternalError, tf.errors.UnknownError),
)


@dataclass(frozen=True)
class Cluster:
    """The addresses of all workers, as "host:port" with the chief first, and this one's index."""

    addresses: tuple[str, ...]
    index: int


def find_cluster(environment: Mapping[str, str] = os.environ) -> Cluster | None:
    """Reads the workers from TF_CONFIG or else from Slurm; None if this process trains alone.

    Raises:
        ConfigError: If TF_CONFIG cannot be read or does not list this process as a worker.
    """
    if environment.get("TF_CONFIG"):
        cluster = _from_tf_config(environment["TF_CONFIG"])
    elif int(environment.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        cluster = _from_slurm(int(environment.get("SLURM_JOB_ID", 0)))
    else:
        return None
    return cluster if len(cluster.addresses) > 1 else None


def join_cluster(cluster: Cluster, devices: str) -> tf.distribute.Strategy:
    """Waits for all workers, and returns their common strategy.

    Args:
        cluster: The workers.
        devices: Devices of each worker, the same number on every one: "one" GPU or else the
            processor, "all" GPUs or else the processor, "gpu:N", "cpu:1".

    Raises:
        ConfigError: If this host has no such devices, or the workers cannot connect.
    """
    available = len(tf.config.list_physical_devices("GPU"))
    if devices.startswith("cpu:") and devices != "cpu:1":
        raise ConfigError(
            f"training.devices must be one, all, cpu:1 or gpu:N if several workers train, got "
            f"{devices!r}; start more workers instead"
        )
    if devices.startswith("gpu:"):
        check_gpus(devices, available)
    known = {"one": min(available, 1), "all": available, "cpu:1": 0}
    gpus = known[devices] if devices in known else int(devices.removeprefix("gpu:"))
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.index,
        num_accelerators={"GPU": gpus} if gpus else {},
        rpc_layer="grpc",
    )
    _configure_heartbeats(len(cluster.addresses))
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    except (tf.errors.OpError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"worker {cluster.index} cannot connect to the others at "
            f"{', '.join(cluster.addresses)}: {reason}; its own address must be this host's, "
            "with a free port"
        ) from error


class Workers:
    """The workers of a strategy, from the view of this one; a single process is the chief.

    Args:
        strategy: The model's distribution strategy.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        resolver = strategy.cluster_resolver
        self.strategy = strategy
        is_multi_worker = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self.count = len(resolver.cluster_spec().as_dict()["worker"]) if is_multi_worker else 1
        self.index = resolver.task_id if is_multi_worker else 0
        self._all_reduce: Callable | None = (
            tf.function(self._sum_over_replicas) if is_multi_worker else None
        )

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes the run."""
        return self.index == 0

    def any_worker(self, flag: bool) -> bool:
        """Whether the flag is set on any worker; all of them must call it at the same point."""
        if self._all_reduce is None:
            return flag
        return int(self._all_reduce(tf.constant(int(flag)))) > 0

    def check_same(self, subject: str, value: object) -> None:
        """Checks that every worker has the chief's value; all workers must call it.

        Raises:
            ConfigError: On every worker, if one of them has another value.
        """
        if self._all_reduce is None:
            return
        checksum = zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode())
        total = int(self._all_reduce(tf.constant(checksum if self.is_chief else 0, tf.int64)))
        # Each device of the chief has added the checksum once.
        chief_checksum = total // (self.strategy.num_replicas_in_sync // self.count)
        differs = chief_checksum != checksum
        if self.any_worker(differs):
            which = "this worker's differ" if differs else "another worker's differ"
            raise ConfigError(
                f"all workers must have the same {subject}, but {which} from the chief's; start "
                "them with the same command and the same files"
            )

    @contextlib.contextmanager
    def explain_lost_worker(self, describe_progress: Callable[[], str]) -> Iterator[None]:
        """Turns the loss of another worker into one sentence.

        Args:
            describe_progress: Returns a clause about the last checkpoint.

        Raises:
            WorkerLostError: If another worker is gone.
        """
        try:
            yield
        except _LOST_WORKER_ERRORS as error:
            if self.count == 1:
                raise
            lost = self._worker_named_in(str(error))
            raise WorkerLostError(
                f"training stopped: {lost} exited or does not respond; {describe_progress()}. "
                "Start all workers again with --resume"
            ) from error

    def _sum_over_replicas(self, value):
        return self.strategy.reduce("SUM", self.strategy.run(tf.identity, (value,)), axis=None)

    def _worker_named_in(self, text: str) -> str:
        """The worker that an error message is about, if only one is possible."""
        tasks = {int(task) for task in re.findall(r"/task:(\d+)", text)} - {self.index}
        if self.count == 2:
            tasks = {1 - self.index}
        if len(tasks) != 1:
            return "another worker"
        index = tasks.pop()
        address = self.strategy.cluster_resolver.cluster_spec().task_address("worker", index)
        return f"worker {index} ({address}{', the chief' if index == 0 else ''})"


def _configure_heartbeats(worker_count: int) -> None:
    """Configures the coordination service as the strategy does, with our heartbeat timeout.

    TensorFlow 2.21 has no public function for it.
    """
    job = coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=worker_count)
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=1000 * _HEARTBEAT_TIMEOUT,
        coordinated_jobs=[job],
    )


def _from_tf_config(text: str) -> Cluster:
    try:
        config = json.loads(text)
        spec, task = config.get("cluster", {}), config.get("task", {})
        chiefs, others = list(spec.get("chief", [])), list(spec.get("worker", []))
        kind, task_index = task.get("type", "worker"), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"TF_CONFIG must be JSON with cluster and task, got {text!r}: {error}"
        ) from error
    if not chiefs + others:
        return Cluster((), 0)
    addresses = {"chief": chiefs, "worker": others}.get(kind)
    if addresses is None or not 0 <= task_index < len(addresses):
        raise ConfigError(
            "TF_CONFIG must list this process as a task among chief and worker of its cluster, "
            f"got task {kind} {task_index} of {spec}"
        )
    index = task_index if kind == "chief" else len(chiefs) + task_index
    return Cluster((*chiefs, *others), index)


def _from_slurm(job_id: int) -> Cluster:
    # GPU counts are placeholders: only the addresses are used. Without GPUs TensorFlow's resolver
    # would return none.
    try:
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=_first_port(job_id), gpus_per_node=4096, gpus_per_task=1, auto_set_gpu=False
        )
        addresses = resolver.cluster_spec().as_dict()["worker"]
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"Slurm's environment does not name the workers: {error}") from error
    # The resolver sorts hosts by name, so node10 precedes node2. Slurm numbers tasks in the order
    # of its host list.
    hosts = list(resolver._task_configuration)
    addresses.sort(key=lambda address: hosts.index(address.rpartition(":")[0]))
    return Cluster(tuple(addresses), resolver.task_id)


def _first_port(job_id: int) -> int:
    """The first of 16 ports of a job, the most it uses per host; concurrent jobs get others."""
    return 10000 + 16 * (job_id % 1300)
