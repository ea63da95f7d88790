"""Threads are chosen once, before TensorFlow starts, and what the user chose is left alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from zoo.acceleration.tensorflow_threads import VARIABLES, choose_threads, cores

CHOOSE = """
import warnings
import tensorflow as tf
from zoo.acceleration.tensorflow_threads import choose_threads
{before}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(tuple(choose_threads()))
print([str(warning.message)[:62] for warning in caught])
tf.constant(1.0) + 1.0
"""


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("", f"(1, {cores()})\n[]\n"),
        pytest.param("tf.config.threading.set_intra_op_parallelism_threads(3)", "(3, 0)\n[]\n", marks=pytest.mark.full),
        (
            "tf.constant(1.0) + 1.0",
            "(0, 0)\n['TensorFlow was started before the zoo could choose its threads']\n",
        ),
    ],
    ids=["choice", "the user's", "too late"],
)
def test_what_is_in_force(before, expected):
    assert told(CHOOSE.format(before=before)).stdout == expected


def told(code, *arguments):
    """What a process says that has chosen nothing."""
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, env=clean
    )


def test_a_training_chooses_before_it_uses_tensorflow(series_file, tmp_path):
    code = """
import sys, zoo
data, runs, *start = sys.argv[1:]
settings = dict(target="load", window=8, horizon=3, epochs=1, hyperparameters={"units": 2}, runs=runs)
zoo.train("basic", data, start_from=start[0] if start else None, **settings)
"""
    assert "ThreadsWarning" not in told(code, str(series_file), str(tmp_path)).stderr
    assert "ThreadsWarning" not in told(code, str(series_file), str(tmp_path), "latest").stderr


def test_the_environment_is_left_alone(monkeypatch):
    monkeypatch.setenv(VARIABLES[0], "3")
    monkeypatch.setenv(VARIABLES[1], "5")
    assert choose_threads() == (3, 5)
