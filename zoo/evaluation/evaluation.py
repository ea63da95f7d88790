"""Measure a network's test forecasts beside the baselines', and say in words which is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.intervals import intersect, intervals, rows_of
from zoo.data.splits import TRAIN_ALONE
from zoo.data.storage import row_blocks
from zoo.data.windows import Windows, seasonal_rows
from zoo.evaluation.baselines import last_value, seasonal_naive
from zoo.evaluation.details import Details, SeriesDetails, window_excerpt
from zoo.evaluation.headline import SERIES_MEASURES, forecast_measures, headline, outcomes, told
from zoo.evaluation.metrics import ForecastErrors, QuantileErrors, seasonal_changes
from zoo.evaluation.series_errors import SeriesErrors, named
from zoo.evaluation.shared_ridge import fitting_ridge
from zoo.evaluation.worst_windows import WorstWindows
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
    and ``verdict``. Of one series, ``naive`` has MASE's denominators. Of several, ``series`` is as
    :meth:`SeriesErrors.summary` has it, with ``partly`` (baseline -> which series it is not for, and why), network and
    baselines have ``series`` as :meth:`SeriesErrors.measured` has it, and their targets' MASE and sMAPE are means over
    the series. ``details`` takes in the same forecasts, for a report. Raises DataError where no test window has a whole
    truth.
    """
    history, raw, test, middle = prepared.history, prepared.truth, prepared.parts["test"], prepared.middle
    targets, quantiles, starts = prepared.preprocessor.targets_, prepared.shape.quantiles, prepared.table.starts
    baselines, skipped, lacking = _baselines(prepared, history, raw, past=past, shared=shared)
    errors = {name: ForecastErrors(targets.names) for name in (NETWORK, *baselines)}
    spread = QuantileErrors(quantiles, len(targets.names))
    changes, names = train_changes(prepared, prepared.season), list(prepared.table.series)
    by_series = worst = None
    if len(prepared.splits) > 1:
        by_series = SeriesErrors(names, targets.names, changes=changes, unit=targets.unit, network=NETWORK)
        worst = WorstWindows(len(names), test.horizon)
    start = 0
    for output in forecasts:
        numbers = slice(start, start + len(output))
        start += len(output)
        made = {NETWORK: output if middle is None else output[..., middle]}
        made |= {name: baseline(numbers) for name, baseline in baselines.items()}
        rows = test.target_rows(numbers)
        whole = ~np.isnan(raw[rows]).any(axis=(1, 2))
        truth, owners = history[rows], np.searchsorted(starts, rows[:, 0], side="right") - 1
        for name, forecast in made.items():
            known = whole & ~lacking[name][owners] if name in lacking else whole
            errors[name].add(truth[known], forecast[known])
            if by_series is not None:
                by_series.add(name, owners[known], truth[known], forecast[known])
        if worst is not None:
            worst.add(np.arange(numbers.start, start)[whole], owners[whole], truth[whole], made[NETWORK][whole])
        if middle is not None:
            spread.add(truth[whole], output[whole])
        if details is not None:
            details.add(numbers, made, NETWORK, None if middle is None else output)
    if not (windows := errors[NETWORK].windows):
        raise DataError("every test window has a missing target, so there is no truth to measure; give another `split`")
    for name in [name for name, found in errors.items() if not found.windows]:  # none of its series was measured
        skipped[name] = f"it is not for any series with a whole truth in its test part; {_too_long(prepared.season)}"
        del errors[name], baselines[name]
    lacking = {name: without for name, without in lacking.items() if name in errors}
    naive = np.full(len(targets.names), np.nan) if by_series is not None else changes[_only(prepared)]
    measured = {name: found.measured(naive=naive, scale=targets.unit) for name, found in errors.items()}
    found: dict[str, Any] = {
        "windows": windows,
        "left_out": len(test) - windows,
        "season": prepared.season,
        "unit": dict(zip(targets.names, targets.unit.tolist(), strict=True)),
        "network": measured.pop(NETWORK),
        "baselines": measured,
        "by_step": {name: found.by_step(targets.unit) for name, found in errors.items()},
        "skipped": skipped,
        "quantiles": None if middle is None else spread.measured(targets.unit),
    }
    if by_series is None:
        finite = [float(change) if np.isfinite(change) else None for change in naive]
        found["naive"] = dict(zip(targets.names, finite, strict=True))
    else:
        partly = {name: f"{named(names, own)}, as {_too_long(prepared.season)}" for name, own in lacking.items()}
        add_series(found, by_series, expected=len(prepared.splits), partly=partly)
        if details is not None and worst is not None:
            details.series = _series_details(prepared, found, by_series, worst, baselines)
    return found | {"verdict": verdict(found)}


def add_series(
    evaluation: dict[str, Any], by_series: SeriesErrors, *, expected: int, partly: dict[str, str] | None = None
) -> None:
    """Add what is measured series by series to an evaluation, as :func:`evaluate` has it."""
    for name, own in ((NETWORK, evaluation["network"]), *evaluation["baselines"].items()):
        own["series"] = by_series.measured(name)
        for target, means in by_series.by_target(name).items():
            own["targets"][target] |= means
    evaluation["series"] = by_series.summary(expected) | {"partly": partly or {}}


def train_changes(prepared: Prepared, season: int | None) -> NDArray[np.float64]:
    """MASE's denominators by the train rows, (n_series, n_targets); without a season by the change of one row."""
    train = intersect(intervals(prepared.rows("train")), prepared.table.stretches)
    return seasonal_changes(prepared.truth, train, prepared.table.starts, season or 1)


