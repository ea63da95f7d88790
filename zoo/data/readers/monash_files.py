"""Files of the Monash forecasting archive, .tsf (Godahewa et al. 2021): a header, then a series a line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.columns import shown
from zoo.data.readers.csv_files import MARKED, CsvFormat, encoding_by_mark
from zoo.data.readers.long_format import LONG, LongRows
from zoo.data.readers.monash_archives import SUFFIX, open_monash, told_of_archive
from zoo_registry.errors import DataError, close_match_hint

MISSING = "?"
_NAME, _DATA = "series_name", "@data"
_TAGS = ("relation", "attribute", "frequency", "horizon", "missing", "equallength", "data")
_KINDS = ("string", "numeric", "date")
_STAMP = "%Y-%m-%d %H-%M-%S"
_VALUES = 2**20  # of a piece
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_ADVERBS = {"minutely": "1_minute", "half_hourly": "30_minutes", "hourly": "1_hour", "daily": "1_day"} | {
    "weekly": "1_week",
    "monthly": "1_month",
    "quarterly": "1_quarter",
    "yearly": "1_year",
}
_FREQUENCY = re.compile(rf"([1-9]\d*)_({'|'.join((*_SECONDS, *_MONTHS))})s?")


@dataclass
class MonashHeader:
    """What stands before the series: the attributes of each by name with their kinds, and what is said of all."""

    attributes: dict[str, str] = field(default_factory=dict)
    frequency: str | None = None
    horizon: int | None = None

    @property
    def stamp(self) -> str | None:
        """The attribute that is each series' first time."""
        return next((name for name, kind in self.attributes.items() if kind == "date"), None)

    @property
    def more(self) -> list[str]:
        """The attributes that become columns."""
        return [name for name in self.attributes if name not in (_NAME, self.stamp)]


def read_header(path: Path, csv: CsvFormat) -> MonashHeader:
    """Read the lines of a file up to its series; raises DataError, naming the line, for what is no such header."""
    with ExitStack() as stack:
        return _header(_lines(path, csv, stack), str(path))


def read_monash(path: Path, csv: CsvFormat) -> Iterator[LongRows]:
    """Read the series of a file, many at a time; raises DataError, naming the line, where one is malformed.

    Times go on from each series' first one by the file's frequency, and are 1, 2, … where either is not told. A value
    ``?`` is missing. Text is UTF-8, and a line that is not is Latin-1, unless ``csv`` names an encoding.
    """
    where = str(path)
    with ExitStack() as stack:
        lines = _lines(path, csv, stack)
        header = _header(lines, where)
        step = None if header.frequency is None or header.stamp is None else parse_frequency(header.frequency)
        seen: dict[str, int] = {}
        piece = _Piece(header, step, where)
        for number, line in lines:
            if not line or line.startswith("#"):
                continue
            *fields, text = line.split(":")
            if len(fields) != len(header.attributes):
                raise DataError(
                    f"{where}: line {number}: expected {len(header.attributes)} attributes"
                    f" ({', '.join(header.attributes)}) and the values, parted by colons, found {len(fields)} and"
                    " values; mend that line"
                )
            told = dict(zip(header.attributes, map(str.strip, fields), strict=True))
            if not (name := told[_NAME]):
                raise DataError(f"{where}: line {number}: expected the series' name, found none; fill it in")
            if (first := seen.setdefault(name, number)) != number:
                raise DataError(
                    f"{where}: line {number}: series {shown(name)} stands in line {first} already; rename one of them"
                )
            piece.add(number, told, _numbers(text, where, number, name))
            if piece.size >= _VALUES:
                yield piece.rows()
                piece = _Piece(header, step, where)
        if not seen:
            raise DataError(f"{where}: expected a series in each line after {_DATA}, found none; copy the file again")
        if piece.size:
            yield piece.rows()


def parse_frequency(text: str) -> tuple[int, int] | None:
    """The step that a frequency such as daily, half_hourly or 4_seconds says: (seconds, months), one of them 0.

    None where it says none.
    """
    if (found := _FREQUENCY.fullmatch(_ADVERBS.get(text.lower(), text.lower()))) is None:
        return None
    count, unit = int(found[1]), found[2]
    return count * _SECONDS.get(unit, 0), count * _MONTHS.get(unit, 0)


def times_after(starts: NDArray[Any], places: NDArray[np.int64], step: tuple[int, int]) -> NDArray[Any]:
    """The times that lie ``places`` steps after ``starts``, in seconds since 1970 as NumPy has them.

    Steps of months keep the day of the month, or take a shorter month's last one.
    """
    seconds, months = step
    starts = starts.astype("M8[s]")
    if not months:
        return np.asarray(starts + (places * seconds).astype("m8[s]"))
    first = starts.astype("M8[M]")
    into = starts - first.astype("M8[s]")
    later = first + (places * months).astype("m8[M]")
    day, length = into.astype("m8[D]"), (later + 1).astype("M8[D]") - later.astype("M8[D]")
    return np.asarray(later.astype("M8[s]") + np.minimum(day, length - np.timedelta64(1, "D")) + (into - day))


