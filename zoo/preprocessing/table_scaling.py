"""Fit the preprocessor on train rows, and scale all rows block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns
from zoo.data.imputation import Repaired
from zoo.data.intervals import Intervals, contains, intersect
from zoo.data.roles import Roles
from zoo.data.storage import collect, row_blocks
from zoo.data.table import Table
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.series_fitting import pivots_of
from zoo.preprocessing.statistics import Blocks
from zoo.settings.choices import CalendarField, ScalerPerSeries
from zoo_registry.errors import ConfigError, DataError


def fit_preprocessor(
    preprocessor: Preprocessor, table: Table, repaired: Repaired, train: Intervals, *, whole: bool
) -> None:
    """Fit on the train rows that windows may read, and where these may miss values on those that are known."""
    features, targets = list(range(len(table.features))), [table.columns.index(name) for name in table.targets]
    feature_rows, target_rows = intersect(train, repaired.features), intersect(train, repaired.targets)
    if repaired.missing and not (len(feature_rows) and len(target_rows)):
        worst = max(repaired.missing, key=repaired.missing.__getitem__)
        raise DataError(
            f"{table.source}: no train row is left without a missing value, of which column '{worst}' has the most"
            f" ({repaired.missing[worst]}); fill it, leave it out, or take another `missing` or `split`"
        )
    _refuse_constant_calendar(table, preprocessor.calendar, feature_rows)
    values = repaired.values
    if repaired.hidden:  # each column by what is known of it, a target that is a feature too like that feature
        values, target_rows = table.values, feature_rows
    series: dict[str, range] = {}
    pivots = None
    if preprocessor.scaler_per_series != "off":
        refuse_scaler_per_series(table, preprocessor.scaler_per_series)
        names = list(table.series)
        owners = np.unique(np.searchsorted(table.starts, train[:, 0], side="right") - 1)
        series = {names[owner]: table.series[names[owner]] for owner in owners.tolist()}
        own = list(series.values())
        pivots = (pivots_of(values, feature_rows, own, features), pivots_of(values, target_rows, own, targets))
    preprocessor.fit(
        _blocks(values, feature_rows, features, whole=whole),
        _blocks(values, target_rows, targets, whole=whole),
        table.features,
        table.targets,
        where=table.source,
        whole=whole,
        series=list(series),
        pivots=pivots,
    )


def refuse_scaler_per_series(table: Table, scaler_per_series: ScalerPerSeries) -> None:
    """Raise ConfigError where a table does not suit scalers of each series."""
    if table.series_column is None:
        raise ConfigError(
            f"{table.source}: `scaler_per_series` fits scalers to each series, but nothing tells them apart; name the"
            " column that does with `series`, or leave it out"
        )
    apart = [name for name in table.targets if name not in table.features]
    if apart and scaler_per_series == "window":
        raise ConfigError(
            f"`scaler_per_series='window'` scales targets by their values in the window, but target '{apart[0]}' is no"
            " feature; add it to `features`, or take `scaler_per_series='refuse'`"
        )


def _refuse_constant_calendar(table: Table, calendar: Sequence[CalendarField], rows: Intervals) -> None:
    """Raise DataError for a calendar field that is the same in all train rows; no --features would leave it out."""
    for field in calendar:
        for name in calendar_columns([field]):
            column = table.values[:, table.features.index(name)]
            blocks = (block for start, stop in rows.tolist() for block in row_blocks(start, stop))
            if all((column[block] == column[rows[0, 0]]).all() for block in blocks):
                raise DataError(
                    f"{table.source}: the calendar feature '{field}' is the same in all train rows, expected one that"
                    " changes; leave it out of `calendar`, or take another `split`"
                )


def _blocks(values: NDArray[Any], rows: Intervals, columns: list[int], *, whole: bool) -> Blocks:
    def pieces() -> Iterator[NDArray[np.float64]]:
        for block in row_blocks(int(rows[0, 0]), int(rows[-1, 1])):
            if (inside := contains(rows, np.arange(block.start, block.stop))).any():
                yield np.ascontiguousarray(values[block][inside][:, columns], dtype=np.float64)

    if not whole:
        return pieces
    together = np.concatenate([np.empty((0, len(columns))), *pieces()])
    return lambda: [together]


def scale_rows(
    preprocessor: Preprocessor,
    table: Table,
    values: NDArray[Any],
    roles: Roles,
    spool: Path | None,
    hidden: Sequence[NDArray[np.int64]] = (),
) -> tuple[NDArray[Any], NDArray[Any]]:
    """All rows as the network sees them: features (rows, n_features), targets (rows, n_targets) or labels (rows, 1).

    ``values`` are the rows in original units, repaired; what is ``hidden`` of each column is NaN among the features.

    Targets that are judged are columns of the scaled features, as they are compared with a window's last row.
    """
    rows, dtype = len(values), preprocessor.network_dtype

    def scaled(part: int, names: tuple[str, ...]) -> NDArray[Any]:
        def blocks() -> Iterator[NDArray[np.floating]]:
            for block in row_blocks(0, rows):
                raw = table.cut(values[block])[part]
                numbers = np.arange(block.start, block.start + len(raw))
                with np.errstate(over="ignore"):  # beyond float32 is infinite, which is told
                    found = scaled_rows(preprocessor, table, part, raw, numbers).astype(dtype)
                found = _checked_scaled(found, raw, names, table, block.start)
                for column, missing in enumerate(hidden[: len(names)] if part == 0 else ()):
                    first, last = np.searchsorted(missing, [block.start, block.stop])
                    found[missing[first:last] - block.start, column] = np.nan
                yield found

        return collect(blocks(), (rows, len(names)), dtype, spool)

    features = scaled(0, table.features)
    if table.labels is not None and not table.targets:
        labels = (table.labels[block, None] for block in row_blocks(0, rows))
        return features, collect(labels, (rows, 1), np.int32, spool)
    if roles.judged:
        chosen = [table.features.index(name) for name in table.targets]
        if chosen == list(range(len(table.features))):
            return features, features
        picked = (features[block][:, chosen] for block in row_blocks(0, rows))
        return features, collect(picked, (rows, len(chosen)), dtype, spool)
    return features, scaled(1, table.targets)


def scaled_rows(
    preprocessor: Preprocessor, table: Table, part: int, raw: NDArray[Any], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Scale values (n, n_columns) of the table's ``rows`` (n,), the features' (``part`` 0) or the targets' (1).

    A row of a series that is in no part of the split, and so has no scaler of its own, is 0.
    """
    if (by := preprocessor.by_series) is None:
        return (preprocessor.features_, preprocessor.targets_)[part].scale(raw)
    owners = by.owners(table.series)[np.searchsorted(table.starts, rows, side="right") - 1]
    found = (by.features, by.targets)[part].scale(raw, owners)
    found[owners < 0] = 0.0
    return found


def _checked_scaled(
    block: NDArray[np.floating], raw: NDArray[Any], names: tuple[str, ...], table: Table, first_row: int
) -> NDArray[np.floating]:
    """Return scaled rows; raises DataError for a value that is too far from the train rows' for a network's numbers."""
    if len(bad := np.argwhere(~np.isfinite(block))):
        row, column = map(int, bad[0])
        raise DataError(
            f"{table.source}: column '{names[column]}', {table.row_name(first_row + row)}: expected a number that"
            f" float32 holds once it is scaled by the train rows, found {raw[row, column]:g}; mend it, or take another"
            " `scaler`"
        )
    return block