def _only(prepared: Prepared) -> int:
    """The number of the one series that was not left out."""
    return list(prepared.table.series).index(next(iter(prepared.splits)))


def _series_details(
    prepared: Prepared,
    evaluation: dict[str, Any],
    by_series: SeriesErrors,
    worst: WorstWindows,
    baselines: dict[str, Forecaster],
) -> SeriesDetails:
    """All series as a table, and of the worst ones the worst window, with the network's and the best baseline's."""
    test, excerpts = prepared.parts["test"], {}
    best = headline(evaluation, forecast_measures(evaluation)).baseline
    for series in by_series.worst().tolist():
        number = int(worst.numbers[series])
        chosen = slice(number, number + 1)
        label = prepared.table.row_name(int(test.origins(chosen)[0]))
        excerpt = window_excerpt(test, prepared.truth[:, :1], number, label)
        excerpt.forecasts = {NETWORK: worst.forecasts[series][None, :, None], best: baselines[best](chosen)[..., :1]}
        excerpts[by_series.series[series]] = excerpt
    rows = {name: len(split.train) for name, split in prepared.splits.items()}
    table = by_series.table()
    table.insert(1, "train rows", table["series"].map(rows).astype("int64"))
    return SeriesDetails(table, excerpts)


def _baselines(
    prepared: Prepared, history: NDArray[Any], raw: NDArray[Any], *, past: bool, shared: bool
) -> tuple[dict[str, Forecaster], dict[str, str], dict[str, NDArray[np.bool_]]]:
    """The baselines, fitted, why others cannot be computed, and which series (n_series,) some are not for."""
    parts, season = prepared.parts, prepared.season
    test = parts["test"]
    baselines: dict[str, Forecaster] = {}
    skipped: dict[str, str] = {}
    lacking: dict[str, NDArray[np.bool_]] = {}
    if not past:
        mean = _mean(raw, prepared.rows("train"))
        baselines[TRAIN_MEAN] = lambda numbers: np.broadcast_to(mean, (len(test.starts(numbers)), 1, len(mean)))
    else:
        baselines[LAST_VALUE] = lambda numbers: last_value(history, test.last_rows(numbers), test.horizon)
        if season is None:
            skipped[SEASONAL] = "no season is known; give one with `season`"
        else:
            starts = prepared.table.starts
            without, rows = _without_season(test, starts, season)
            if without.sum() < len(prepared.splits):
                baselines[SEASONAL] = lambda numbers: seasonal_naive(
                    history,
                    test.origins(numbers),
                    test.last_rows(numbers),
                    starts[np.searchsorted(starts, test.origins(numbers), side="right") - 1],
                    test.horizon,
                    season,
                )
                if without.any():
                    lacking[SEASONAL] = without
            elif len(prepared.splits) > 1:
                skipped[SEASONAL] = f"in each of the {without.sum()} series {_too_long(season)}"
            else:
                skipped[SEASONAL] = f"the season of {season} rows is longer than the {rows} rows before the test part"
    made, reason = fitting_ridge(parts["train"], prepared.shape.target_columns, shared=shared)
    if made is None:
        skipped[RIDGE] = reason
    else:
        ridge = made.fit(parts["train"], parts["validation"], parts.get(TRAIN_ALONE))
        baselines[RIDGE] = lambda numbers: prepared.in_units("test", numbers, ridge.predict(test, numbers))
    return baselines, skipped, lacking


def _too_long(season: int | None) -> str:
    return f"the season of {season} rows is longer than what stands before the test part"


def _without_season(test: Windows, starts: NDArray[np.int64], season: int) -> tuple[NDArray[np.bool_], int]:
    """Which series (n_series,) have a window whose season does not lie in them, and the rows before the first such."""
    without, rows = np.zeros(len(starts), np.bool_), 0
    for numbers in test.batches(2**16):
        origins = test.origins(numbers)
        owners = np.searchsorted(starts, origins, side="right") - 1
        earliest = seasonal_rows(origins, test.last_rows(numbers), test.horizon, season).min(axis=1)
        if len(short := np.flatnonzero(earliest < starts[owners])):
            if not without.any():
                rows = int(origins[short[0]] - starts[owners[short[0]]])
            without[owners[short]] = True
    return without, rows


def _mean(raw: NDArray[Any], train: Sequence[range]) -> NDArray[np.float64]:
    """The mean of the train targets, of those that are known."""
    sums, counts, stretches = np.zeros(raw.shape[1]), np.zeros(raw.shape[1]), intervals(list(train))
    for block in row_blocks(0, len(raw)):
        part = raw[rows_of(intersect(stretches, intervals([(block.start, block.stop)])))]
        sums += np.nansum(part, axis=0, dtype=np.float64)
        counts += (~np.isnan(part)).sum(axis=0)
    return sums / counts


def verdict(evaluation: dict[str, Any]) -> str:
    """One sentence on the measure that decides: which baselines the network beats, equals and loses to, by how much."""
    measures = forecast_measures(evaluation)
    by = "MAE"
    if measures is SERIES_MEASURES:
        series = evaluation["series"]
        by = f"mean MASE over {series['count'] - series['without_mase']:,} series"
    return f"On the test split's {by} the network {told(outcomes(evaluation, measures))}."
