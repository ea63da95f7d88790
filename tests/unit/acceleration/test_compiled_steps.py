"""Several steps in one call: as many as an epoch has, in the same order, with the same results."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.acceleration.compiled_steps import several_steps

VALUES = np.arange(35, dtype=np.float32)[:, None] / 35


def trained(
    steps_per_execution: int | None, jit: bool = False, total: int | None = None
) -> tuple[keras.Model, dict[str, list[float]], list[int]]:
    """Three epochs of seven batches, and the numbers of steps after which the callbacks heard of it."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=["mae"])
    heard: list[int] = []
    listener = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: heard.append(batch))
    batches = tf.data.Dataset.from_tensor_slices((VALUES, 3 * VALUES)).batch(5).repeat()
    settings = {"epochs": 3, "steps_per_epoch": 7, "callbacks": [listener], "shuffle": False, "verbose": 0}
    checked = tf.data.Dataset.from_tensor_slices((VALUES, VALUES)).batch(4)
    if steps_per_execution is None:
        history = model.fit(batches, validation_data=checked, **settings)
    else:
        with several_steps(model, steps_per_execution, 7, jit=jit, total=total):
            history = model.fit(batches, validation_data=checked, **settings)
        assert model.steps_per_execution == 1
    return model, history.history, heard


@pytest.mark.parametrize(
    ("steps_per_execution", "jit", "rel"),
    [(1, False, 1e-6), (3, False, 1e-6), (7, False, 1e-6), (50, False, 1e-6), (3, True, 1e-5)],
)
def test_the_same_as_one_by_one(steps_per_execution, jit, rel):
    expected, expected_history, _ = trained(None)
    found, history, heard = trained(steps_per_execution, jit)
    assert history.keys() == expected_history.keys()
    for name, values in expected_history.items():
        assert history[name] == pytest.approx(values, rel=rel)
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        assert one == pytest.approx(other, rel=rel)
    assert int(found.optimizer.iterations) == 21
    assert len(heard) == 3 * -(-7 // steps_per_execution)


@pytest.mark.parametrize("steps_per_execution", [1, 3, 50])
def test_no_more_steps_than_in_total(steps_per_execution):
    """The last epoch is shorter, and its figures are of its own steps."""
    whole, expected, _ = trained(1, total=16)
    found, history, _ = trained(steps_per_execution, total=16)
    assert int(found.optimizer.iterations) == 16
    for one, other in zip(found.get_weights(), whole.get_weights(), strict=True):
        assert one == pytest.approx(other, rel=1e-6)
    assert history["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert len(history["val_loss"]) == 3
