"""Learning-rate schedules against their formulas, written out here, and as the optimizer uses them."""

from __future__ import annotations

import copy
from typing import get_args

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.settings.schema import TrainingConfig
from zoo.training.schedules import RecordRate, make_rate, schedule_callbacks
from zoo.training.step_count import total_steps
from zoo.training.trainer import fit
from zoo_registry import (
    SCHEDULES,
    ConstantSchedule,
    CosineSchedule,
    CyclicalSchedule,
    ExponentialSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    Schedule,
)
from zoo_registry.errors import ConfigError

TOTAL = 400


def exponential(schedule, total, t):
    return schedule.rate ** (t / schedule.steps)


def cosine(schedule, total, t):
    if t < schedule.warmup:
        return t / schedule.warmup
    u = t - schedule.warmup
    length, height = schedule.steps or total - schedule.warmup, 1.0
    if not schedule.restarts:
        u = min(u, length)
    while schedule.restarts and u >= length:  # one cycle after the other
        u, length, height = u - length, length * schedule.length, height * schedule.height
    return schedule.floor + (1 - schedule.floor) * height * (1 + np.cos(np.pi * u / length)) / 2


def cyclical(schedule, total, t):
    cycle, place = divmod(t, 2 * schedule.steps)
    height = min(place, 2 * schedule.steps - place) / schedule.steps
    scale = {"triangular": 1, "triangular2": 0.5**cycle, "exp-range": schedule.gamma**t}[schedule.mode]
    return schedule.low + (1 - schedule.low) * height * scale


def one_cycle(schedule, total, t):
    steps = schedule.steps or total
    up = schedule.warmup * steps
    if t < up:
        return 1 + (schedule.start - 1) * (1 + np.cos(np.pi * t / up)) / 2
    done = min((t - up) / (steps - up), 1)
    return schedule.end + (1 - schedule.end) * (1 + np.cos(np.pi * done)) / 2


FORMULAS = {
    "constant": lambda schedule, total, t: 1.0,
    "exponential": exponential,
    "cosine": cosine,
    "cyclical": cyclical,
    "one-cycle": one_cycle,
}
GIVEN = [
    ConstantSchedule(),
    ExponentialSchedule(steps=50, rate=0.5),
    CosineSchedule(),
    CosineSchedule(steps=100, floor=0.1),
    CosineSchedule(warmup=30),
    CosineSchedule(steps=100, warmup=30, floor=0.01),
    CosineSchedule(steps=7, restarts=True),
    CosineSchedule(steps=10, warmup=5, restarts=True, length=1, height=0.5, floor=0.1),
    CosineSchedule(steps=4, restarts=True, length=1.5, height=0.9),
    CyclicalSchedule(steps=25),
    CyclicalSchedule(steps=25, mode="triangular2", low=0),
    CyclicalSchedule(steps=3, mode="exp-range", gamma=0.99),
    OneCycleSchedule(),
    OneCycleSchedule(steps=150, warmup=0.5, start=0.2, end=0.01),
    OneCycleSchedule(warmup=0),
]
fraction = st.integers(0, 99).map(lambda part: part / 100)
share = fraction.map(lambda part: part + 0.01)
steps = st.integers(1, 500)
restarts = st.fixed_dictionaries(
    {
        "restarts": st.just(True),
        "steps": steps,
        "length": st.sampled_from([1.0, 1.25, 2.0, 3.0]),
        "height": share,
        "warmup": st.integers(0, 50),
        "floor": fraction,
    }
)
ANY = st.one_of(
    st.builds(ExponentialSchedule, steps=steps, rate=share),
    st.builds(CosineSchedule, steps=st.integers(0, 500), warmup=st.integers(0, TOTAL - 1), floor=fraction),
    restarts.map(lambda values: CosineSchedule(**values)),
    st.builds(CyclicalSchedule, mode=st.sampled_from(["triangular", "triangular2"]), low=fraction, steps=steps),
    st.builds(CyclicalSchedule, mode=st.just("exp-range"), low=fraction, steps=steps, gamma=share),
    st.builds(OneCycleSchedule, steps=st.integers(0, 500), warmup=fraction, start=share, end=fraction),
)


def formula(schedule, rate, at):
    return np.array([rate * FORMULAS[schedule.kind](schedule, TOTAL, int(t)) for t in at])


