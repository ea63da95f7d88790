"""Measure a network's test forecasts beside the baselines', and say in words which is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.splits import TRAIN_ALONE
from zoo.data.windows import Windows
from zoo.evaluation.baselines import last_value, seasonal_rows
from zoo.evaluation.details import Details
from zoo.evaluation.headline import FORECAST_MEASURES, outcomes, told
from zoo.evaluation.metrics import ForecastErrors, QuantileErrors, naive_scales
from zoo.evaluation.shared_ridge import fitting_ridge
from zoo.preprocessing.prepared import Prepared
from zoo_registry.errors import DataError

NETWORK, TRAIN_MEAN, LAST_VALUE, SEASONAL, RIDGE = "network", "train mean", "last value", "seasonal naive", "ridge"

Forecaster = Callable[[slice], NDArray[Any]]  # numbers of test windows -> (n, horizon, n_targets) in original units


def evaluate(
    forecasts: Iterable[NDArray[Any]],
    prepared: Prepared,
    *,
    past: bool = True,
    shared: bool = False,
    details: Details | None = None,
) -> dict[str, Any]:
    """Compare test forecasts in original units, (n, *prepared.shape.output) at a time, with baselines.

    Of quantiles the middle one is the forecast. ``past`` says that the targets' past is known to who forecasts: without
    it the mean of the train rows stands in for the last value and season. ``shared``: each of the targets is forecast
    from its own window, and so by ridge regression. What was filled is no truth, and test windows
    whose horizon holds it are left out.

    Returns ``windows`` and ``left_out`` (their numbers), ``network`` and ``baselines``, each measured by
    :class:`ForecastErrors`, ``unit`` (what each target's scaled errors were divided by), ``by_step`` (the scaled MAE of
    each step of the horizon, by forecast), ``quantiles`` by :class:`QuantileErrors`, ``skipped`` (baseline -> reason)
    and ``verdict``. ``details`` takes in the same forecasts, for a report. Raises DataError where no test window has a
    whole truth.
    """
    history, raw, test, middle = prepared.history, prepared.truth, prepared.parts["test"], prepared.middle
    targets, quantiles = prepared.preprocessor.targets_, prepared.shape.quantiles
    baselines, skipped = _baselines(prepared, history, raw, past=past, shared=shared)
    errors = {name: ForecastErrors(targets.names) for name in (NETWORK, *baselines)}
    spread = QuantileErrors(quantiles, len(targets.names))
    start = 0
    for output in forecasts:
        numbers = slice(start, start + len(output))
        start += len(output)
        made = {NETWORK: output if middle is None else output[..., middle]}
        made |= {name: baseline(numbers) for name, baseline in baselines.items()}
        rows = test.target_rows(numbers)
        whole = ~np.isnan(raw[rows]).any(axis=(1, 2))
        truth = history[rows][whole]
        for name, forecast in made.items():
            errors[name].add(truth, forecast[whole])
        if middle is not None:
            spread.add(truth, output[whole])
        if details is not None:
            details.add(numbers, made, NETWORK, None if middle is None else output)
    if not (windows := errors[NETWORK].windows):
        raise DataError("every test window has a missing target, so there is no truth to measure; give another `split`")
    naive = naive_scales([history[rows.start : rows.stop] for rows in prepared.rows("train")])
    measured = {name: found.measured(naive=naive, scale=targets.unit) for name, found in errors.items()}
    network = measured.pop(NETWORK)
    return {
        "windows": windows,
        "left_out": len(test) - windows,
        "season": prepared.season,
        "unit": dict(zip(targets.names, targets.unit.tolist(), strict=True)),
        "network": network,
        "baselines": measured,
        "by_step": {name: found.by_step(targets.unit) for name, found in errors.items()},
        "skipped": skipped,
        "quantiles": None if middle is None else spread.measured(targets.unit),
        "verdict": verdict(network, measured),
    }


def _baselines(
    prepared: Prepared, history: NDArray[Any], raw: NDArray[Any], *, past: bool, shared: bool
) -> tuple[dict[str, Forecaster], dict[str, str]]:
    """The baselines, fitted, and the reasons why others cannot be computed."""
    parts, targets, season = prepared.parts, prepared.preprocessor.targets_, prepared.season
    test = parts["test"]
    baselines: dict[str, Forecaster] = {}
    skipped: dict[str, str] = {}
    if not past:
        mean = _mean(raw, prepared.rows("train"))
        baselines[TRAIN_MEAN] = lambda numbers: np.broadcast_to(mean, (len(test.starts(numbers)), 1, len(mean)))
    else:
        baselines[LAST_VALUE] = lambda numbers: last_value(history, test.last_rows(numbers), test.horizon)
        if (reason := _no_season(test, list(prepared.table.series.values()), season)) is not None:
            skipped[SEASONAL] = reason
        elif season is not None:
            baselines[SEASONAL] = lambda numbers: history[
                seasonal_rows(test.origins(numbers), test.last_rows(numbers), test.horizon, season)
            ]
    made, reason = fitting_ridge(parts["train"], prepared.shape.target_columns, shared=shared)
    if made is None:
        skipped[RIDGE] = reason
    else:
        ridge = made.fit(parts["train"], parts["validation"], parts.get(TRAIN_ALONE))
        baselines[RIDGE] = lambda numbers: targets.inverse_transform(ridge.predict(test, numbers))
    return baselines, skipped


def _no_season(test: Windows, series: Sequence[range], season: int | None) -> str | None:
    """Why the seasonal naive forecast cannot be computed, or None."""
    if season is None:
        return "no season is known; give one with `season`"
    first_rows = np.array([rows.start for rows in series])
    for numbers in test.batches(2**16):
        origins = test.origins(numbers)
        earliest = seasonal_rows(origins, test.last_rows(numbers), test.horizon, season).min(axis=1)
        begin = first_rows[np.searchsorted(first_rows, origins, side="right") - 1]
        if len(short := np.flatnonzero(earliest < begin)):
            rows = int(origins[short[0]] - begin[short[0]])
            return f"the season of {season} rows is longer than the {rows} rows before the test part"
    return None


def _mean(raw: NDArray[Any], train: Sequence[range]) -> NDArray[np.float64]:
    """The mean of the train targets, of those that are known."""
    parts = [raw[rows.start : rows.stop] for rows in train]
    sums = sum(np.nansum(part, axis=0, dtype=np.float64) for part in parts)
    mean: NDArray[np.float64] = np.asarray(sums) / sum((~np.isnan(part)).sum(axis=0) for part in parts)
    return mean


def verdict(network: dict[str, Any], baselines: dict[str, Any]) -> str:
    """One sentence on the scaled MAE: which baselines the network beats, equals and loses to, and by how much."""
    found = outcomes({"network": network, "baselines": baselines}, FORECAST_MEASURES)
    return f"On the test split's MAE the network {told(found)}."
