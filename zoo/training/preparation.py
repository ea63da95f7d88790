"""The way of the data up to the network: table -> split -> repairs -> preprocessing -> windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.csv_files import CsvFormat
from zoo.data.frequency import usual_season
from zoo.data.missing import repair_missing
from zoo.data.reading import Source
from zoo.data.split import Split, split_dates, split_rows
from zoo.data.table import Table, read_table
from zoo.data.windows import Windows, split_windows
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.training.config import DataConfig
from zoo_registry import SequenceShape, Task


@dataclass(frozen=True)
class Prepared:
    """Data ready for training; ``values`` are the repaired rows in original units, (rows, table.columns)."""

    table: Table
    values: NDArray[np.float64]
    split: Split
    repairs: dict[str, int]
    preprocessor: Preprocessor
    parts: dict[str, Windows]
    shape: SequenceShape
    season: int | None

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Which targets were missing, (rows, n_targets)."""
        return np.isnan(self.table.cut(self.table.values[: len(self.values)])[1])

    @property
    def history(self) -> NDArray[np.float64]:
        """The targets of all rows, (rows, n_targets), in original units."""
        return self.table.cut(self.values)[1]


def prepare(config: DataConfig, source: Source, preprocessor: Preprocessor | None = None) -> Prepared:
    """Read, check, split, repair, scale and window a source as the configuration says.

    A fitted ``preprocessor`` is used as it is; without one, one is fitted on the train rows. Raises DataError.
    """
    table = read_table(
        source, targets=config.target, features=config.features, time=config.time, csv=csv_format(config)
    )
    minimum = config.window + config.horizon
    limits: dict[str, Any] = {"minimum": minimum, "where": table.source, "embargo": config.embargo}
    if config.split_dates:
        split = split_dates(table.times, config.split_dates, **limits)
    else:
        split = split_rows(len(table.values), config.split, **limits)
    values, repairs = repair_missing(table, split, config.missing)
    features, targets = table.cut(values)
    if preprocessor is None:
        train = slice(split.train.start, split.train.stop)
        preprocessor = Preprocessor(config.scaler, config.scaler_for, config.target_scaler).fit(
            pd.DataFrame(features[train], columns=list(table.features)),
            pd.DataFrame(targets[train], columns=list(table.targets)),
            where=table.source,
        )
    parts = split_windows(
        preprocessor.transform(features),
        preprocessor.transform_targets(targets),
        split,
        window=config.window,
        horizon=config.horizon,
        stride=config.stride,
        context=config.context,
    )
    shape = SequenceShape(
        task=Task.FORECAST,
        window=config.window,
        n_features=len(table.features),
        horizon=config.horizon,
        n_targets=len(table.targets),
        target_columns=table.target_columns,
    )
    season = config.season or usual_season(table.times)
    return Prepared(table, values, split, repairs, preprocessor, parts, shape, season)


def csv_format(config: DataConfig) -> CsvFormat:
    """How the configuration says that CSV files are written."""
    return CsvFormat(config.delimiter, config.decimal, config.encoding)