def in_keras(schedule, rate, at):
    """The rates that an optimizer would use."""
    made = make_rate(schedule, rate, TOTAL)
    return np.array([float(made(keras.ops.convert_to_tensor(t, "int64")) if callable(made) else made) for t in at])


def test_every_kind_is_known():
    union, _ = get_args(Schedule)
    assert {kind: schedule().kind for kind, schedule in SCHEDULES.items()} == {kind: kind for kind in SCHEDULES}
    assert set(SCHEDULES.values()) == set(get_args(union))
    assert set(FORMULAS) == set(SCHEDULES) - {"plateau"}


@pytest.mark.parametrize("schedule", GIVEN, ids=repr)
def test_rates(schedule):
    some = [0, 1, 2, 4, 7, 9, 10, 15, 21, 25, 49, 50, 75, 100, 130, 200, 399, 400, 449]
    np.testing.assert_allclose(in_keras(schedule, 0.02, some), formula(schedule, 0.02, some), rtol=2e-5, atol=1e-8)


@given(schedule=ANY, rate=st.sampled_from([1e-4, 0.01, 1.0]), at=st.lists(st.integers(0, 2000), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_rates_of_any_schedule(schedule, rate, at):
    expected = formula(schedule, rate, at)
    np.testing.assert_allclose(in_keras(schedule, rate, at), expected, rtol=1e-4, atol=1e-6 * rate)
    assert (expected <= rate * (1 + 1e-12)).all(), "the rate that was asked for is the highest"


def test_milestones():
    def at(schedule, *when):
        return in_keras(schedule, 1.0, when).tolist()

    floored = CosineSchedule(warmup=100, floor=0.1)
    assert at(floored, 0, 50, 100, 250, 400, 500) == pytest.approx([0, 0.5, 1, 0.55, 0.1, 0.1])
    cycles = CosineSchedule(steps=10, restarts=True, height=0.5)
    assert at(cycles, 0, 5, 10, 20, 30, 70) == pytest.approx([1, 0.5, 0.5, 0.25, 0.25, 0.125])
    assert at(CyclicalSchedule(steps=10, low=0.2), 0, 5, 10, 15, 20, 30) == pytest.approx([0.2, 0.6, 1, 0.6, 0.2, 1])
    assert at(OneCycleSchedule(), 0, 60, 120, 400) == pytest.approx([0.04, 0.52, 1, 4e-6])


@pytest.mark.parametrize("length", [1.0, 2.0, 3.0, 5.0])
def test_a_restart_is_at_its_step_however_many_there_were(length):
    schedule = CosineSchedule(steps=7, restarts=True, length=length, height=1.0)
    starts, cycle = [0.0], 7.0
    while starts[-1] < 5e6 and len(starts) < 2000:
        starts.append(starts[-1] + cycle)
        cycle *= length
    rate = make_rate(schedule, 1.0, 1)  # of all steps at once
    np.testing.assert_allclose(rate(np.array(starts, np.int64)), 1.0, rtol=0, atol=1e-7)
    assert (np.asarray(rate(np.array(starts[1:], np.int64) - 1)) < 0.1).all()


@pytest.mark.parametrize("schedule", GIVEN, ids=repr)
def test_a_schedule_survives_keras_saving(schedule):
    optimizer = keras.optimizers.SGD(make_rate(schedule, 0.02, TOTAL))
    told = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(copy.deepcopy(told))  # Keras changes what it reads
    assert keras.saving.serialize_keras_object(again) == told
    for step in (0, 3, 26, 399):
        for made in (optimizer, again):
            made.iterations.assign(step)
        assert float(again.learning_rate) == float(optimizer.learning_rate)


def test_a_schedule_survives_a_models_file(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(make_rate(CyclicalSchedule(steps=5), 0.1, TOTAL)), "mse")
    model.train_on_batch(np.ones((1, 1)), np.ones((1, 1)))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert int(again.optimizer.iterations) == 1
    again.optimizer.iterations.assign(5)
    assert float(again.optimizer.learning_rate) == pytest.approx(0.1)


def test_a_warm_up_that_leaves_nothing():
    for schedule in (CosineSchedule(warmup=99), CosineSchedule(steps=5, warmup=100), OneCycleSchedule()):
        make_rate(schedule, 0.1, 100)
    with pytest.raises(ConfigError, match="a warm-up of 100 steps leaves nothing of the training, which has 100"):
        make_rate(CosineSchedule(warmup=100), 0.1, 100)


@pytest.mark.parametrize(("windows", "expected"), [(1, 3), (32, 3), (33, 6), (64, 6)])
def test_the_steps_of_a_training(windows, expected):
    assert total_steps(TrainingConfig(batch_size=32, epochs=3), windows) == expected


# ---------------------------------------------------------------------------------------------------------------------
# In a training


def falling(hp, shape):
    """A network with one weight, at 0, whose gradient is 1 by the loss ``weight``."""
    window = keras.Input(shape.input)
    flat = keras.layers.Flatten()(window)[:, :1] * 0 + 1
    weight = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="weight")(flat)
    return keras.Model(window, keras.layers.Reshape(shape.output)(keras.layers.Dense(3, trainable=False)(weight)))


class Weights(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.values = [0.0]

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(float(self.model.get_layer("weight").kernel.numpy().item()))


@pytest.mark.parametrize("schedule", [*GIVEN, PlateauSchedule()], ids=repr)
def test_the_optimizer_uses_the_formula(make_architecture, prepared, schedule):
    def loss(hp, context):
        # the gradient of the only weight is 1: minus the output's by its kernel, whatever that is
        return lambda y_true, y_pred: keras.ops.mean(y_pred, axis=(1, 2)) / scale[0]

    scale = []

    def build(hp, shape):
        model = falling(hp, shape)
        scale.append(float(model.layers[-2].kernel.numpy().mean()))
        return model

    settings = {"optimizer": "sgd", "epochs": 3, "batch_size": 10, "loss": "architecture", "patience": 0}
    settings["steps_per_execution"] = 1  # the weights are looked at after each
    config = TrainingConfig(learning_rate=0.02, schedule=schedule, **settings)
    architecture, weights = make_architecture(build, loss=loss), Weights()
    fitted = fit(architecture, architecture.configure({}), prepared, config, [weights])
    total = total_steps(config, len(prepared.parts["train"]))
    assert len(weights.values) == total + 1
    used = -np.diff(weights.values)
    if isinstance(schedule, PlateauSchedule):
        expected = np.full(total, 0.02)  # the loss falls all the time
    else:
        expected = np.array([0.02 * FORMULAS[schedule.kind](schedule, total, t) for t in range(total)])
    np.testing.assert_allclose(used, expected, rtol=1e-4, atol=2e-7)
    assert fitted.history["learning_rate"] == pytest.approx(expected[total // 3 - 1 :: total // 3].tolist(), rel=1e-5)


def reduced(schedule, losses, rate=0.1):
    """The rate in force in each epoch, for validation losses that are what they are."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    made = make_rate(schedule, rate, TOTAL)
    model.compile(keras.optimizers.SGD(made), "mse")
    recorder, *others = callbacks = [RecordRate(made), *schedule_callbacks(schedule, rate)]
    for callback in callbacks:
        callback.set_model(model)
        callback.set_params({"steps": 2})
        callback.on_train_begin()
    rates = []
    for epoch, loss in enumerate(losses):
        recorder.on_train_batch_begin(1)
        logs = {"val_loss": loss}
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
        rates.append(logs["learning_rate"])
    assert len(others) == isinstance(schedule, PlateauSchedule)
    return rates


@pytest.mark.parametrize(
    ("schedule", "losses", "expected"),
    [
        (PlateauSchedule(patience=2), [5, 4, 4, 4, 4, 4], [1, 1, 1, 1, 0.5, 0.5]),
        (PlateauSchedule(patience=1, factor=0.1, floor=0.05), [4, 4, 4, 4], [1, 1, 0.1, 0.05]),
        (PlateauSchedule(patience=1, min_delta=0.5), [4, 3.6, 3.4, 3.0], [1, 1, 0.5, 0.5]),
        (PlateauSchedule(patience=1, min_delta=0), [4, 3.999, 3.998, 3.997], [1, 1, 1, 1]),
        (ConstantSchedule(), [4, 4, 4, 4], [1, 1, 1, 1]),
    ],
)
def test_plateaus(schedule, losses, expected):
    assert reduced(schedule, losses) == pytest.approx([0.1 * part for part in expected])
