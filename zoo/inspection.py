"""Look at data before a training: what the checks found, how the parts differ, what the scaler would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.table import Table
from zoo.preprocessing.preprocessor import ScaledColumns
from zoo.training.preparation import Prepared

_PLOTTED_COLUMNS = 8
_COLOURS = {"train": "#4477aa", "validation": "#ddaa33", "test": "#bb5566"}


def inspect(prepared: Prepared) -> dict[str, Any]:
    """Describe prepared data as plain values; statistics are in original units, before any repair of missing values.

    ``columns`` gives, for each column, its scaler, what the train rows' range becomes and, for each part: missing
    values, mean, deviation, minimum and maximum, ``drift`` (how far the mean lies from the train mean, in train
    deviations) and ``outside`` (the share of values beyond the train rows' range).
    """
    table, split = prepared.table, prepared.split
    times = table.times
    return {
        "source": table.source,
        "rows": len(table.values),
        "features": list(table.features),
        "targets": list(table.targets),
        "ignored": list(table.ignored),
        "time": {"column": table.time_column} | ({} if times is None else _describe_times(times)),
        "repairs": prepared.repairs,
        "season": prepared.season,
        "serving_dtype": prepared.preprocessor.serving_dtype,
        "parts": {
            name: {
                "rows": len(rows),
                "first": table.row_name(rows.start),
                "last": table.row_name(rows.stop - 1),
                "windows": len(prepared.parts[name]),
            }
            for name, rows in split.items()
        },
        "columns": {name: _describe_column(prepared, name) for name in table.columns},
    }


def _describe_times(times: pd.DatetimeIndex) -> dict[str, Any]:
    """The usual step, and where it is not kept."""
    steps = times.to_series().diff().iloc[1:]
    usual = steps.median()
    uneven = np.flatnonzero(steps != usual)
    first = None if not len(uneven) else f"row {uneven[0] + 2} follows row {uneven[0] + 1} by {steps.iloc[uneven[0]]}"
    zone = None if times.tz is None else str(times.tz)
    return {"zone": zone, "step": str(usual), "uneven_steps": len(uneven), "first_uneven": first}


def _describe_column(prepared: Prepared, name: str) -> dict[str, Any]:
    table, split = prepared.table, prepared.split
    scaled, index = _scaled_columns(prepared, name)
    column = table.values[:, table.columns.index(name)]
    train = column[split.train.start : split.train.stop]
    low, high, mean, deviation = np.nanmin(train), np.nanmax(train), np.nanmean(train), np.nanstd(train)
    parts: dict[str, dict[str, float]] = {}
    for part, rows in split.items():
        values = column[rows.start : rows.stop]
        known = values[~np.isnan(values)]
        parts[part] = {"missing": len(values) - len(known)}
        if len(known):
            parts[part] |= {
                "mean": float(known.mean()),
                "deviation": float(known.std()),
                "minimum": float(known.min()),
                "maximum": float(known.max()),
                "drift": float((known.mean() - mean) / deviation),
                "outside": float(((known < low) | (known > high)).mean()),
            }
    ends = scaled.scale(np.stack([scaled.minimum, scaled.maximum]))[:, index]
    return {"scaler": scaled.scalers[index], "scaled_range": sorted(map(float, ends)), "parts": parts}


def _scaled_columns(prepared: Prepared, name: str) -> tuple[ScaledColumns, int]:
    """The scalers that a column goes through, and its place among them."""
    table, preprocessor = prepared.table, prepared.preprocessor
    if name in table.features:
        return preprocessor.features_, table.features.index(name)
    return preprocessor.targets_, table.targets.index(name)


def draw(prepared: Prepared, path: Path) -> None:
    """Draw each of the first columns over time, its parts in colours, and how its scaled values spread in each part."""
    from matplotlib.dates import ConciseDateFormatter
    from matplotlib.figure import Figure

    table = prepared.table
    names = [*table.targets, *(name for name in table.columns if name not in table.targets)][:_PLOTTED_COLUMNS]
    figure = Figure(figsize=(12, 1.2 + 2.2 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 2, width_ratios=(3, 1), squeeze=False)
    for (line, spread), name in zip(axes, names, strict=True):
        column = table.values[: prepared.split.test.stop, table.columns.index(name)]
        scaled = _scaled(prepared, name, np.isnan(column))
        bins = _bins(scaled)
        for part, rows in prepared.split.items():
            label = f"{part}, {len(prepared.parts[part])} windows"
            line.plot(_axis(table, rows), column[rows.start : rows.stop], color=_COLOURS[part], lw=0.8, label=label)
            known = scaled[rows.start : rows.stop]
            inside = np.clip(known[~np.isnan(known)], bins[0], bins[-1])
            spread.hist(inside, bins, density=True, histtype="step", color=_COLOURS[part])
        line.set_ylabel(f"{name} (target)" if name in table.targets else name)
        line.margins(x=0)
        if table.times is not None:
            formatter = ConciseDateFormatter(line.xaxis.get_major_locator())  # type: ignore[no-untyped-call]
            line.xaxis.set_major_formatter(formatter)
        spread.set_yticks([])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    axes[0, 0].set_title(f"{table.source}: original units", fontsize="medium")
    axes[0, 1].set_title("scaled values, each part's share", fontsize="medium")
    left_out = len(table.columns) - len(names)
    axes[-1, 0].set_xlabel((table.time_column or "row") + (f"; {left_out} more columns" if left_out else ""))
    figure.savefig(path, dpi=100)


def _scaled(prepared: Prepared, name: str, missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A column as the network sees it, NaN where a value is missing."""
    columns, index = _scaled_columns(prepared, name)
    features, targets = prepared.table.cut(prepared.values)
    scaled = columns.scale(features if name in prepared.table.features else targets)[:, index]
    return np.where(missing, np.nan, scaled)


def _axis(table: Table, rows: range) -> Any:
    return np.arange(rows.start, rows.stop) if table.times is None else table.times[rows.start : rows.stop]


def _bins(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Forty bins over all but the wildest hundredth on either side, which the two outer bins take in."""
    known = values[~np.isnan(values)]
    low, high = np.percentile(known, [0.5, 99.5])
    return np.linspace(low, high if high > low else low + 1, 41)
