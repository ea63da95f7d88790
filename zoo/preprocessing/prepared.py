"""Data ready for training: what is made of a table on its way to a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns
from zoo.data.intervals import Intervals, intervals
from zoo.data.splits import PARTS, Split
from zoo.data.table import Table
from zoo.data.times import ticks
from zoo.data.windows import Numbers, Windows
from zoo.outputs import middle_quantile
from zoo.preprocessing.normalized_truth import NormalizedTruth
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.window_scale import NOT_NORMALIZED, WindowScale
from zoo.provenance import DataRecord, Part, Repairs
from zoo.settings.schema import DataConfig
from zoo_registry import Problem, SequenceShape


@dataclass(frozen=True)
class Prepared:
    """Data ready for training; ``values`` are the repaired rows in original units, (rows, table.columns).

    ``splits`` gives each series' rows of each part, without the series that are left out. ``missing`` counts missing
    values by column; ``known_targets`` are the rows, stretch by stretch, of which windows may read targets. Windows'
    targets are scaled, or the numbers of the classes. ``window_scale`` says how windows are normalized inside the
    network, and ``reason`` why, where that was chosen by rule. ``hidden`` has for each column the rows of values that
    stay missing in windows. Where validation is trained on too, ``parts`` has
    ``TRAIN_ALONE`` beside those of the split, for baselines to choose by.
    """

    table: Table
    values: NDArray[Any]
    splits: dict[str, Split]
    missing: dict[str, int]
    known_targets: Intervals
    repairs: Repairs
    preprocessor: Preprocessor
    parts: dict[str, Windows]
    problem: Problem
    window_scale: WindowScale = NOT_NORMALIZED
    reason: str | None = None
    hidden: tuple[NDArray[np.int64], ...] = ()

    @property
    def middle(self) -> int | None:
        """The place of the quantile that is the forecast; None without quantiles."""
        return middle_quantile(self.problem.quantiles)

    @property
    def season(self) -> int | None:
        """Rows in a season; None where none is known."""
        return self.problem.season

    @property
    def history(self) -> NDArray[Any]:
        """The targets of all rows, (rows, n_targets), in original units."""
        return self.table.cut(self.values)[1]

    @property
    def truth(self) -> NDArray[Any]:
        """The same before missing values were filled: NaN where one is missing."""
        return self.table.cut(self.table.values[: len(self.values)])[1]

    @property
    def shape(self) -> SequenceShape:
        """The sizes of the network."""
        return self.problem.shape

    @property
    def normalized_truth(self) -> NormalizedTruth | None:
        """What makes of targets what a loss takes, where windows are normalized, and the loss is on their scale."""
        found = self.parts["train"].judged
        assert found is None or isinstance(found, NormalizedTruth)
        return found

    def judged_as_scaled(self) -> Self:
        """The same with a loss of scaled targets, as version 1 had it, whichever way windows are normalized."""
        return replace(self, parts={name: replace(windows, judged=None) for name, windows in self.parts.items()})

    def rows(self, part: str) -> list[range]:
        """The rows of a part, a range for each series."""
        return [getattr(split, part) for split in self.splits.values()]

    def in_units(self, part: str, numbers: Numbers, scaled: NDArray[Any]) -> NDArray[np.float64]:
        """Bring scaled targets of a part's windows with these numbers back to original units.

        They are (n, steps, n_targets), and may have an axis of quantiles behind.
        """
        if (by := self.preprocessor.by_series) is None:
            return self.preprocessor.answers_in_units(scaled)
        rows = self.parts[part].last_rows(numbers)
        return by.targets.unscale(scaled, self._owners[np.searchsorted(self.table.starts, rows, side="right") - 1])

    def all_in_units(self, part: str, scaled: Iterable[NDArray[Any]]) -> Iterator[NDArray[np.float64]]:
        """The same of all windows of a part, some of them at a time, in order."""
        start = 0
        for some in scaled:
            yield self.in_units(part, slice(start, start + len(some)), some)
            start += len(some)

    @cached_property
    def _owners(self) -> NDArray[np.int64]:
        """For each series of the table its number among those with scalers of their own, -1 where it is none."""
        by = self.preprocessor.by_series
        return np.zeros(0, np.int64) if by is None else by.owners(self.table.series)

    @property
    def positions(self) -> tuple[int, ...]:
        """The features that tell a place in the calendar, not a level."""
        calendar = calendar_columns(self.preprocessor.calendar)
        return tuple(index for index, name in enumerate(self.table.features) if name in calendar)

    def split(self) -> dict[str, Part]:
        """What a record says of each part."""
        times, described = self.table.times, {}
        keys = None if times is None else ticks(times)
        for part in PARTS:
            rows = intervals(self.rows(part))
            if not len(rows):
                described[part] = Part(rows=0, windows=0)
                continue
            firsts, lasts = rows[:, 0], rows[:, 1] - 1
            first = int(firsts.min() if keys is None else firsts[keys[firsts].argmin()])
            last = int(lasts.max() if keys is None else lasts[keys[lasts].argmax()])
            described[part] = Part(
                rows=(first, last + 1) if len(rows) == 1 else int((rows[:, 1] - rows[:, 0]).sum()),
                first=self.table.row_name(first),
                last=self.table.row_name(last),
                windows=len(self.parts[part]),
            )
        return described

    def record(self, config: DataConfig, fingerprint: str | None = None) -> DataRecord:
        """What a run records of its data; ``fingerprint`` is the table's, where it is known already."""
        table = self.table
        return DataRecord.model_validate(
            {
                "source": table.source,
                "fingerprint": fingerprint or table.fingerprint(),
                "rows": len(table.values),
                "time_column": table.time_column,
                "time_format": config.time_format,
                "named_zone": config.zone,
                "series_column": table.series_column,
                "series": len(self.splits),
                "layout": config.layout,
                "gaps": config.gaps,
                "calendar": config.calendar,
                "ignored": table.ignored,
                "repairs": self.repairs,
                "split": self.split(),
            }
        )
