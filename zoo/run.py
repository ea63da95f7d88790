"""A run, as the Python API gives it: predict, evaluate, export."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.loading import Bundle, load_bundle
from zoo.data.readers.reading import Source
from zoo.data.reading_choice import csv_format
from zoo.export.export_run import Trained, export
from zoo.inference.answers import Answers, answer_windows, answers_of
from zoo.inference.predictor import Predictor
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.series_scaling import SeriesScaling
from zoo.provenance import why_untested
from zoo.runs.record import READ_FILES, RunRecord, read_record
from zoo.runs.store import load_network, load_preprocessor
from zoo.settings.choices import ARRAYS, FRAME
from zoo.settings.schema import RunConfig
from zoo.sums import check_sums
from zoo.tracking.lifecycle import Lifecycle
from zoo.tracking.trackers import make_trackers
from zoo.training.preparation import prepare_run
from zoo.training.seeding import alone
from zoo.training.trainer import measure
from zoo_registry import discover
from zoo_registry.errors import RunError


class Run(Predictor):
    """A finished training, read from its folder; network and scalers are loaded when they are first needed.

    A copy or a pickle is by path. The DataFrame or the arrays of a training in this process go into a copy, but not
    into a pickle, nor do its trackers.
    """

    __module__ = "zoo"  # where pickles look for it, and TensorFlow starts quietly
    batch = 2**12  # as each call of a Keras network takes a while

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.record: RunRecord = read_record(self.folder)
        self.problem, self.trained_on = self.record.problem, self.record.data
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
    def usual_reading(self) -> dict[str, Any]:
        """CSV files are written as that of the training."""
        return {"csv": csv_format(self.config.data)}

    @property
    def metrics(self) -> dict[str, Any]:
        """Errors on the test split, of the network and of the baselines, and the verdict; empty without a test."""
        return {} if self.record.evaluation is None else {**self.record.evaluation}

    @cached_property
    def network(self) -> Any:
        """The trained Keras network, on scaled values."""
        return load_network(self.folder)

    @cached_property
    def preprocessor(self) -> Preprocessor:
        """The fitted preprocessing."""
        return load_preprocessor(self.folder)

    @property
    def by_series(self) -> SeriesScaling | None:
        """The scalers of each series, where each has some of its own."""
        return self.preprocessor.by_series

    def run(self, checked: NDArray[np.floating], series: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """What the Keras network and the scalers make of windows that :meth:`check` returned."""
        return answer_windows(self.network, self.preprocessor, self.answers, checked, series)

    def evaluate(self, data: Source | None = None, *, spool: str | Path | None = None) -> dict[str, Any]:
        """Measure network and baselines on the test split again, as :attr:`metrics` has it.

        ``data`` is the table of the training, needed where that was a DataFrame of another session. Raises RunError
        where it is another one, and where all rows were trained on. ``spool`` is a folder for temporary files, where
        the table does not fit in memory.
        """
        if self.record.evaluation is None:
            raise RunError(f"run {self.id} was {why_untested(self.record.retrained_from)}")
        source = next(known for known in (data, self.source, self.config.data.source) if known is not None)
        if isinstance(source, str) and source in (FRAME, ARRAYS):
            raise RunError(f"run {self.id} was trained on a {source} of a program; give it to evaluate(data)")
        prepared = prepare_run(self.config, source, self.preprocessor, spool=None if spool is None else Path(spool))
        if prepared.table.fingerprint() != self.record.data.fingerprint:
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

    @cached_property
    def answers(self) -> Answers:
        """What the task makes of the network's output."""
        return answers_of(self.record)
