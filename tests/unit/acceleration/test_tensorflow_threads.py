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
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", CHOOSE.format(before=before)], capture_output=True, text=True, check=True, env=clean
    )
    assert done.stdout == expected


def test_the_environment_is_left_alone(monkeypatch):
    monkeypatch.setenv(VARIABLES[0], "3")
    monkeypatch.setenv(VARIABLES[1], "5")
    assert choose_threads() == (3, 5)
