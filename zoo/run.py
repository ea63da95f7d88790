"""A run, as the Python API gives it: predict, evaluate, export."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.loading import Bundle, load_bundle
from zoo.bundle.manifest import FORECAST, QUANTILES
from zoo.data.last_window import read_last_windows, side_by_side
from zoo.data.reading import ARRAYS, FRAME, Source
from zoo.data.windows import check_windows, is_windows
from zoo.evaluation.details import Details
from zoo.evaluation.evaluation import evaluate
from zoo.export.exporter import Trained, export
from zoo.options import Missing
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.training.config import RunConfig
from zoo.training.layers import middle_quantile
from zoo.training.preparation import Prepared, csv_format, prepare_run
from zoo.training.run_folder import load_network
from zoo.training.run_record import RunRecord, read_record
from zoo.training.trainer import forecast_batches
from zoo_registry import discover
from zoo_registry.errors import RunError


class Run:
    """A finished training, read from its folder; network and scalers are loaded when they are first needed."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.record: RunRecord = read_record(self.folder)
        self.source: Source | None = None  # the table of a training in this process

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.record.id

    @property
    def config(self) -> RunConfig:
        """The resolved configuration."""
        return self.record.config

    @property
    def metrics(self) -> dict[str, Any]:
        """Errors on the test split, of the network and of the baselines, and the verdict."""
        return self.record.evaluation

    @cached_property
    def network(self) -> Any:
        """The trained Keras network, on scaled values."""
        return load_network(self.folder)

    @cached_property
    def preprocessor(self) -> Preprocessor:
        """The fitted preprocessing."""
        return Preprocessor.load(self.folder)

    def predict(self, data: Any, *, missing: Missing | None = None, **reading: Any) -> Any:
        """Forecast in original units with the Keras network.

        An array of shape (batch, window, n_features) gives an array of shape (batch, horizon, n_targets), float64; a
        DataFrame, a file, arrays or an example give a DataFrame with the forecast after the last row of each series,
        or for that row itself where the task is regress. ``reading`` says how a table is read where not as in the
        training: time, csv, sort, gaps and the other fields of :class:`zoo.data.reading.Reading`. Raises DataError for
        other shapes, values that are not finite, and tables that do not fit.
        """
        if is_windows(data):
            return self._predict_windows(data)[FORECAST]
        data_record = self.record.data
        reading = {"csv": csv_format(self.config.data)} | reading
        last = read_last_windows(
            data,
            features=data_record["features"],
            window=self.config.data.window,
            trained=data_record,
            missing=missing,
            **reading,
        )
        outputs = self._predict_windows(last.values)
        values, columns = side_by_side(outputs, data_record["targets"], self.config.network.quantiles)
        return last.forecast_frame(values, columns, self.config.data.gap, self.config.task)

    def evaluate(self, data: Source | None = None, *, spool: str | Path | None = None) -> dict[str, Any]:
        """Measure network and baselines on the test split again, as :attr:`metrics` has it.

        ``data`` is the table of the training, needed where that was a DataFrame of another session. Raises RunError
        where it is another one. ``spool`` is a folder for temporary files, where the table does not fit in memory.
        """
        source = next(known for known in (data, self.source, self.config.data.source) if known is not None)
        if isinstance(source, str) and source in (FRAME, ARRAYS):
            raise RunError(f"run {self.id} was trained on a {source} of a program; give it to evaluate(data)")
        prepared = prepare_run(self.config, source, self.preprocessor, spool=None if spool is None else Path(spool))
        if prepared.table.fingerprint() != self.record.data["fingerprint"]:
            raise RunError(f"{prepared.table.source} is not the table that run {self.id} was trained on; give that one")
        return measure(self.network, prepared)

    def export(self, exported: str | Path = "exported", *, name: str | None = None, dtype: str = "auto") -> Bundle:
        """Publish a bundle below ``exported`` and return it, loaded; see :func:`zoo.export.exporter.export`."""
        summary = ""
        if (entry := discover().catalogue.get(self.config.architecture)) is not None:
            summary = entry.architecture.summary
        trained = Trained(self.network, self.preprocessor, self.record)
        return load_bundle(export(trained, Path(exported), name, summary, dtype))

    def _predict_windows(self, windows: Any) -> dict[str, NDArray[np.float64]]:
        checked = check_windows(windows, self.config.data.window, self.record.data["features"])
        scaled = self.network.predict(self.preprocessor.transform(checked), verbose=0)
        output = self.preprocessor.targets_.inverse_transform(scaled, axis=2)
        middle = middle_quantile(self.network)
        return {FORECAST: output} if middle is None else {FORECAST: output[..., middle], QUANTILES: output}


def measure(network: Any, prepared: Prepared, details: Details | None = None) -> dict[str, Any]:
    """Evaluate a network on the test windows of prepared data; ``details`` takes in the same forecasts."""
    table, targets, test = prepared.table, prepared.preprocessor.targets_, prepared.parts["test"]
    return evaluate(
        (targets.inverse_transform(scaled, axis=2) for scaled in forecast_batches(network, test)),
        history=prepared.history,
        raw=table.cut(table.values[: len(prepared.values)])[1] if details is None else details.raw,
        parts=prepared.parts,
        targets=targets,
        target_columns=prepared.shape.target_columns,
        series=list(table.series.values()),
        train=prepared.rows("train"),
        season=prepared.season,
        task=prepared.shape.task,
        quantiles=prepared.shape.quantiles,
        middle=middle_quantile(network),
        details=details,
    )
