"""The learning-rate range test: which rate to begin with, found in a few batches whose weights are thrown away.

Smith 2017 (arXiv:1506.01186, section 3.3), with what fastai made of it: the rate rises exponentially from batch to
batch, the loss is smoothed (an exponential average, corrected for its bias towards 0), and the test ends once the
smoothed loss is more than four times its least. The suggestion is a tenth of the rate at which the smoothed loss is
least: there the loss is about to rise, so that one goes back by an order of magnitude (Gugger 2018, "How do you find a
good learning rate"; fastai's ``minimum``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.acceleration.tensorflow_threads import choose_threads
from zoo.atomic import write_figure
from zoo.models.layer_errors import layers_told
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import NetworkConfig, TrainingConfig
from zoo.training.batches import shuffled_batches
from zoo.training.plan_choice import choose_plan, computed_by
from zoo.training.seeding import alone
from zoo.training.trainer import compiled, drawing, settle
from zoo_registry import Architecture, ConstantSchedule, Hyperparameters
from zoo_registry.errors import TrainingError

LOWEST, HIGHEST, BATCHES = 1e-7, 10.0, 200
SMOOTHING = 0.98
DIVERGED = 4.0  # times the least smoothed loss
BACK = 10.0  # from the rate with the least smoothed loss to the suggestion


@dataclass(frozen=True)
class RateRange:
    """Each batch's rate and the smoothed loss after it, up to where the loss diverged, and what follows from them."""

    suggestion: float
    rates: list[float]
    losses: list[float]

    @property
    def lowest(self) -> int:
        """The number of the batch with the least smoothed loss."""
        return int(np.argmin(self.losses))


def find_rate(
    architecture: Architecture,
    hp: Hyperparameters,
    prepared: Prepared,
    config: TrainingConfig,
    network: NetworkConfig | None = None,
    *,
    batches: int = BATCHES,
) -> RateRange:
    """Train for some batches with a rising rate, whatever the configuration's rate and schedule, and suggest one.

    One seed gives one result on one machine; trainings of this process wait for it. Raises TrainingError where the loss
    never falls, and what :func:`zoo.training.trainer.fit` raises.
    """
    unscheduled = config.model_copy(update={"schedule": ConstantSchedule()})

    def build() -> keras.Model:
        return compiled(architecture, hp, prepared, constant, network).trained

    rates = rising_rates(batches)
    losses: list[float] = []
    with alone():
        choose_threads()
        constant = settle(architecture, hp, prepared, unscheduled, network)
        drawn = drawing(prepared, constant)
        model, windows = build(), prepared.parts["train"]
        plan = choose_plan(model, build, windows, constant.model_copy(update={"autotune": False}))
        with layers_told(model, "trained"), computed_by(plan, model):
            for rate, batch in zip(
                rates.tolist(), shuffled_batches(windows, config.batch_size, config.seed, **drawn), strict=False
            ):
                model.optimizer.learning_rate = rate
                model.reset_metrics()  # else the loss is the mean over all batches so far
                losses.append(float(model.train_on_batch(*batch, return_dict=True)["loss"]))
                if not math.isfinite(losses[-1]) or _diverged(smooth(losses)):
                    break
    return suggest(rates, losses)


def rising_rates(batches: int) -> NDArray[np.float64]:
    """The rate of each batch: evenly spaced on a logarithmic scale."""
    return np.geomspace(LOWEST, HIGHEST, batches)


def smooth(losses: list[float]) -> NDArray[np.float64]:
    """Exponential averages of the losses so far, each divided by the sum of its weights."""
    average, smoothed = 0.0, np.empty(len(losses))
    for number, loss in enumerate(losses):
        average = SMOOTHING * average + (1.0 - SMOOTHING) * loss
        smoothed[number] = average / (1.0 - SMOOTHING ** (number + 1))
    return smoothed


def _diverged(smoothed: NDArray[np.float64]) -> bool:
    """Whether the last loss is too far above the least one, whichever sign that has."""
    least = float(smoothed.min())
    return float(smoothed[-1]) - least > (DIVERGED - 1.0) * abs(least)


def suggest(rates: NDArray[np.float64], losses: list[float]) -> RateRange:
    """A tenth of the rate with the least smoothed loss; raises TrainingError where no loss is below the first one's."""
    smoothed = smooth(losses)
    smoothed = smoothed[np.isfinite(smoothed)]
    if len(smoothed) == 0:
        raise TrainingError(
            f"`find_lr`: the loss is {losses[0]} before the network has learned anything, so that no rate can be"
            " suggested; try another `scaler` or `loss`"
        )
    lowest = int(np.argmin(smoothed))
    if lowest == 0:
        raise TrainingError(
            f"`find_lr`: the loss fell at no rate from {rates[0]:g} to {rates[len(smoothed) - 1]:g}, so that none can"
            " be suggested; try a larger `batch_size`, or another `loss` or `scaler`"
        )
    return RateRange(float(rates[lowest]) / BACK, rates[: len(smoothed)].tolist(), smoothed.tolist())


def draw(found: RateRange, path: Path) -> None:
    """Draw the smoothed loss against the rate, with the suggestion marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot(found.rates, found.losses, color="#4477aa")
    axes.plot(found.rates[found.lowest], found.losses[found.lowest], "o", color="#4477aa", label="least loss")
    axes.axvline(found.suggestion, color="#bb5566", linestyle="--", label=f"suggestion: {found.suggestion:.2g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss, smoothed")
    axes.set_ylim(top=2 * found.losses[0] - min(found.losses))  # where it diverges says nothing more
    axes.legend()
    write_figure(path, figure)
