"""Clusters of workers, as TF_CONFIG and Slurm describe them."""

import json

import pytest
import tensorflow as tf

from tf_translate.errors import ConfigError
from tf_translate.training.workers import Cluster, Workers, find_cluster, join_cluster


def _tf_config(kind, index, **cluster):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_a_single_process_has_no_cluster():
    assert find_cluster({}) is None
    assert find_cluster(_tf_config("worker", 0, worker=["a:1"])) is None
    assert find_cluster(_tf_config("chief", 0)) is None
    assert find_cluster({"SLURM_STEP_NUM_TASKS": "1"}) is None


def test_worker_indices_start_at_the_chief():
    assert find_cluster(_tf_config("worker", 1, worker=["a:1", "b:2"])) == Cluster(
        ("a:1", "b:2"), 1
    )
    environment = _tf_config("worker", 1, worker=["a:1", "b:2"], chief=["c:3"])
    assert find_cluster(environment) == Cluster(("c:3", "a:1", "b:2"), 2)
    environment = _tf_config("chief", 0, worker=["a:1"], chief=["c:3"])
    assert find_cluster(environment) == Cluster(("c:3", "a:1"), 0)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TF_CONFIG": "{"}, "TF_CONFIG must be JSON with cluster and task"),
        ({"TF_CONFIG": "[]"}, "TF_CONFIG must be JSON with cluster and task"),
        (_tf_config("worker", 2, worker=["a:1", "b:2"]), "got task worker 2"),
        (_tf_config("evaluator", 0, worker=["a:1", "b:2"]), "got task evaluator 0"),
    ],
)
def test_a_task_that_is_not_in_the_cluster_is_rejected(environment, message):
    with pytest.raises(ConfigError, match=message):
        find_cluster(environment)


def test_slurm_tasks_follow_the_order_of_its_host_list(monkeypatch):
    # node10 follows node9, although it precedes it alphabetically; two tasks on each.
    environment = {
        "SLURM_JOB_ID": "1305",
        "SLURM_PROCID": "2",
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_STEP_NODELIST": "node[9-10]",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    expected = ("node9:10080", "node9:10081", "node10:10080", "node10:10081")
    assert find_cluster() == Cluster(expected, 2)
    monkeypatch.delenv("SLURM_STEP_NODELIST")
    with pytest.raises(ConfigError, match="Slurm's environment does not name the workers"):
        find_cluster()


@pytest.mark.parametrize(
    ("devices", "message"),
    [("cpu:2", "start more workers instead"), ("gpu:900", "more GPUs than TensorFlow finds here")],
)
def test_devices_that_a_worker_cannot_use_are_rejected(devices, message):
    with pytest.raises(ConfigError, match=message):
        join_cluster(Cluster(("a:1", "b:2"), 0), devices)


def test_a_single_process_is_the_chief(two_replicas):
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        workers = Workers(strategy)
        assert (workers.count, workers.index, workers.is_chief) == (1, 0, True)
        assert workers.any_worker(True)
        assert not workers.any_worker(False)
        workers.check_same("settings", {"any": "thing"})


def test_errors_of_a_single_process_pass_unchanged():
    workers = Workers(tf.distribute.get_strategy())
    failure = pytest.raises(tf.errors.UnavailableError)
    with failure, workers.explain_lost_worker(lambda: "no checkpoint"):
        raise tf.errors.UnavailableError(None, None, "gone")
