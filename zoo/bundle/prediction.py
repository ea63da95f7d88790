"""What a bundle makes of a table: the forecast after its last row, and a backtest over all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo.bundle.ranges import Outside
from zoo.data.last_window import read_last_windows
from zoo.data.raw_windows import is_windows
from zoo.data.readers.reading import Source
from zoo.settings.choices import Missing
from zoo_registry import Task
from zoo_registry.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from zoo.bundle.loading import Bundle
    from zoo.bundle.manifest import Interface
    from zoo.data.table_windows import Asked, TableWindows

BATCH = 256  # windows
BATCH_VALUES = 2**21  # of a batch at most, so that long windows take no more memory
FRAME_ROWS = 2**16  # that a frame of a backtest has at least, but for the last one


def predict_table(
    bundle: Bundle, source: Source, *, missing: Missing | None = None, **reading: Any
) -> tuple[pd.DataFrame, list[Outside]]:
    """Answer to each series' last window, as :meth:`Bundle.predict` does, and tell what lies outside the training."""
    interface = raw_interface(bundle, source)
    last = read_last_windows(
        source,
        features=interface.features,
        window=interface.window,
        trained=bundle.manifest.data,
        missing=missing,
        **reading,
    )
    windows = bundle.check(last.values)
    frame = last.answer_frame(
        bundle.run(windows),
        targets=interface.targets,
        quantiles=interface.quantiles,
        classes=interface.classes,
        gap=interface.gap,
        task=interface.task,
    )
    return frame, bundle.train_range.outside(windows)


def make_backtest(
    bundle: Bundle, source: Source, *, stride: int = 1, missing: Missing | None = None, **reading: Any
) -> Backtest:
    """Read a table and lay windows over it; see :meth:`Bundle.backtest`."""
    from zoo.data.table_windows import lay_windows

    asked, trained = asked_of(bundle, source), bundle.manifest.data
    return Backtest(bundle, lay_windows(source, asked, trained=trained, stride=stride, missing=missing, **reading))


def asked_of(bundle: Bundle, source: Source) -> Asked:
    """What a bundle asks of a table; raises DataError as :func:`make_backtest` does."""
    from zoo.data.table_windows import Asked

    interface = raw_interface(bundle, source)
    return Asked(
        Task(interface.task),
        interface.features,
        interface.targets,
        interface.window,
        interface.horizon,
        interface.gap,
        interface.quantiles,
        interface.classes,
    )


class Backtest:
    """A bundle's answers to every window of a table; iterate over it for DataFrames, in the order of the rows.

    Forecasts have a row for each step: ``time`` of the step, ``origin`` (time of the window's last row), ``step`` from
    1 on, the series where there is a column of series, then for each target the forecast, its quantiles and, where the
    table has the target, ``TARGET actual``, the true value, missing after the last row. Other tasks have a row for each
    window: ``time`` of its last row, the series, and what is said of that row. Without times, ``origin`` and ``row``
    are the numbers of rows from 1. Memory is bounded: of a large file, windows are read off the disk.
    """

    def __init__(self, bundle: Bundle, laid: TableWindows) -> None:
        self._bundle, self._laid = bundle, laid
        self._watch = bundle.train_range.watch()

    def __len__(self) -> int:
        """The number of windows."""
        return len(self._laid.windows)

    @property
    def rows_per_window(self) -> int:
        """Rows of the frames for each window."""
        return len(self._laid.asked.steps)

    @property
    def times(self) -> pd.Index | None:
        """The times of all rows of the table, where it has times."""
        return self._laid.table.times

    @property
    def outside(self) -> list[Outside]:
        """The columns with values outside the training's range, in the windows that were gone through so far."""
        return self._watch.found()

    def __iter__(self) -> Iterator[pd.DataFrame]:
        import pandas as pd

        asked = self._laid.asked
        self._watch = self._bundle.train_range.watch()
        frames: list[pd.DataFrame] = []
        done = rows = 0
        for numbers in self._laid.windows.batches(
            max(1, min(BATCH, BATCH_VALUES // (asked.window * len(asked.features))))
        ):
            inputs = self._bundle.check(self._laid.inputs(numbers))
            self._watch.add(inputs)
            frames.append(self._laid.frame(numbers, self._bundle.run(inputs)))
            rows += len(frames[-1])
            if rows >= FRAME_ROWS or numbers.stop == len(self):
                yield pd.concat(frames).set_axis(pd.RangeIndex(done, done + rows), axis="index")
                frames, done, rows = [], done + rows, 0


def raw_interface(bundle: Bundle, source: Source) -> Interface:
    """The interface of a bundle that takes a table's values; raises DataError for another one and for windows."""
    interface = bundle.manifest.interface
    if interface.units == "scaled":
        raise DataError(
            f"{bundle.folder}: this bundle takes scaled values, expected an array of scaled windows, found a table;"
            " scale it first, or predict with the run"
        )
    if is_windows(source):
        raise DataError("expected a table to go over, found an array of windows; give that to predict or outputs")
    return interface
