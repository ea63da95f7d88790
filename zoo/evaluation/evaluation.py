"""Measure a network's test forecasts beside the baselines', and say in words which is better."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.windows import Windows
from zoo.evaluation.baselines import RIDGE_MAX_INPUTS, RidgeBaseline, last_value, seasonal_naive
from zoo.evaluation.metrics import forecast_metrics, naive_scales
from zoo.preprocessing.preprocessor import ScaledColumns
from zoo_registry.errors import DataError

LAST_VALUE, SEASONAL, RIDGE = "last value", "seasonal naive", "ridge"


def horizon_rows(rows: NDArray[Any], windows: Windows) -> NDArray[Any]:
    """The rows that each window forecasts: (rows, n_targets) -> (n_windows, horizon, n_targets)."""
    return np.take(rows, windows.origins[:, None] + np.arange(windows.horizon), axis=0)


def evaluate(
    forecast: NDArray[np.float64],
    *,
    history: NDArray[np.float64],
    parts: dict[str, Windows],
    targets: ScaledColumns,
    target_columns: tuple[int | None, ...],
    train: range,
    season: int | None,
    filled: NDArray[np.bool_],
) -> dict[str, Any]:
    """Compare test forecasts, (n_windows, horizon, n_targets) in original units, with the three baselines.

    ``history`` holds the targets of all rows, (rows, n_targets) in original units; ``filled`` marks those that were
    missing and are no truth: test windows whose horizon holds one are left out. Returns ``windows`` and ``left_out``
    (their numbers), ``network`` and ``baselines``, each measured by :func:`forecast_metrics`, ``skipped`` (baseline ->
    reason) and ``verdict``. Raises DataError where no test window has a whole truth.
    """
    test, horizon = parts["test"], parts["test"].horizon
    forecasts, skipped = {LAST_VALUE: last_value(history, test.origins, horizon)}, {}
    if (inputs := test.window * test.features.shape[1]) > RIDGE_MAX_INPUTS:
        skipped[RIDGE] = f"window times features is {inputs}, more than {RIDGE_MAX_INPUTS}"
    else:
        ridge = RidgeBaseline(target_columns).fit(parts["train"], parts["validation"])
        forecasts[RIDGE] = targets.inverse_transform(ridge.predict(test))
    if season is None:
        skipped[SEASONAL] = "no season is known; give one with --season"
    elif season > test.origins[0]:
        skipped[SEASONAL] = (
            f"the season of {season} rows is longer than the {test.origins[0]} rows before the test part"
        )
    else:
        forecasts[SEASONAL] = seasonal_naive(history, test.origins, horizon, season)

    whole = ~horizon_rows(filled, test).any(axis=(1, 2))
    if not whole.any():
        raise DataError("every test window has a missing target, so there is no truth to measure; give another --split")
    truth, naive = horizon_rows(history, test)[whole], naive_scales(history[train.start : train.stop])

    def measure(values: NDArray[np.float64]) -> dict[str, Any]:
        return forecast_metrics(truth, values[whole], names=targets.names, naive=naive, scale=targets.unit)

    network = measure(forecast)
    baselines = {name: measure(forecasts[name]) for name in (LAST_VALUE, SEASONAL, RIDGE) if name in forecasts}
    return {
        "windows": int(whole.sum()),
        "left_out": int((~whole).sum()),
        "season": season,
        "network": network,
        "baselines": baselines,
        "skipped": skipped,
        "verdict": verdict(network, baselines),
    }


def verdict(network: dict[str, Any], baselines: dict[str, Any]) -> str:
    """One sentence on the scaled MAE: which baselines the network beats, and by how much it loses to the others."""
    own, wins, losses = network["scaled"]["mae"], [], []
    for name, measured in baselines.items():
        error = measured["scaled"]["mae"]
        if own < error:
            wins.append(f"{name} by {1 - own / error:.1%}")
        elif error == 0:
            losses.append(f"{name} (which makes no error)")
        else:
            losses.append(
                f"{name} by {own / error - 1:.1%}" if own < 2 * error else f"{name} ({own / error:.1f} times its error)"
            )
    parts = [f"beats {', '.join(wins)}"] if wins else []
    parts += [f"loses to {', '.join(losses)}"] if losses else []
    return f"On the test split's MAE the network {' but '.join(parts)}."
