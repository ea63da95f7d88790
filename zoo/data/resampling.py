"""Bring rows into the order of series and time, and resample them: on request, and recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.columns import MISSING_CLASS, Codes
from zoo.data.readers.reading import Reading
from zoo.data.storage import rows_where
from zoo.data.times import Times, check_order, kind_of, ticks
from zoo_registry.errors import ConfigError, DataError

_MAX_STEPS = 1e8  # that a resampled table may have

# values, times, labels and weights of a series
_Resampled = tuple[NDArray[Any], pd.DatetimeIndex, NDArray[np.int32] | None, NDArray[np.float64] | None]


@dataclass
class Rows:
    """The rows of a table on their way: values (rows, columns), and for each row its time, series, label and weight.

    ``file_rows`` gives each row's place in the source where it is another one.
    """

    values: NDArray[Any]
    times: Times | None
    series: NDArray[np.int32] | None
    labels: NDArray[np.int32] | None
    weights: NDArray[np.float64] | None = None
    file_rows: NDArray[np.int64] | None = None
    repairs: dict[str, Any] = field(default_factory=dict)

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first row of each series."""
        first = np.zeros(min(len(self.values), 1), np.int64)
        if (series := self.series) is None:
            return first
        later = rows_where(lambda rows: series[rows] != series[rows.start - 1 : rows.stop - 1], 1, len(series))
        return np.concatenate([first, later])

    def take(self, order: NDArray[np.int64]) -> Rows:
        """The rows in another order."""
        arrays: list[Any] = [self.times, self.series, self.labels, self.weights]
        times, series, labels, weights = (None if array is None else array[order] for array in arrays)
        return Rows(self.values[order], times, series, labels, weights, order, self.repairs)

    def name(self, row: int) -> str:
        """Name a row by its place in the source, and its time."""
        number = row if self.file_rows is None else int(self.file_rows[row])
        return f"row {number + 1}" + ("" if self.times is None else f" ({self.times[row]})")


@dataclass
class Naming:
    """The names of a table and of the columns that say when and which series; ``codes`` numbers the series."""

    where: str
    time: str | None
    series: str | None
    codes: Codes = field(default_factory=Codes)

    @property
    def series_names(self) -> list[str]:
        """The series in the order of their first rows; one without a name where there is no column of series."""
        return [""] if self.series is None else list(self.codes.names)


def arrange(rows: Rows, naming: Naming, reading: Reading) -> Rows:
    """Put the rows of each series together, in the order of the series' first rows, and sort them where asked to.

    Raises DataError where a spooled file would have to be put into another order.
    """
    grouped, starts = rows, rows.starts
    if rows.series is not None and len(back := starts[1:][np.diff(rows.series[starts]) < 0]):
        if reading.spool is not None:
            raise DataError(
                f"{naming.where}: {rows.name(int(back[0]))} goes back to a series that ended before; with"
                f" `spool` the rows of each series have to stand together: sort the file by '{naming.series}'"
            )
        grouped = rows.take(np.argsort(rows.series, kind="stable").astype(np.int64))
    if not reading.sort:
        return grouped
    if rows.times is None:
        raise DataError(
            f"{naming.where}: `sort` needs a column of times, found none; name it with `time`, or leave `sort` out"
        )
    series = rows.series if rows.series is not None else np.zeros(len(rows.values), np.int32)
    order = np.lexsort((ticks(rows.times), series)).astype(np.int64)
    before = np.arange(len(order)) if grouped.file_rows is None else grouped.file_rows
    if not (moved := int((order != before).sum())):
        return grouped
    done = rows.take(order)
    done.repairs["sort"] = {"rows_moved": moved}
    return done


