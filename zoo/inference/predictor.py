"""What a trained network says of windows and of tables: what a run and a bundle have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.raw_windows import check_windows, is_windows
from zoo.inference.ranges import Outside, TrainRange, warn_outside
from zoo.tasks import find_task
from zoo_registry.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from zoo.data.last_window import LastWindows
    from zoo.data.readers.reading import Reading, Source
    from zoo.data.table_windows import TableWindows
    from zoo.preprocessing.series_scaling import SeriesScaling
    from zoo.provenance import DataRecord
    from zoo.settings.choices import Errors, Missing
    from zoo_registry import Problem

BATCH = 256  # windows
BATCH_VALUES = 2**21  # of a batch at most, so that long windows take no more memory
FRAME_ROWS = 2**16  # that a frame of a backtest has at least, but for the last one


class Predictor(ABC):
    """A trained network.

    ``problem`` is what is asked of it, ``trained_on`` the data of its training, and ``windows_dtype`` what windows are
    brought to. ``train_range`` is what these data spanned, where values outside it are to be told, else None. ``batch``
    is the number of windows at most that :meth:`run` is given at a time, None the usual one.
    """

    problem: Problem
    trained_on: DataRecord
    windows_dtype: str = "float64"
    train_range: TrainRange | None = None
    batch: int | None = None

    @abstractmethod
    def run(self, checked: NDArray[np.floating], series: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """All outputs of windows that :meth:`check` returned; warns of nothing.

        ``series`` names each window's, where they were cut from a table.
        """

    @property
    def by_series(self) -> SeriesScaling | None:
        """The scalers of each series, where each has some of its own."""
        return None

    @property
    def usual_reading(self) -> dict[str, Any]:
        """Fields of :class:`zoo.data.readers.reading.Reading`, beside what the training's record says."""
        return {}

    def predict(self, data: Any, *, missing: Missing | None = None, errors: Errors = "raise", **reading: Any) -> Any:
        """Forecast in original units, or tell classes or anomalies.

        An array of shape (batch, window, n_features), or of one window (window, n_features), gives an array of shape
        (batch, horizon, n_targets), of probabilities (batch, classes) or of scores (batch, 1); it may hold NaN where a
        value of one of ``problem.masked`` is missing. A DataFrame, a file, arrays or an example give a DataFrame with
        the forecast after the last row of each series, or, where the task is another, with what is said of that row
        itself. ``missing`` is, unless given, ``mask`` where the training's was, else ``error``. With
        ``errors="report"`` a series that cannot be answered, as it misses a value, leaps over a time or is out of
        order, costs itself alone: the last column, ``status``, says in a sentence what is wrong with it, and is empty
        for all others. ``reading`` says how a table is read where not as in the training: time, csv, sort, gaps and the
        other fields of :class:`zoo.data.readers.reading.Reading`. A bundle whose scaler cannot be exported takes and
        gives scaled arrays alone; where each series has scalers of its own that holds for its arrays only, and a run
        scales these as those of a series that it does not know. Every bundle warns with
        :class:`zoo.inference.ranges.OutsideRangeWarning` of input outside the training's range. Raises DataError for
        other shapes, values that are not finite, and tables that do not fit.
        """
        answer: Any
        if errors not in ("raise", "report"):
            raise ConfigError(f"`errors` is raise or report, found {errors!r}; take one of them")
        if is_windows(data):
            if errors == "report":
                raise ConfigError("`errors='report'` is for tables, found an array of windows; leave it out")
            windows = self.check(data)
            answer, outside = self.run(windows)[self.problem.outputs[0].name], self._outside(windows)
        else:
            answer, outside = self.predict_table(data, missing=missing, errors=errors, **reading)
        warn_outside(outside)
        return answer

    def predict_table(
        self, source: Source, *, missing: Missing | None = None, errors: Errors = "raise", **reading: Any
    ) -> tuple[pd.DataFrame, list[Outside]]:
        """Answer to each series' last window, as :meth:`predict` does, and tell what lies outside the training."""
        from zoo.data.last_window import read_last_windows, without_silent
        from zoo.inference.frames import last_frame

        problem = self.problem
        last = read_last_windows(
            source,
            features=problem.features,
            window=problem.window,
            step=problem.step,
            missing=self._missing(missing),
            reading=self._reading(source, reading),
            masked=problem.masked,
            errors=errors,
        )
        if problem.masked and len(last.values):
            last = without_silent(last, problem, errors)
        if errors == "report" and (by := self.by_series) is not None:
            last = _without_unknown(last, by)
        if not len(last.values):
            nothing = {tensor.name: np.empty((0, *tensor.shape)) for tensor in problem.outputs}
            return last_frame(last, problem, nothing, report=True), []
        windows = self.check(last.values)
        outputs = self._run_batches(windows, last.named)
        return last_frame(last, problem, outputs, report=errors == "report"), self._outside(windows)

    def backtest(self, data: Source, *, stride: int = 1, missing: Missing | None = None, **reading: Any) -> Backtest:
        """Predict over a table: iterate over what comes back for DataFrames with the answers to every window in it.

        ``stride`` is the number of rows from one window to the next. ``data``, ``missing`` (here ``drop`` too, which
        leaves out windows with missing values) and ``reading`` as in :meth:`predict`. Raises DataError and ConfigError.
        """
        return Backtest(self, self.lay(data, stride=stride, missing=missing, **reading))

    def lay(self, source: Source, *, stride: int = 1, missing: Missing | None = None, **reading: Any) -> TableWindows:
        """Read a table and lay windows over it, as :meth:`backtest` does."""
        from zoo.data.table_windows import lay_windows

        how = self._reading(source, reading)
        roles = find_task(self.problem.task).roles
        return lay_windows(source, self.problem, roles, reading=how, stride=stride, missing=self._missing(missing))

    def outputs(self, windows: Any) -> dict[str, NDArray[Any]]:
        """All outputs of an array of windows by name.

        ``forecast`` (batch, horizon, n_targets) and, where there are some, ``quantiles`` (batch, horizon, n_targets,
        n_quantiles); ``probabilities`` (batch, classes); or ``score`` and ``is_anomaly`` (batch, 1). Raises DataError
        and warns as :meth:`predict` does.
        """
        checked = self.check(windows)
        warn_outside(self._outside(checked))
        return self.run(checked)

    def check(self, windows: Any) -> NDArray[np.floating]:
        """Windows of shape (batch, window, n_features) in the network's dtype; raises DataError for anything else."""
        problem = self.problem
        return check_windows(windows, problem.window, problem.features, self.windows_dtype, problem.masked)

    def refuse_table(self, source: Any) -> None:
        """Raise DataError where no table can be gone over, or what is given is none."""
        if is_windows(source):
            raise DataError("expected a table to go over, found an array of windows; give that to predict or outputs")

    def _run_batches(self, checked: NDArray[np.floating], series: Sequence[str]) -> dict[str, NDArray[Any]]:
        """What :meth:`run` gives, for so many windows at a time that they take little memory."""
        size = self.windows_at_a_time
        starts = range(0, len(checked), size)
        parts = [self.run(checked[start : start + size], series[start : start + size]) for start in starts]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    @property
    def windows_at_a_time(self) -> int:
        """The number of windows in a batch, fewer where they are long."""
        return max(1, min(self.batch or BATCH, BATCH_VALUES // (self.problem.window * len(self.problem.features))))

    def _missing(self, asked: Missing | None) -> Missing | None:
        """What is done about missing values: as asked for, else masks where the training knew them."""
        filling = self.trained_on.repairs.missing
        if asked is None and self.problem.masked and filling is not None and filling.method == "mask":
            return "mask"
        return asked

    def _reading(self, source: Source, given: dict[str, Any]) -> Reading:
        from zoo.data.reading_choice import reading_as_trained

        self.refuse_table(source)
        return reading_as_trained(source, self.problem, self.trained_on, **{**self.usual_reading, **given})

    def _outside(self, checked: NDArray[np.floating]) -> list[Outside]:
        return [] if self.train_range is None else self.train_range.outside(checked)


def _without_unknown(last: LastWindows, by: SeriesScaling) -> LastWindows:
    """Leave out windows of series that have no scaler and get none; their series get a status."""
    told = by.refusals(last.named)
    return replace(last, values=last.values[[name not in told for name in last.named]], statuses=last.statuses | told)


class Backtest:
    """Answers to every window of a table; iterate over it for DataFrames, in the order of the rows.

    Forecasts have a row for each step: ``time`` of the step, ``origin`` (time of the window's last row), ``step`` from
    1 on, the series where there is a column of series, then for each target the forecast, its quantiles and, where the
    table has the target, ``TARGET actual``, the true value, missing after the last row. Other tasks have a row for each
    window: ``time`` of its last row, the series, and what is said of that row. Without times, ``origin`` and ``row``
    are the numbers of rows from 1. Memory is bounded: of a large file, windows are read off the disk.
    """

    def __init__(self, predictor: Predictor, laid: TableWindows) -> None:
        self._predictor, self._laid = predictor, laid
        self._watch = None if predictor.train_range is None else predictor.train_range.watch()

    def __len__(self) -> int:
        """The number of windows."""
        return len(self._laid.windows)

    @property
    def rows_per_window(self) -> int:
        """Rows of the frames for each window."""
        return self._predictor.problem.horizon

    @property
    def times(self) -> pd.Index | None:
        """The times of all rows of the table, where it has times."""
        return self._laid.table.times

    @property
    def outside(self) -> list[Outside]:
        """The columns with values outside the training's range, in the windows that were gone through so far."""
        return [] if self._watch is None else self._watch.found()

    def __iter__(self) -> Iterator[pd.DataFrame]:
        import pandas as pd

        from zoo.inference.frames import window_frame

        predictor, laid = self._predictor, self._laid
        self._watch = watch = None if predictor.train_range is None else predictor.train_range.watch()
        frames: list[pd.DataFrame] = []
        done = rows = 0
        for numbers in laid.windows.batches(predictor.windows_at_a_time):
            inputs = predictor.check(laid.inputs(numbers))
            if watch is not None:
                watch.add(inputs)
            frames.append(window_frame(laid, numbers, predictor.run(inputs, laid.names_of(numbers))))
            rows += len(frames[-1])
            if rows >= FRAME_ROWS or numbers.stop == len(self):
                yield pd.concat(frames).set_axis(pd.RangeIndex(done, done + rows), axis="index")
                frames, done, rows = [], done + rows, 0
