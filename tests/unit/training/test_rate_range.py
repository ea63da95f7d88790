"""The learning-rate range test: its smoothing, its rule, where it stops, and that it is the same each time."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from zoo.settings.schema import TrainingConfig
from zoo.training.batches import shuffled_batches
from zoo.training.rate_range import BATCHES, RateRange, draw, find_rate, rising_rates, smooth, suggest
from zoo.training.trainer import compiled
from zoo_registry.errors import TrainingError


def linear(hp, shape):
    window = keras.Input(shape.input)
    flat = keras.layers.Flatten()(window)
    return keras.Model(window, keras.layers.Reshape(shape.output)(keras.layers.Dense(3)(flat)))


@pytest.fixture
def find(make_architecture, prepared):
    """Test the rates of a linear network."""

    def find(batches=BATCHES, **settings):
        architecture = make_architecture(linear)
        config = TrainingConfig(**({"optimizer": "sgd"} | settings))
        return find_rate(architecture, architecture.configure({}), prepared, config, batches=batches)

    return find


def test_smoothing_is_without_bias():
    losses = np.random.default_rng(0).normal(size=50) + 3
    weights = [0.98 ** np.arange(count)[::-1] for count in range(1, 51)]
    expected = [np.average(losses[: len(part)], weights=part) for part in weights]
    np.testing.assert_allclose(smooth(losses.tolist()), expected)
    np.testing.assert_allclose(smooth([5.0] * 9), 5.0)


def test_the_suggestion_is_a_tenth_of_the_rate_with_the_least_smoothed_loss():
    rates = rising_rates(100)
    losses = [1.0] * 50 + [0.1] * 30 + [3.0] * 5 + [float("nan")]
    found = suggest(rates, losses)
    assert found.lowest == 79
    assert found.suggestion == pytest.approx(rates[79] / 10)
    assert (len(found.rates), len(found.losses)) == (85, 85)
    np.testing.assert_allclose(found.losses, smooth(losses[:85]))


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ([1.0, 2.0, 3.0], "the loss fell at no rate from 1e-07 to "),
        ([1.0, float("inf")], "the loss fell at no rate from 1e-07 to 1e-07"),
        ([float("nan")], "the loss is nan before the network has learned anything"),
    ],
)
def test_nothing_to_suggest(losses, told):
    with pytest.raises(TrainingError, match=f"^`find_lr`: {told}.*; try "):
        suggest(rising_rates(100), losses)


def test_a_good_rate_is_found(find):
    found = find()
    assert len(found.rates) == len(found.losses) < BATCHES, "it stops where the loss diverges"
    np.testing.assert_allclose(found.rates, rising_rates(BATCHES)[: len(found.rates)])
    least = min(found.losses)
    assert found.losses[-1] > 4 * least
    assert max(found.losses[:-1]) <= 4 * least or found.losses.index(max(found.losses[:-1])) < found.lowest
    assert found.suggestion == pytest.approx(found.rates[found.lowest] / 10)
    assert 1e-4 < found.suggestion < 1


def test_it_is_the_same_each_time_whatever_the_rate_and_the_schedule(find):
    found = find(batches=30)
    assert find(batches=30) == found
    assert find(batches=30, learning_rate=1.0, schedule="one-cycle") == found
    assert find(batches=30, schedule="plateau") == found
    assert find(batches=30, seed=1) != found
    assert find(batches=30, optimizer="adam") != found


def test_each_batch_has_its_own_loss_and_its_rate(make_architecture, prepared, monkeypatch):
    """Keras itself would report the mean over all batches so far."""
    models = []

    def keep(*arguments):
        found = compiled(*arguments)
        models.append(found.trained)
        return found

    monkeypatch.setattr("zoo.training.rate_range.compiled", keep)

    def loss(hp, context):
        return lambda y_true, y_pred: keras.ops.mean(y_true**2 + 0 * y_pred, axis=(1, 2))

    architecture = make_architecture(linear, loss=loss)
    config = TrainingConfig(optimizer="sgd", loss="architecture", batch_size=8, seed=3)
    found = find_rate(architecture, architecture.configure({}), prepared, config, batches=10)
    batches = shuffled_batches(prepared.parts["train"], 8, 3).take(10)
    expected = [float(np.square(outputs).mean()) for _, outputs in batches.as_numpy_iterator()]
    np.testing.assert_allclose(found.losses, smooth(expected), rtol=1e-5)
    (model,) = models
    assert float(model.optimizer.learning_rate) == pytest.approx(10)
    assert int(model.optimizer.iterations) == 10


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_picture(tmp_path, suffix):
    rates = rising_rates(40).tolist()
    draw(RateRange(1e-3, rates, [*np.linspace(1, 0.2, 35).tolist(), 1, 2, 4, 8, 16]), tmp_path / f"picture{suffix}")
    assert (tmp_path / f"picture{suffix}").stat().st_size > 1000


FLAGS = ("train", "basic", "--target", "load", "--window", 8, "--horizon", 3, "--set", "units=2", "--batch-size", 16)


def test_the_command(zoo_command, series_file, tmp_path):
    done = zoo_command(*FLAGS, "--data", series_file, "--find-lr", "--json", "--plot", "find-lr.png")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert set(told) == {"suggestion", "rates", "losses"}
    assert told["suggestion"] == pytest.approx(told["rates"][int(np.argmin(told["losses"]))] / 10)
    assert done.stderr.splitlines()[1:] == ["drawn: find-lr.png"]
    assert done.stderr.startswith("windows are normalized by ")
    assert {path.name for path in tmp_path.iterdir()} == {"series.csv", "find-lr.png"}

    again = zoo_command(*FLAGS, "--data", series_file, "--find-lr").stdout
    assert again.startswith(f"suggested: --learning-rate {told['suggestion']:.2g}, a tenth of the rate with the least")
    assert len(again.splitlines()) == 1
