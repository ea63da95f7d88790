"""What a task makes of a network's output, by NumPy as by Keras."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops
from scipy.special import expit, softmax

from zoo.inference.answers import Answers
from zoo.settings.schema import DataConfig
from zoo.tasks import TASKS, find_task
from zoo.tasks.anomaly import scores
from zoo.tasks.classify import probabilities
from zoo_registry import Problem

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


def problem_of(task: str, targets: tuple[str, ...] = ("b",), **settings: object) -> Problem:
    config = DataConfig(task=task, window=6, horizon=1, **settings)  # type: ignore[arg-type]
    quantiles = (0.1, 0.5, 0.9) if settings.get("gap") else ()
    return find_task(task).state(config, ("a", "b"), targets, ("calm", "rain") * (task == "classify"), quantiles)


def test_what_the_network_sees_of_a_window():
    window = np.arange(24).reshape(1, 6, 4)
    assert Answers(problem_of("anomaly")).network_input(window).shape == (1, 5, 4)
    for problem in (problem_of("anomaly", reconstruct=True), *map(problem_of, ("forecast", "regress", "classify"))):
        assert Answers(problem).network_input(window) is window


def test_a_row_is_flagged_above_the_threshold_alone():
    window = np.zeros((3, 2, 2), np.float32)
    window[:, -1, 1] = [1.0, 2.0, 3.0]
    found = Answers(problem_of("anomaly"), threshold=2.0).decode(np, window, np.zeros((3, 1, 1), np.float32))
    assert found["score"].tolist() == [[1.0], [2.0], [3.0]]
    assert found["is_anomaly"].tolist() == [[False], [False], [True]]


def test_forecasts_are_named():
    output = np.arange(6.0).reshape(1, 1, 2, 3)
    found = Answers(problem_of("forecast", ("a", "b"), gap=1)).decode(np, None, output, lambda values: 2 * values)
    np.testing.assert_array_equal(found["forecast"], [[[2.0, 8.0]]])
    np.testing.assert_array_equal(found["quantiles"], 2 * output)
    plain = Answers(problem_of("forecast")).decode(np, None, output)
    assert list(plain) == ["forecast"]
    assert plain["forecast"] is output


@pytest.mark.parametrize("task", list(TASKS))
def test_keras_and_numpy_name_the_same_outputs_in_the_order_of_the_graph(task: str):
    problem, random = problem_of(task), np.random.default_rng(0)
    window, output = random.normal(size=(5, 6, 2)), random.normal(size=(5, *problem.shape.output))
    told = [Answers(problem, 1.0).decode(library, window, output) for library in (np, ops)]
    assert [list(found) for found in told] == [[tensor.name for tensor in problem.outputs]] * 2
    for tensor in problem.outputs:
        by_numpy, by_keras = (ops.convert_to_numpy(found[tensor.name]) for found in told)
        np.testing.assert_allclose(by_keras, by_numpy, rtol=1e-5)
        assert by_numpy.shape == (5, *tensor.shape)