class _Piece:
    """Series that are read, until they become rows."""

    def __init__(self, header: MonashHeader, step: tuple[int, int] | None, where: str) -> None:
        self._header, self._step, self._where = header, step, where
        self._told: list[dict[str, str]] = []
        self._lines: list[int] = []
        self._values: list[NDArray[np.float64]] = []
        self.size = 0

    def add(self, line: int, told: dict[str, str], values: NDArray[np.float64]) -> None:
        self._told.append(told)
        self._lines.append(line)
        self._values.append(values)
        self.size += len(values)

    def rows(self) -> LongRows:
        lengths = np.array([*map(len, self._values)], np.int64)
        places = np.arange(self.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return LongRows(
            [told[_NAME] for told in self._told],
            lengths,
            places + 1 if self._step is None else times_after(np.repeat(self._starts(), lengths), places, self._step),
            np.concatenate(self._values),
            {name: [told[name] for told in self._told] for name in self._header.more},
        )

    def _starts(self) -> NDArray[Any]:
        stamp = str(self._header.stamp)
        texts = pd.Series([told[stamp] for told in self._told], dtype=object)
        starts = pd.to_datetime(texts, format=_STAMP, errors="coerce")
        if len(bad := np.flatnonzero(starts.isna())):
            raise DataError(
                f"{self._where}: line {self._lines[bad[0]]}: expected {stamp} such as 2020-01-31 13-00-00, found"
                f" {shown(texts.iloc[bad[0]])}; mend it"
            )
        return starts.to_numpy()


def _lines(path: Path, csv: CsvFormat, stack: ExitStack) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1, without blanks around them."""
    with ExitStack() as first, told_of_archive(path):
        start = open_monash(path, first).read(MARKED)
    encoding, raw = csv.encoding or encoding_by_mark(path, f"a {SUFFIX} file", start), open_monash(path, stack)
    if encoding != "utf-8-sig":
        lines = _decoded(stack.enter_context(io.TextIOWrapper(raw, encoding)), str(path), encoding)
    else:
        lines = ((number, _text(line).strip()) for number, line in enumerate(raw, start=1))
    with told_of_archive(path):
        yield from lines


def _decoded(file: Iterable[str], where: str, encoding: str) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        for number, line in enumerate(file, start=1):
            yield number, line.strip()
    except UnicodeError as error:
        raise DataError(
            f"{where}: line {number + 1}: expected {encoding} text, found other bytes; give another `encoding`"
        ) from error


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("latin-1")  # as many files of the archive are


def _header(lines: Iterator[tuple[int, str]], where: str) -> MonashHeader:
    header = MonashHeader()
    for number, line in lines:
        if not line or line.startswith("#"):
            continue
        tag, *words = line.split()
        if tag.lower() == _DATA:
            _check_header(header, where)
            return header
        _read_tag(header, tag, words, f"{where}: line {number}")
    raise DataError(f"{where}: expected {_DATA} and a series in each line after it, found none; copy the file again")


def _read_tag(header: MonashHeader, tag: str, words: list[str], where: str) -> None:
    name = tag.lower().removeprefix("@")
    if not tag.startswith("@"):
        raise DataError(
            f"{where}: expected a line such as @frequency daily before {_DATA}, found {shown(tag)}; mend it"
        )
    if name not in _TAGS:
        known = [f"@{known}" for known in _TAGS]
        raise DataError(
            f"{where}: expected one of {', '.join(known)}, found {shown(tag)}{close_match_hint(tag, known)}"
        )
    if name == "attribute":
        if len(words) != 2 or words[1].lower() not in _KINDS:
            raise DataError(
                f"{where}: expected @attribute, a name and one of {', '.join(_KINDS)}, found"
                f" {shown(' '.join(words))}; mend it"
            )
        if words[0] in header.attributes or words[0] in LONG:
            raise DataError(f"{where}: attribute '{words[0]}' is there already; rename it")
        header.attributes[words[0]] = words[1].lower()
    elif name == "frequency":
        if len(words) != 1 or parse_frequency(words[0]) is None:
            raise DataError(
                f"{where}: expected a frequency such as hourly, half_hourly, daily or 10_minutes, found"
                f" {shown(' '.join(words))}; mend it, or remove the line, and times are counted"
            )
        header.frequency = words[0].lower()
    elif name == "horizon":
        if len(words) != 1 or not words[0].isdecimal() or not int(words[0]):
            raise DataError(f"{where}: expected a whole number of steps, found {shown(' '.join(words))}; mend it")
        header.horizon = int(words[0])


def _check_header(header: MonashHeader, where: str) -> None:
    if header.attributes.get(_NAME) is None:
        raise DataError(f"{where}: expected a line @attribute {_NAME} string before {_DATA}, found none; add it")
    if len(dates := [name for name, kind in header.attributes.items() if kind == "date"]) > 1:
        raise DataError(
            f"{where}: expected one attribute of the kind date, each series' first time, found {' and '.join(dates)};"
            " call the others string"
        )


def _numbers(text: str, where: str, line: int, name: str) -> NDArray[np.float64]:
    """The values of a line; raises DataError for the first that is neither a number nor missing."""
    parts = text.replace(MISSING, "nan").split(",")
    try:
        values = np.array(parts, dtype=np.float64)
    except ValueError:
        values = np.full(len(parts), np.inf)
    if "_" not in text and not np.isinf(values).any():  # Python's numbers may have underscores
        return values
    place = next(place for place, part in enumerate(parts) if not _is_number(part))
    found = "none" if not parts[place].strip() else shown(parts[place].strip())
    raise DataError(
        f"{where}: line {line}, series {shown(name)}: expected a number, or {MISSING} where it is missing, as value"
        f" {place + 1}, found {found}; mend it"
    )


def _is_number(text: str) -> bool:
    try:
        return "_" not in text and not np.isinf(float(text))
    except ValueError:
        return False
