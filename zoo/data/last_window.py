"""Cut the last window off a table of features, to forecast what comes after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.csv_files import CsvFormat
from zoo.data.examples import find_example
from zoo.data.frequency import next_times
from zoo.data.missing import fill_forward, refuse_missing
from zoo.data.reading import Source
from zoo.data.table import read_table
from zoo.options import Missing
from zoo_registry.errors import DataError


@dataclass(frozen=True)
class LastWindow:
    """The newest rows: ``values`` is float64 (window, n_features) in original units; ``times`` are all rows'."""

    values: NDArray[np.float64]
    times: pd.DatetimeIndex | None

    def forecast_frame(self, forecast: NDArray[np.floating], targets: Sequence[str]) -> pd.DataFrame:
        """Label a forecast of shape (horizon, n_targets): a row for each step, by time where the table has times."""
        times = None if self.times is None else next_times(self.times, len(forecast))
        name = "step" if times is None else "time"
        index = pd.RangeIndex(1, len(forecast) + 1) if times is None else times
        index = index.rename(f"forecast {name}" if name in targets else name)
        return pd.DataFrame(np.asarray(forecast), index=index, columns=list(targets))


def read_last_window(
    source: Source,
    *,
    features: Sequence[str],
    window: int,
    time: str | None = None,
    usual_time: str | None = None,
    missing: Missing | None = None,
    csv: CsvFormat | None = None,
) -> LastWindow:
    """Read and check the features' last ``window`` rows; ``time``, ``usual_time`` and ``csv`` as for ``read_table``.

    ``missing`` says how missing values are filled from the rows before; None is the example's own way, else an error.
    Raises DataError, naming file, column and row.
    """
    if missing is None:
        example = find_example(source)
        missing = example.missing if example else "error"
    table = read_table(source, targets=features[:1], features=features, time=time, usual_time=usual_time, csv=csv)
    rows = len(table.values)
    if rows < window:
        raise DataError(f"{table.source}: expected at least {window} rows (the window), found {rows}; give more rows")
    values = table.values if missing == "error" else fill_forward(table.values, missing)
    refuse_missing(table, values[-window:], missing, first=rows - window)
    return LastWindow(values[-window:], table.times)
