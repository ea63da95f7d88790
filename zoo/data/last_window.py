"""Cut each series' last window off a table of features, to forecast what comes after it."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns
from zoo.data.frequency import Frequency, Step, is_rule, next_times, refuse_gaps
from zoo.data.imputation import fill_forward, find_holes, refuse_missing
from zoo.data.readers.examples import find_example
from zoo.data.readers.reading import Reading, Source
from zoo.data.table import Table, read_table
from zoo.data.times import Times
from zoo.outputs import FORECAST, IS_ANOMALY, PROBABILITIES, QUANTILES, SCORE
from zoo.settings.choices import Missing
from zoo_registry import Task
from zoo_registry.errors import ConfigError, DataError, close_match_hint

SPOOLED_ABOVE = 64 * 2**20  # bytes of a file; a smaller one is faster in memory
_STEP_TOLERANCE = 1.25  # months have 28 to 31 days


class UnknownTimesWarning(UserWarning):
    """The rows do not tell the times of a forecast."""


@dataclass(frozen=True)
class LastWindows:
    """Each series' newest rows: ``values`` is float64 (n_series, window, n_features) in original units.

    ``times`` are all rows' times of each series, or None.
    """

    values: NDArray[np.float64]
    times: list[Times | None]
    series: list[str]
    series_column: str | None = None
    step: Step | None = None

    def forecast_frame(
        self, forecast: NDArray[np.floating], targets: Sequence[str], gap: int = 0, task: str = Task.FORECAST
    ) -> pd.DataFrame:
        """Label forecasts of shape (n_series, horizon, n_targets): a row for each step, by time where there are times.

        A forecast's first step comes ``gap`` steps after the one that follows the last row; what another ``task`` says
        is of the last row itself, which is step 0. With a column of series that is the frame's first.
        """
        horizon = forecast.shape[1]
        first = 1 + gap if task == Task.FORECAST else 0  # rows after the last one
        indexes = [None if times is None else self._later(times, first, horizon) for times in self.times]
        kind, frames = "time", []
        if unknown := [name for name, index in zip(self.series, indexes, strict=True) if index is None]:
            if first and not all(times is None for times in self.times):
                of_series = "" if self.series_column is None else f" of series '{unknown[0]}'"
                warnings.warn(
                    f"the times{of_series} to come cannot be known, as its rows keep no step that tells them: steps are"
                    " counted instead",
                    UnknownTimesWarning,
                    stacklevel=3,
                )
            kind, indexes = "step", [pd.RangeIndex(first, first + horizon) for _ in indexes]
        for name, index, values in zip(self.series, indexes, forecast, strict=True):
            assert index is not None
            frame = pd.DataFrame(
                np.asarray(values),
                index=index.rename(f"forecast {kind}" if kind in (*targets, self.series_column) else kind),
                columns=list(targets),
            )
            if self.series_column is not None:
                frame.insert(0, self.series_column, name)
            frames.append(frame)
        return frames[0] if len(frames) == 1 else pd.concat(frames)

    def answer_frame(
        self,
        outputs: Mapping[str, NDArray[Any]],
        *,
        targets: Sequence[str],
        quantiles: Sequence[float] = (),
        classes: Sequence[str] = (),
        gap: int = 0,
        task: str = Task.FORECAST,
    ) -> pd.DataFrame:
        """Label a network's outputs by name, each with one window of a series along its first axis.

        Forecasts have their quantiles beside them; a class stands in a column called as the target, with the
        probability of each class, such as ``weather rain``, beside it; anomalies have ``score`` and ``is_anomaly``.
        """
        first = 0 if self.series_column is None else 1
        if PROBABILITIES in outputs:
            shares, target = outputs[PROBABILITIES], targets[0]
            frame = self.forecast_frame(shares[:, None], [f"{target} {name}" for name in classes], task=task)
            frame.insert(first, target, [classes[number] for number in shares.argmax(axis=1)])
            return frame
        if SCORE in outputs:
            frame = self.forecast_frame(outputs[SCORE][:, None], [SCORE], task=task)
            frame.insert(first + 1, IS_ANOMALY, outputs[IS_ANOMALY][:, 0].astype(bool))
            return frame
        return self.forecast_frame(*side_by_side(outputs, targets, quantiles), gap, task)

    def _later(self, times: Times, first: int, horizon: int) -> Times | None:
        if first == 0:
            return times[-1:]
        later = next_times(times, first - 1 + horizon, self.step)
        return None if later is None else later[first - 1 :]


def side_by_side(
    outputs: Mapping[str, NDArray[np.floating]], targets: Sequence[str], quantiles: Sequence[float]
) -> tuple[NDArray[np.floating], list[str]]:
    """Put each target's forecast and, behind it, its quantiles beside each other, and name these columns.

    ``outputs`` holds ``forecast`` (n, horizon, n_targets) and, with ``quantiles``, an array of that name with one axis
    more. A quantile's column is such as ``load 0.9``.
    """
    forecast = outputs[FORECAST]
    if not quantiles:
        return forecast, list(targets)
    columns = [name for target in targets for name in (target, *(f"{target} {level:g}" for level in quantiles))]
    together = np.concatenate([forecast[..., None], outputs[QUANTILES]], axis=-1)
    return together.reshape(*forecast.shape[:2], -1), columns


def read_last_windows(
    source: Source,
    *,
    features: Sequence[str],
    window: int,
    trained: dict[str, Any],
    missing: Missing | None = None,
    **reading: Any,
) -> LastWindows:
    """Read and check the features' last ``window`` rows of each series.

    ``trained`` is what a run or a bundle records of its data; ``reading`` are fields of :class:`Reading`, and beat it.
    ``missing`` says how missing values are filled from the rows before; None is the example's own way, else an error.
    Raises DataError, naming file, column and row.
    """
    missing = way_to_fill(source, missing)
    if missing == "drop":
        raise ConfigError(
            "missing: expected error, ffill or interpolate, as no newest row can be left out, found 'drop'; take one"
        )
    asked = resolve_reading(source, trained, reading)
    given = without_calendar(features, asked)
    # gaps before the last windows do not matter, so those inside them are looked for below
    table = read_table(source, targets=given[:1], features=given, reading=replace(asked, gaps="ignore"))
    rows = long_enough(table, window, trained, asked)
    for part in rows.values():
        _refuse_near_gaps(table, part.stop - window, part.stop, asked)
    values = [filled_window(table, part, part.stop - 1, window, missing) for part in rows.values()]
    times = [None if table.times is None else table.times[part.start : part.stop] for part in rows.values()]
    step = None if table.frequency is None else table.frequency.step
    return LastWindows(np.stack(values), times, list(rows), table.series_column, step)


def way_to_fill(source: Source, missing: Missing | None) -> Missing:
    """How missing values are filled: as asked for, else in the example's own way, else not at all."""
    if missing is not None:
        return missing
    example = find_example(source)
    return example.missing if example else "error"


