"""Look at data before a training: what the checks found, how the parts differ, what the scaler would do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.intervals import blocks_of_rows, intervals
from zoo.data.labels import class_counts
from zoo.data.splits import PARTS
from zoo.data.storage import BLOCK_ROWS
from zoo.data.table import Table
from zoo.preprocessing.prepared import Prepared
from zoo.preprocessing.scaled_columns import ScaledColumns
from zoo.preprocessing.statistics import ColumnStatistics
from zoo.preprocessing.table_scaling import scaled_rows

_PLOTTED_COLUMNS = 8
_PLOTTED_POINTS = 20_000  # of a column in a part; beyond that each drawn pair is a stretch's smallest and largest value
_COLOURS = {"train": "#4477aa", "validation": "#ddaa33", "test": "#bb5566"}


def inspect(prepared: Prepared) -> dict[str, Any]:
    """Describe prepared data as plain values; statistics are in original units, before any repair of missing values.

    ``columns`` gives, for each column, its scaler, what the train rows' range becomes and, for each part: missing
    values, mean, deviation, minimum and maximum, ``drift`` (how far the mean lies from the train mean, in train
    deviations) and ``outside`` (the share of values beyond the train rows' range). ``classes`` gives, where there are
    labels, the number of windows of each class in each part.
    """
    table = prepared.table
    lengths = [len(table.series[name]) for name in prepared.splits]
    return {
        "source": table.source,
        "task": str(prepared.shape.task),
        "rows": len(table.values),
        "features": list(table.features),
        "targets": list(table.targets),
        "ignored": list(table.ignored),
        "time": {"column": table.time_column} | ({} if table.times is None else _describe_times(table)),
        "series": {
            "column": table.series_column,
            "used": len(lengths),
            "left_out": len(table.series) - len(lengths),
            "shortest": min(lengths),
            "longest": max(lengths),
        },
        "repairs": prepared.repairs.model_dump(),
        "season": prepared.season,
        "serving_dtype": prepared.preprocessor.serving_dtype,
        "parts": {
            name: part.model_dump() | {"rows": sum(map(len, prepared.rows(name)))}
            for name, part in prepared.split().items()
        },
        "label": table.label_column,
        "classes": None if table.labels is None else _describe_classes(prepared),
        "columns": {name: _describe_column(prepared, name) for name in table.columns},
    }


def _describe_times(table: Table) -> dict[str, Any]:
    """The usual step, and where it is not kept."""
    assert table.frequency is not None
    uneven = table.frequency.uneven
    first = None
    if len(uneven):
        row = int(uneven[0])
        first = f"{table.row_name(row)} follows {table.row_name(row - 1)}"
    return {"zone": table.zone, "step": str(table.frequency), "uneven_steps": len(uneven), "first_uneven": first}


def _describe_classes(prepared: Prepared) -> dict[str, dict[str, int]]:
    table = prepared.table
    counts = {part: class_counts(table, prepared.parts[part]) for part in PARTS}
    return {name: {part: int(counts[part][index]) for part in PARTS} for index, name in enumerate(table.classes)}


def _describe_column(prepared: Prepared, name: str) -> dict[str, Any]:
    (scaled, index), table = _scaled_columns(prepared, name), prepared.table
    found = {part: ColumnStatistics(1) for part in PARTS}
    for part in PARTS:
        for known in _known(prepared, name, part):
            found[part].add(known[:, None])
    train = found["train"]
    parts: dict[str, dict[str, float]] = {}
    for part, own in found.items():
        parts[part] = {"missing": sum(map(len, prepared.rows(part))) - own.rows}
        if own.rows:
            outside = sum(
                int(((known < train.minimum) | (known > train.maximum)).sum()) for known in _known(prepared, name, part)
            )
            parts[part] |= {
                "mean": float(own.mean[0]),
                "deviation": float(own.deviation[0]),
                "minimum": float(own.minimum[0]),
                "maximum": float(own.maximum[0]),
                "drift": float((own.mean[0] - train.mean[0]) / train.deviation[0]),
                "outside": outside / own.rows,
            }
    ends, scaler = scaled.scale(np.stack([scaled.minimum, scaled.maximum]))[:, index], scaled.scalers[index]
    if (by := prepared.preprocessor.by_series) is not None:
        seen = _scaled(prepared, name, "train")
        ends = np.array([seen.min(), seen.max()])
        columns = by.features if name in table.features else by.targets
        scaler = f"{columns.scalers[columns.names.index(name)]}, by series"
    return {"scaler": scaler, "scaled_range": sorted(map(float, ends)), "parts": parts}


def _known(prepared: Prepared, name: str, part: str) -> Iterator[NDArray[np.float64]]:
    """A column's known values in a part, of all series, before any repair, block by block."""
    column = prepared.table.values[:, prepared.table.columns.index(name)]
    for rows in blocks_of_rows(intervals(prepared.rows(part)), BLOCK_ROWS):
        values = column[rows].astype(np.float64)
        yield values[~np.isnan(values)]


def _scaled_columns(prepared: Prepared, name: str) -> tuple[ScaledColumns, int]:
    """The scalers that a column goes through, and its place among them."""
    table, preprocessor = prepared.table, prepared.preprocessor
    if name in table.features:
        return preprocessor.features_, table.features.index(name)
    return preprocessor.targets_, table.targets.index(name)


def draw(prepared: Prepared, path: Path) -> None:
    """Draw each of the first columns over time, its parts in colours, and how its scaled values spread in each part.

    Of several series the first is drawn over time; the spread is that of all.
    """
    from matplotlib.dates import ConciseDateFormatter
    from matplotlib.figure import Figure

    from zoo.atomic import write_figure

    table = prepared.table
    names = [*table.targets, *(name for name in table.columns if name not in table.targets)][:_PLOTTED_COLUMNS]
    figure = Figure(figsize=(12, 1.2 + 2.2 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 2, width_ratios=(3, 1), squeeze=False)
    for (line, spread), name in zip(axes, names, strict=True):
        column = table.values[:, table.columns.index(name)]
        scaled = {part: _scaled(prepared, name, part) for part in PARTS}
        bins = _bins(np.concatenate(list(scaled.values())))
        for part in PARTS:
            label = f"{part}, {len(prepared.parts[part])} windows"
            line.plot(*_curve(table, column, prepared.rows(part)[0]), color=_COLOURS[part], lw=0.8, label=label)
            inside = np.clip(scaled[part], bins[0], bins[-1])
            spread.hist(inside, bins, density=True, histtype="step", color=_COLOURS[part])
        line.set_ylabel(f"{name} (target)" if name in table.targets else name)
        line.margins(x=0)
        if isinstance(table.times, pd.DatetimeIndex):
            formatter = ConciseDateFormatter(line.xaxis.get_major_locator())  # type: ignore[no-untyped-call]
            line.xaxis.set_major_formatter(formatter)
        spread.set_yticks([])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    drawn = "" if table.series_column is None else f", series '{next(iter(prepared.splits))}'"
    axes[0, 0].set_title(f"{table.source}{drawn}: original units", fontsize="medium")
    axes[0, 1].set_title("scaled values, each part's share", fontsize="medium")
    left_out = len(table.columns) - len(names)
    axes[-1, 0].set_xlabel((table.time_column or "row") + (f"; {left_out} more columns" if left_out else ""))
    write_figure(path, figure)


def _scaled(prepared: Prepared, name: str, part: str) -> NDArray[np.float64]:
    """A column's known values in a part as the network sees them; of very many an even selection."""
    (columns, index), table = _scaled_columns(prepared, name), prepared.table
    column, ranges = table.values[:, table.columns.index(name)], prepared.rows(part)
    every = max(1, sum(map(len, ranges)) // _PLOTTED_POINTS)
    numbers = np.concatenate([np.arange(rows.start, rows.stop, every) for rows in ranges])
    known = column[numbers].astype(np.float64)
    known, numbers = known[there := ~np.isnan(known)], numbers[there]
    rows = np.tile(columns.minimum, (len(known), 1))  # scalers take all their columns at once
    rows[:, index] = known
    return scaled_rows(prepared.preprocessor, table, int(name not in table.features), rows, numbers)[:, index]


def _curve(table: Table, column: NDArray[Any], rows: range) -> tuple[Any, NDArray[Any]]:
    """Where and what to draw: every value, or the smallest and largest of even stretches where there are too many."""
    values = column[rows.start : rows.stop]
    length = max(1, len(values) // (_PLOTTED_POINTS // 2))
    numbers = np.arange(rows.start, rows.stop, length)
    if length > 1:
        starts = np.arange(0, len(values), length)
        numbers = np.repeat(numbers, 2)
        least, most = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        values = np.stack([least, most], axis=1).reshape(-1)
    return numbers if table.times is None else table.times[numbers], values


def _bins(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Forty bins over all but the wildest hundredth on either side, which the two outer bins take in."""
    low, high = np.percentile(known, [0.5, 99.5])
    return np.linspace(low, high if high > low else low + 1, 41)
