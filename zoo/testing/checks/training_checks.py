"""Training: it learns a learnable toy series, one seed gives one result, and dropout works."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.testing.bench import (
    EPOCHS,
    STATED_BATCH,
    Bench,
    FirstEpoch,
    default_network,
    losses_of_steps,
    noise,
)
from zoo.testing.outcomes import Findings, NotApplicableError
from zoo_registry.errors import ConfigError

STEPS, CALLS = 10, 30
DROPOUT = {"dropout": 0.3, "recurrent_dropout": 0.2}
LONG_HORIZON = 9  # more than a short segment, and no multiple of most


def check_loss_falls(bench: Bench) -> Findings:
    """Training on a learnable series brings the validation loss down by a tenth at least."""
    losses = bench.training.fitted.history["val_loss"]
    assert losses[0] - min(losses) > 0.1 * abs(losses[0]), (  # a likelihood's may be negative
        f"the validation loss does not fall by a tenth in {EPOCHS} epochs: {losses[0]:.4g} to {min(losses):.4g}"
    )
    return Findings({"loss": [losses[0], min(losses)]})


def check_seed(bench: Bench) -> None:
    """Two trainings with one seed have bit-equal weights after an epoch; another seed draws others."""
    first, again = bench.training.first_epoch, FirstEpoch(stop=True)
    bench.train(again)
    same = len(first) == len(again.weights) and all(map(np.array_equal, first, again.weights))
    assert same, "two trainings with one seed differ after their first epoch"
    one, two = (bench.fresh(seed).get_weights() for seed in (1, 2))
    if bench.architecture.pretrained is None:
        assert any((a != b).any() for a, b in zip(one, two, strict=True)), "the seed has no effect on the weights"


def check_gradients(bench: Bench) -> None:
    """Each trainable weight of the trained network has a gradient of its loss, which is not 0 everywhere."""
    gradients = bench.gradients()
    without = [path for path, gradient in gradients.items() if gradient is None or not np.any(gradient)]
    assert not without, f"the loss has no gradient by {', '.join(without)}: the training cannot change it"


def check_dropout(bench: Bench) -> None:
    """Steps with dropout on give finite losses: for three targets, read together or one by one, whole and in parts."""
    dropout_steps(bench)


def dropout_steps(bench: Bench) -> None:
    """Take them once, for all checks with dropout; raises as :func:`check_dropout` does."""
    bench.once("the training with dropout", lambda: _dropout_steps(bench))


def _dropout_steps(bench: Bench) -> bool:
    architecture, task = bench.architecture, bench.first_task
    shape = bench.shape(task, n_features=3, horizon=LONG_HORIZON, n_targets=3)
    shared = None not in shape.target_columns
    for rates, channels, parts in (
        (DROPOUT, "joint", 1),
        ({"dropout": DROPOUT["dropout"]}, "shared" if shared else "joint", 2),
    ):
        known = {name: rate for name, rate in rates.items() if name in architecture.hyperparameters.model_fields}
        try:
            losses = losses_of_steps(architecture, bench.configured(known), shape, channels=channels, parts=parts)
        except ConfigError as refusal:
            raise NotApplicableError(f"the architecture refuses three targets: {refusal}") from refusal
        where = (
            f"{channels} channels, {parts} part(s) of a batch, {', '.join(known) or 'no hyperparameter for dropout'}"
        )
        assert np.isfinite(losses).all(), f"the losses of training steps are {losses} ({where})"
    return True


def check_time(bench: Bench) -> Findings:
    """Milliseconds of a training step and of one window, with default hyperparameters at the stated shape."""
    network = default_network(bench.architecture)
    if network is None:
        raise NotApplicableError("the default hyperparameters do not fit a window of 96 steps and a horizon of 96")
    inputs, targets = noise(STATED_BATCH, *network.input_shape[1:]), noise(STATED_BATCH, *network.output_shape[1:])
    network.compile(optimizer="adam", loss="mse")
    steps = [_timed(lambda: network.train_on_batch(inputs, targets)) for _ in range(STEPS + 1)]
    call = tf.function(lambda window: network(window, training=False), autograph=False)
    calls = [_timed(lambda: call(inputs[:1]).numpy()) for _ in range(CALLS + 1)]
    return Findings(  # the first of each compiles
        {
            "train_step_ms": round(statistics.median(steps[1:]) * 1e3, 3),
            "window_ms": round(statistics.median(calls[1:]) * 1e3, 3),
            "stated": f"{network.input_shape[1]} steps of {network.input_shape[2]} features to"
            f" {network.output_shape[1:]}, batches of {STATED_BATCH}, Keras' own training step",
        }
    )


def _timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
