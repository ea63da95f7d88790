"""The scoring of one file, as a worker process runs it: read, answer, and publish the result whole."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.atomic import make_folder, staged_file
from zoo.bundle.loading import Bundle, load_bundle
from zoo.data.readers.csv_files import CsvFormat
from zoo.inference.input_files import InputFile
from zoo.inference.outcome import FileOutcome
from zoo.inference.parquet_results import ParquetWriter
from zoo.inference.ranges import Outside, refuse_outside
from zoo.settings.choices import Missing
from zoo.workers.messages import Reporter, SharedFile
from zoo_registry.errors import BundleError, ConfigError, DataError, ZooError

if TYPE_CHECKING:
    import pandas as pd


_LATER_SIGNS = ("comment", "thousands")


@dataclass(frozen=True)
class Way:
    """How files are scored; ``reading`` has fields of :class:`zoo.data.readers.reading.Reading`, None for the usual."""

    backtest: bool = False
    stride: int = 1
    missing: Missing | None = None
    strict_range: bool = False
    reading: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """All that an answer hangs on, as plain data."""
        usual = (None, CsvFormat())
        given = {name: value for name, value in self.reading.items() if value not in usual and name != "spool"}
        whole = asdict(replace(self, reading=given))
        if csv := whole["reading"].get("csv"):  # signs that there were not always, where they are given
            whole["reading"]["csv"] = {k: v for k, v in csv.items() if k not in _LATER_SIGNS or v is not None}
        return whole


@dataclass(frozen=True)
class ScoreTask:
    """What a worker is given for all files.

    ``bundle`` has to have the manifest of this SHA-256, whose signature was checked already where the caller named
    keys: ``keys_named``. ``data`` and ``output`` are folders that all workers see; the file ``marker`` in ``output``
    holds ``token``, which proves it.
    """

    bundle: SharedFile
    manifest_sha256: str
    keys_named: bool
    data: Path
    output: Path
    marker: str
    token: str
    way: Way
    reporter: Reporter


class StoppedError(ZooError):
    """The command that gave the task has ended."""


def origin_of(manifest_sha256: str, file: InputFile, way: Way) -> dict[str, Any]:
    """What tells a result from all others: the bundle, the input and the way."""
    return {"bundle": manifest_sha256, "input": asdict(file), "way": way.plain()}


def score_file(task: ScoreTask, file: InputFile) -> FileOutcome:
    """Score a file in this process; what is wrong with the file is told in the outcome.

    Raises ConfigError where this process does not see the folders, and BundleError where it cannot load the bundle:
    then no file can be scored here.
    """
    _check_folders(task)
    bundle = _load(task.bundle.find(), task.manifest_sha256, task.keys_named)
    try:
        return _score(task, bundle, file)
    except ZooError as error:
        reason = " ".join(str(error).split())
    except OSError as error:
        reason = f"{error.filename or task.data / file.name}: {error.strerror or error}"
    except Exception as error:  # whatever a reader makes of a foreign file; the others go on
        reason = f"{task.data / file.name}: {type(error).__name__}: {' '.join(str(error).split())[:500]}"
    return FileOutcome(file.name, "failed", file.result, reason=reason)


@functools.lru_cache(maxsize=1)
def _load(folder: Path, manifest_sha256: str, keys_named: bool) -> Bundle:
    """Load a bundle, the same as long as no other is scored; raises BundleError where it is another by now."""
    bundle = load_bundle(folder, require_signature=() if keys_named else None)
    if bundle.manifest_sha256 != manifest_sha256:
        raise BundleError(f"{bundle.folder}: expected the bundle that was there before, found another; score again")
    return bundle


def _check_folders(task: ScoreTask) -> None:
    """Raise ConfigError unless this process sees the folders of data and results that the command sees."""
    try:
        seen = (task.output / task.marker).read_text(encoding="utf-8") == task.token
    except OSError:
        seen = False
    if seen and task.data.is_dir():
        return
    unseen = task.data if seen else task.output
    raise ConfigError(
        f"{unseen}: expected a folder that all workers see, but the worker on the host {platform.node()} sees none, or"
        " another one, under this path; put data and results on a file system that all hosts share"
    )


def _score(task: ScoreTask, bundle: Bundle, file: InputFile) -> FileOutcome:
    source, result = task.data / file.name, task.output / file.result
    _check_unchanged(task.data, file)
    frames, outside, total = _answers(bundle, source, task.way)
    make_folder(result.parent)
    origin, rows = origin_of(task.manifest_sha256, file, task.way), 0
    with staged_file(result) as staged, closing(ParquetWriter(staged, origin)) as writer:
        for frame in frames:
            if task.reporter.stopped():
                raise StoppedError(f"{source}: the command was ended")
            writer.write(frame)
            rows += len(frame)
            if total:
                task.reporter.send({"file": file.name, "share": rows / total})
        found = outside()
        if task.way.strict_range:
            refuse_outside(found, str(source))
        _check_unchanged(task.data, file)
        told = tuple(map(str, found))
        writer.tell_outside(told)
    return FileOutcome(file.name, "done", file.result, rows, told)


def _answers(bundle: Bundle, source: Path, way: Way) -> tuple[Iterable[pd.DataFrame], Callable[[], list[Outside]], int]:
    """Frames of answers, what tells of values outside the range after them, and the rows to come where they are many.

    Raises DataError where the table does not fit, before there is a frame.
    """
    if not way.backtest:
        frame, found = bundle.predict_table(source, missing=way.missing, **way.reading)
        return [frame.reset_index()], lambda: found, 0
    backtest = bundle.backtest(source, stride=way.stride, missing=way.missing, **way.reading)
    return backtest, lambda: backtest.outside, len(backtest) * backtest.rows_per_window


def _check_unchanged(folder: Path, file: InputFile) -> None:
    """Raise DataError where a file is no longer as it was found; a result of it would be of neither."""
    try:
        same = InputFile.of(folder, file.name) == file
    except FileNotFoundError as error:
        raise DataError(
            f"{folder / file.name}: there is no such file by now, or it is a link to none; put it there"
        ) from error
    if not same:
        raise DataError(f"{folder / file.name}: the file was changed since it was found; score again")
