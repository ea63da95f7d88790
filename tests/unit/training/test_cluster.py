"""Which processes share a training: told by an option or by TF_CONFIG, and refused in one sentence."""

from __future__ import annotations

import json

import pytest

from zoo.training.cluster import Cluster, check_settings, cluster_of, local_cluster, parse_distribute
from zoo.training.config import TrainingConfig
from zoo_registry.errors import ConfigError

TWO = ["a:1", "b:2"]


def told(cluster, kind="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (told({"worker": TWO}, index=1), Cluster(("a:1", "b:2"), 1)),
        (told({"worker": TWO, "chief": ["c:3"]}, "chief"), Cluster(("c:3", "a:1", "b:2"), 0)),
        (told({"worker": TWO, "chief": ["c:3"]}, "worker", 1), Cluster(("c:3", "a:1", "b:2"), 2)),
        (told({"worker": TWO}, index="1"), Cluster(("a:1", "b:2"), 1)),
    ],
)
def test_tf_config_is_read_as_tensorflow_writes_it(environment, expected):
    assert cluster_of(environment) == expected


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "which is not set"),
        ({"TF_CONFIG": "{"}, "expected JSON such as"),
        ({"TF_CONFIG": "[]"}, "expected JSON such as"),
        (told({"worker": TWO}, index=2), "the task worker 2 is none of its cluster's"),
        (told({"worker": TWO}, index=-1), "the task worker -1 is none of its cluster's"),
        (told({"worker": TWO}, "chief"), "the task chief 0 is none of its cluster's"),
        (told({"worker": TWO}, "ps"), "the task ps 0 is none of its cluster's"),
        (told({"worker": TWO, "ps": ["c:3"]}), "found ['ps']"),
        (told(TWO), "expected a cluster of chief and worker alone"),
        (told({"worker": ["a:1"]}), "expected two or more"),
        (told({"worker": ["a:1", "a:1"]}), "expected two or more different addresses"),
        (told({"worker": ["a:1", "b:2", "a:1"]}), "expected two or more different addresses"),
        (told({"worker": ["a", "b:2"]}), "expected worker as a list of host:port"),
        (told({"worker": "a:1"}), "expected worker as a list of host:port"),
    ],
)
def test_another_tf_config_is_refused(environment, words):
    with pytest.raises(ConfigError) as error:
        cluster_of(environment)
    assert words in str(error.value)


def test_the_option_is_a_number_or_a_word():
    assert parse_distribute("2") == 2
    assert parse_distribute("tf-config") is None
    for text in ("1", "0", "-2", "65", "2.5", "two", "", "host:1"):
        with pytest.raises(ConfigError, match="expected a number of processes"):
            parse_distribute(text)


def test_ports_of_this_host_differ():
    cluster = local_cluster(5)
    assert cluster.rank == 0
    assert len(set(cluster.addresses)) == cluster.size == 5


def test_settings_that_cannot_be_shared_are_refused():
    check_settings(TrainingConfig.model_validate({"batch_size": 3}), 3)
    with pytest.raises(ConfigError, match="--batch-size 2: 3 processes share each batch"):
        check_settings(TrainingConfig.model_validate({"batch_size": 2}), 3)
    with pytest.raises(ConfigError, match="--autotune tries the steps of one process"):
        check_settings(TrainingConfig.model_validate({"autotune": True}), 2)
