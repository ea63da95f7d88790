"""What a task makes of a network's output, by NumPy as by Keras."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops
from scipy.special import expit, softmax

from zoo.inference.answers import Answers, probabilities, scores
from zoo_registry import Task

LOGITS = arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(2, 5)), elements=st.floats(-1e3, 1e3, width=32))


@settings(max_examples=60, deadline=None)
@given(logits=LOGITS)
def test_probabilities_are_a_softmax(logits: np.ndarray):
    found = probabilities(np, logits)
    np.testing.assert_allclose(found, softmax(logits.astype(np.float64), axis=1), atol=1e-6)
    np.testing.assert_allclose(found, ops.convert_to_numpy(probabilities(ops, logits)), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-6)
    likeliest = np.take_along_axis(found, logits.argmax(axis=1)[:, None], axis=1)
    assert (likeliest[:, 0] == found.max(axis=1)).all()


def test_two_classes_are_a_sigmoid_of_the_difference():
    logits = np.random.default_rng(0).normal(size=(50, 2)) * 5
    np.testing.assert_allclose(probabilities(np, logits)[:, 1], expit(logits[:, 1] - logits[:, 0]))


@pytest.mark.parametrize("steps", [1, 4])
def test_the_score_is_the_root_of_the_mean_square_of_the_last_step(steps: int):
    random = np.random.default_rng(0)
    output, truth = random.normal(size=(2, 6, steps, 3)).astype(np.float32)
    expected = np.sqrt(np.square(output - truth)[:, -1].mean(axis=1))[:, None]
    np.testing.assert_allclose(scores(np, output, truth), expected, rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(scores(ops, output, truth)), expected, rtol=1e-5)


def test_what_the_network_sees_of_a_window():
    window = np.arange(24).reshape(1, 6, 4)
    assert Answers(Task.ANOMALY, columns=(0,), threshold=1.0).network_input(window).shape == (1, 5, 4)
    assert Answers(Task.ANOMALY, columns=(0,), threshold=1.0, reconstruct=True).network_input(window) is window
    for task in (Task.FORECAST, Task.REGRESS, Task.CLASSIFY):
        assert Answers(task).network_input(window) is window


def test_a_row_is_flagged_above_the_threshold_alone():
    window = np.zeros((3, 2, 2), np.float32)
    window[:, -1, 1] = [1.0, 2.0, 3.0]
    answers = Answers(Task.ANOMALY, columns=(1,), threshold=2.0)
    found = answers.judged(np, window, np.zeros((3, 1, 1), np.float32))
    assert found["score"].tolist() == [[1.0], [2.0], [3.0]]
    assert found["is_anomaly"].tolist() == [[False], [False], [True]]


def test_forecasts_are_named():
    output = np.arange(6.0).reshape(1, 1, 2, 3)
    found = Answers(middle=1).values(output)
    np.testing.assert_array_equal(found["forecast"], [[[1.0, 4.0]]])
    assert found["quantiles"] is output
    assert Answers().values(output) == {"forecast": output}