def resolve_reading(source: Source, trained: dict[str, Any], reading: Mapping[str, Any]) -> Reading:
    """How a table is read: as in the training that ``trained`` records, where ``reading`` does not say otherwise.

    A large file goes through temporary files, so that the memory it takes is bounded; but not where its rows are to be
    sorted or resampled, which needs all of them. Raises ConfigError for a setting that is not there.
    """
    if unknown := sorted(reading.keys() - Reading.__dataclass_fields__.keys()):
        raise ConfigError(
            f"there is no setting '{unknown[0]}'{close_match_hint(unknown[0], Reading.__dataclass_fields__)}"
        )
    calendar = tuple(trained.get("calendar", ()))
    usual = Reading(
        usual_time=trained.get("time_column"),
        time_format=trained.get("time_format"),
        zone=trained.get("named_zone"),
        series=trained.get("series_column"),
        gaps=trained.get("gaps", "error"),
        calendar=calendar,
        calendar_zone=(trained.get("zone") or "none") if calendar else None,
    )
    asked = replace(usual, **{key: value for key, value in reading.items() if value is not None})
    if asked.spool is None and not asked.sort and asked.resample is None and _is_large(source):
        return replace(asked, spool=Path(tempfile.gettempdir()))
    return asked


def without_calendar(features: Sequence[str], reading: Reading) -> list[str]:
    """The features that a table has to have as columns."""
    return [name for name in features if name not in calendar_columns(reading.calendar)]


