"""Who trains together, as TF_CONFIG and Slurm say it."""

import json

import pytest
import tensorflow as tf

from tf_translate.errors import ConfigError
from tf_translate.training.workers import Cluster, Workers, find_cluster, join


def _told(kind, index, **cluster):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_a_process_by_itself_has_no_cluster():
    assert find_cluster({}) is None
    assert find_cluster(_told("worker", 0, worker=["a:1"])) is None
    assert find_cluster(_told("chief", 0)) is None
    assert find_cluster({"SLURM_STEP_NUM_TASKS": "1"}) is None


def test_workers_are_counted_from_the_chief():
    assert find_cluster(_told("worker", 1, worker=["a:1", "b:2"])) == Cluster(("a:1", "b:2"), 1)
    told = _told("worker", 1, worker=["a:1", "b:2"], chief=["c:3"])
    assert find_cluster(told) == Cluster(("c:3", "a:1", "b:2"), 2)
    told = _told("chief", 0, worker=["a:1"], chief=["c:3"])
    assert find_cluster(told) == Cluster(("c:3", "a:1"), 0)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"TF_CONFIG": "{"}, "TF_CONFIG must be JSON with cluster and task"),
        ({"TF_CONFIG": "[]"}, "TF_CONFIG must be JSON with cluster and task"),
        (_told("worker", 2, worker=["a:1", "b:2"]), "got task worker 2"),
        (_told("evaluator", 0, worker=["a:1", "b:2"]), "got task evaluator 0"),
    ],
)
def test_a_place_that_does_not_exist_is_named(told, message):
    with pytest.raises(ConfigError, match=message):
        find_cluster(told)


def test_slurm_tasks_are_counted_in_its_order_of_hosts(monkeypatch):
    # node10 comes behind node9, although not by its letters; two tasks on each.
    told = {
        "SLURM_JOB_ID": "1305",
        "SLURM_PROCID": "2",
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_STEP_NODELIST": "node[9-10]",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    expected = ("node9:10080", "node9:10081", "node10:10080", "node10:10081")
    assert find_cluster() == Cluster(expected, 2)
    monkeypatch.delenv("SLURM_STEP_NODELIST")
    with pytest.raises(ConfigError, match="Slurm's environment does not say who trains"):
        find_cluster()


@pytest.mark.parametrize(
    ("devices", "message"),
    [("cpu:2", "start more workers instead"), ("gpu:900", "more GPUs than TensorFlow finds here")],
)
def test_devices_that_a_worker_cannot_have(devices, message):
    with pytest.raises(ConfigError, match=message):
        join(Cluster(("a:1", "b:2"), 0), devices)


def test_a_process_alone_is_its_own_chief(two_replicas):
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        alone = Workers(strategy)
        assert (alone.count, alone.number, alone.chief) == (1, 0, True)
        assert alone.anyone(True)
        assert not alone.anyone(False)
        alone.check_same("settings", {"any": "thing"})


def test_an_error_of_a_process_alone_stays_what_it_is():
    alone = Workers(tf.distribute.get_strategy())
    with pytest.raises(tf.errors.UnavailableError), alone.watched(lambda: "nothing"):
        raise tf.errors.UnavailableError(None, None, "gone")
