"""Write answers frame by frame to a CSV or Parquet file, which is whole or not there, or show them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from zoo.atomic import behind_links, staged_file
from zoo.inference.parquet_results import ParquetWriter
from zoo.texts import printable
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet")


class Writer(Protocol):
    """Appends frames of the same columns to a file."""

    def write(self, frame: pd.DataFrame) -> None:
        """Append a frame's rows, without its index."""

    def close(self) -> None:
        """Finish the file."""


def check_output(output: Path) -> None:
    """Raise ConfigError where answers cannot be written to this file."""
    if output.is_dir() or not output.parent.is_dir():
        raise ConfigError(f"--output: expected a file in a folder that is there, found {output}; name another")
    if output.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--output writes .csv or .parquet, and --json to the terminal; found {output}; take one")


@contextmanager
def staged_writer(output: Path, times: pd.Index | None = None) -> Iterator[Writer]:
    """Write beside ``output``, and put the file in its place at the end; after an error there is nothing.

    What killed commands have left in that folder is removed first: nobody may look for it there with ``zoo gc``.
    ``times`` are those of the table, which tell how times are written in a CSV file.
    """
    from zoo.export.leftovers import clean_folder

    output = behind_links(output)
    clean_folder(output.parent)
    with staged_file(output) as staged:
        writer = _CsvWriter(staged, times) if output.suffix.lower() == ".csv" else ParquetWriter(staged)
        with closing(writer):
            yield writer


class _CsvWriter:
    def __init__(self, path: Path, times: pd.Index | None) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._format, self._first = _time_format(times), True

    def write(self, frame: pd.DataFrame) -> None:
        frame.to_csv(self._file, index=False, header=self._first, date_format=self._format)
        self._first = False

    def close(self) -> None:
        self._file.close()


def _time_format(times: pd.Index | None) -> str | None:
    """One way to write all times; pandas alone writes some frames as dates and others with hours.

    None leaves it to pandas: where all are dates, where seconds have fractions, and where a zone is written anyway.
    """
    import pandas as pd

    from zoo.data.storage import row_blocks

    if not isinstance(times, pd.DatetimeIndex) or times.tz is not None:
        return None
    blocks = [times[rows] for rows in row_blocks(0, len(times))]
    whole = all((block == block.floor("s")).all() for block in blocks)
    return "%Y-%m-%d %H:%M:%S" if whole and not all(block.is_normalized for block in blocks) else None


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Give a function that shows what is done, how much of it, and of how much, on standard error.

    Without a total there is a bar that moves; where standard error is no terminal nothing is shown.
    """
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=printable(what), completed=done, total=total)


def cells(frame: pd.DataFrame) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The names of a frame's columns, and its rows: numbers, texts, times as texts, None for what is missing."""
    texts = [frame[name].astype(str) if frame[name].dtype.kind == "M" else frame[name] for name in frame.columns]
    shown = [
        [None if missing else value for value, missing in zip(text.tolist(), text.isna(), strict=True)]
        for text in texts
    ]
    return list(frame.columns), list(zip(*shown, strict=True))
