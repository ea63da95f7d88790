"""A run, as the Python API gives it: predict, evaluate, export."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from zoo.bundle.loading import Bundle, load_bundle
from zoo.data.last_window import read_last_windows
from zoo.data.raw_windows import check_windows, is_windows
from zoo.data.readers.reading import Source
from zoo.export.export_run import Trained, export
from zoo.inference.answers import Answers, answer_windows, answers_of
from zoo.outputs import MAIN_OUTPUT
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.runs.record import READ_FILES, RunRecord, read_whole_record
from zoo.runs.store import load_network, load_preprocessor
from zoo.settings.choices import ARRAYS, FRAME, Missing
from zoo.settings.schema import RunConfig
from zoo.sums import check_sums
from zoo.tracking.lifecycle import Lifecycle
from zoo.tracking.trackers import make_trackers
from zoo.training.measurement import measure
from zoo.training.preparation import csv_format, prepare_run
from zoo.training.seeding import alone
from zoo_registry import discover
from zoo_registry.errors import RunError


class Run:
    """A finished training, read from its folder; network and scalers are loaded when they are first needed.

    A copy or a pickle is by path. The DataFrame or the arrays of a training in this process go into a copy, but not
    into a pickle, nor do its trackers.
    """

    __module__ = "zoo"  # where pickles look for it, and TensorFlow starts quietly

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.record: RunRecord = read_whole_record(self.folder)
        self.source: Source | None = None  # the table of a training in this process
        self.lifecycle: Lifecycle | None = None  # the hooks that this training was told to
        check_sums(self.folder, READ_FILES, RunError)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Run, (self.folder.absolute(),)

    def __copy__(self) -> Run:
        again = Run(self.folder)
        again.source, again.lifecycle = self.source, self.lifecycle
        return again

    def __deepcopy__(self, memo: dict[int, Any]) -> Run:
        return self.__copy__()

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
        return load_preprocessor(self.folder)

    def predict(self, data: Any, *, missing: Missing | None = None, **reading: Any) -> Any:
        """Forecast in original units with the Keras network, or tell classes or anomalies.

        An array of shape (batch, window, n_features) gives an array of shape (batch, horizon, n_targets), float64, of
        probabilities (batch, classes) or of scores (batch, 1); a DataFrame, a file, arrays or an example give a
        DataFrame with the forecast after the last row of each series, or, where the task is another, with what is said
        of that row itself. ``reading`` says how a table is read where not as in the
        training: time, csv, sort, gaps and the other fields of :class:`zoo.data.readers.reading.Reading`. Raises
        DataError for other shapes, values that are not finite, and tables that do not fit.
        """
        if is_windows(data):
            return self.outputs(data)[MAIN_OUTPUT[self.config.task]]
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
        return last.answer_frame(
            self.outputs(last.values),
            targets=data_record["targets"],
            quantiles=self.config.network.quantiles,
            classes=data_record.get("classes", ()),
            gap=self.config.data.gap,
            task=self.config.task,
        )

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
        return measure(self.network, prepared, self.config).evaluation

    @alone()  # as it makes networks, and patches their layers
    def export(
        self,
        exported: str | Path = "exported",
        *,
        name: str | None = None,
        dtype: str = "auto",
        mlflow: str | None = None,
        sign: str | Path | None = None,
        formats: Sequence[str] = (),
        batch: int | None = None,
        warmup: bool = False,
    ) -> Bundle:
        """Publish a bundle below ``exported`` and return it, loaded; see :func:`zoo.export.export_run.export`.

        ``mlflow`` is the URI of a tracking server or database that the bundle is logged to, with the run of this id
        where that is there; a run that was just trained with one needs it not again. ``sign`` is the private key to
        sign it with. ``formats`` names exporters, such as litert and openvino, and ``batch`` the number of windows
        that a format with a fixed batch takes (1 where it is None). ``warmup`` adds requests that TensorFlow Serving
        answers to itself before it serves the version.
        """
        if mlflow is not None:
            self.lifecycle = Lifecycle(make_trackers(self.folder.parent, mlflow=mlflow))
        lifecycle = self.lifecycle or Lifecycle()
        summary = ""
        if (entry := discover().catalogue.get(self.config.architecture)) is not None:
            summary = entry.item.summary
        trained = Trained(self.network, self.preprocessor, self.record)
        bundle = load_bundle(
            export(trained, Path(exported), name, summary, dtype, sign, formats, batch, warmup), require_signature=()
        )
        lifecycle.bundle_written(self.id, str(bundle.folder), bundle.manifest.model_dump(mode="json"))
        return bundle

    def outputs(self, windows: Any) -> dict[str, NDArray[Any]]:
        """All outputs of an array of windows by name, as those of a bundle: see :meth:`zoo.Bundle.outputs`."""
        checked = check_windows(windows, self.config.data.window, self.record.data["features"])
        return answer_windows(self.network, self.preprocessor, self.answers, checked)

    @cached_property
    def answers(self) -> Answers:
        """What the task makes of the network's output."""
        return answers_of(self.record, self.network)