def resample(rows: Rows, naming: Naming, reading: Reading) -> Rows:
    """Bring each series to an even step: the rows of a step become one, by ``reading.aggregate``.

    Labels are the last one's, weights the mean. A step without rows becomes a row of missing values, with the weight 0.
    Raises ConfigError for an unknown rule, DataError without times, where rows are out of order, and where they would
    become too many.
    """
    if not isinstance(rows.times, pd.DatetimeIndex):
        raise DataError(
            f"{naming.where}: `resample` needs a column of times, found {kind_of(rows.times)}; name it with `time`, or"
            " leave `resample` out"
        )
    try:
        rule = pd.tseries.frequencies.to_offset(str(reading.resample))
        if rule.n < 1:
            raise ValueError(f"{reading.resample} does not go forward")
    except ValueError as error:
        raise ConfigError(
            f"`resample`: expected a step such as 15min, 1h, 1D or MS, found '{reading.resample}'; give another"
        ) from error
    one_series = naming.series is None
    check_order(rows.times, rows.starts, naming.where, str(naming.time), rows.name, one_series=one_series)
    starts = rows.starts
    ends = [*starts[1:].tolist(), len(rows.values)]
    if isinstance(rule, pd.offsets.Tick):
        unit = pd.Timedelta(1, rows.times.unit)
        steps = sum(ticks(rows.times)[np.array(ends) - 1] - ticks(rows.times)[starts]) * (unit / pd.Timedelta(rule))
        if steps > _MAX_STEPS or pd.Timedelta(rule) < unit:
            raise DataError(
                f"{naming.where}: `resample` {reading.resample} would make {steps:.3g} of the {len(rows.values)} rows,"
                f" expected {_MAX_STEPS:.0e} at most; give a longer step"
            )
    series = [slice(*pair) for pair in zip(starts.tolist(), ends, strict=True)]
    parts = _resampled(rows, rows.times, series, rule, reading)
    counts = [len(part[0]) for part in parts]
    values = np.concatenate([part[0] for part in parts])
    times = parts[0][1].append([part[1] for part in parts[1:]])
    if len(infinite := np.flatnonzero(np.isinf(values).any(axis=1))):
        raise DataError(
            f"{naming.where}: the {reading.aggregate} of the rows from {times[infinite[0]]} on (`resample`"
            f" {reading.resample}) is beyond any float, expected a finite number; take another `aggregate` or unit"
        )
    rows.repairs["resample"] = {
        "rule": str(reading.resample),
        "aggregate": reading.aggregate,
        "rows_before": len(rows.values),
        "rows_after": len(values),
        "rows_without_values": int(np.isnan(values).all(axis=1).sum()),
    }
    return Rows(
        values,
        times,
        None if rows.series is None else np.repeat(rows.series[starts], counts),
        None if rows.labels is None else np.concatenate([part[2] for part in parts if part[2] is not None]),
        None if rows.weights is None else np.concatenate([part[3] for part in parts if part[3] is not None]),
        None,
        rows.repairs,
    )


def _resampled(
    rows: Rows, times: pd.DatetimeIndex, series: list[slice], rule: pd.offsets.BaseOffset, reading: Reading
) -> list[_Resampled]:
    """What becomes of each series; those that have the same times are resampled together, side by side."""
    alike: dict[bytes, list[int]] = {}
    for number, part in enumerate(series):
        alike.setdefault(ticks(times[part]).tobytes(), []).append(number)
    found: dict[int, _Resampled] = {}
    for numbers in alike.values():
        index = times[series[numbers[0]]]
        beside = np.concatenate([rows.values[series[number]] for number in numbers], axis=1)
        grouped = pd.DataFrame(beside, index=index).resample(rule)
        with np.errstate(over="ignore"):  # an overflow is told by the caller
            frame = grouped.sum(min_count=1) if reading.aggregate == "sum" else getattr(grouped, reading.aggregate)()
        values = np.split(frame.to_numpy(), len(numbers), axis=1)
        labels: list[NDArray[np.int32] | None] = [None] * len(numbers)
        if rows.labels is not None:
            known = pd.DataFrame(np.stack([rows.labels[series[number]] for number in numbers], axis=1), index=index)
            last = known.replace(MISSING_CLASS, np.nan).resample(rule).last().fillna(MISSING_CLASS)
            labels = list(last.to_numpy(np.int32).T)
        weights: list[NDArray[np.float64] | None] = [None] * len(numbers)
        if rows.weights is not None:
            given = pd.DataFrame(np.stack([rows.weights[series[number]] for number in numbers], axis=1), index=index)
            weights = list(given.resample(rule).mean().fillna(0.0).to_numpy(np.float64).T)
        for number, own, own_labels, own_weights in zip(numbers, values, labels, weights, strict=True):
            found[number] = (own, pd.DatetimeIndex(frame.index), own_labels, own_weights)
    return [found[number] for number in range(len(series))]