def long_enough(table: Table, window: int, trained: dict[str, Any], reading: Reading) -> dict[str, range]:
    """The rows of each series that has a window; raises DataError for shorter ones, and for another step of time."""
    refuse_other_step(table, trained.get("step"))
    rows = {name: rows for name, rows in table.series.items() if len(rows) >= window}
    if short := [name for name in table.series if name not in rows]:
        _refuse_short(table, short, window, dropped=reading.short_series == "drop" and bool(rows))
    return rows


def filled_window(table: Table, rows: range, last: int, window: int, missing: Missing) -> NDArray[np.float64]:
    """The features of the window that ends with row ``last`` of a series, whose ``rows`` these are.

    Returns float64 (window, n_features). Missing values are filled as if the series ended there. Raises DataError for
    one that cannot be.
    """
    features, first = table.values[:, : len(table.features)], last + 1 - window
    begin, back = first, window
    while begin > rows.start and np.isnan(features[begin : first + 1]).all(axis=0).any():  # nothing to fill from yet
        begin, back = max(begin - back, rows.start), 2 * back
    values = np.array(features[begin : last + 1], dtype=np.float64)
    if missing != "error":
        for column in values.T:
            fill_forward(column, find_holes(column), 0, range(len(values)), missing)
    refuse_missing(table, values[-window:], missing, first=first)
    return values[-window:]


def _refuse_near_gaps(table: Table, first: int, stop: int, reading: Reading) -> None:
    """Raise DataError where times leap between the rows of a window, which begins at ``first``."""
    if table.frequency is None or table.times is None or reading.gaps == "ignore":
        return
    uneven = table.frequency.uneven if table.frequency.step is not None else np.arange(first + 1, stop)
    near = Frequency(table.frequency.step, uneven[(uneven > first) & (uneven < stop)])
    refuse_gaps(near, table.times, table.source, str(table.time_column), table.row_name)


def _is_large(source: Source) -> bool:
    if not isinstance(source, (str, Path)) or find_example(source):
        return False
    path = Path(source)
    return path.is_file() and path.stat().st_size > SPOOLED_ABOVE


def _refuse_short(table: Table, short: list[str], window: int, *, dropped: bool) -> None:
    if table.series_column is None:
        found = len(table.values)
        raise DataError(f"{table.source}: expected at least {window} rows (the window), found {found}; give more rows")
    if not dropped:
        named = ", ".join(f"'{name}' ({len(table.series[name])} rows)" for name in short[:3])
        more = f" and {len(short) - 3} more" if len(short) > 3 else ""
        raise DataError(
            f"{table.source}: expected at least {window} rows (the window) of each series, found fewer of"
            f" {named}{more}; give more rows, or leave such series out with `short_series='drop'`"
        )


def refuse_other_step(table: Table, trained: dict[str, Any] | None) -> None:
    """Raise DataError where the rows lie farther apart, or closer, than those of the training."""
    if trained is None or trained["name"] == "none" or table.step is None:
        return
    ratio = table.step["size"] / trained["size"]
    if not 1 / _STEP_TOLERANCE <= ratio <= _STEP_TOLERANCE:
        name = trained["name"]
        ruled = isinstance(table.times, pd.DatetimeIndex) and is_rule(name)
        remedy = f"resample them with `resample` {name}" if ruled else "mend them"
        raise DataError(
            f"{table.source}: expected rows {name} apart as in the training, found them {ratio:.3g} times as far apart;"
            f" {remedy}"
        )
