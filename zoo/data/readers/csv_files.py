"""Read a CSV file as it says that it is written, and drop nothing in silence."""

from __future__ import annotations

import codecs
import csv as plain_csv
import re
import warnings
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.data.readers.csv_comments import (
    COMMENT_REMEDY,
    COMMENT_SIGN,
    COMPRESSED,
    WithoutComments,
    begins_with_comments,
)
from zoo_registry.errors import ConfigError, DataError, first_line

# From pandas 3.1 on numbers are always read to the nearest double, and asking for it is deprecated
_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
_NEAREST: dict[str, Any] = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written. ``encoding`` None: as its byte-order mark says, UTF-8 where it has none.

    Lines that begin with ``comment`` are skipped. ``thousands`` stands between the digits of a number in threes. A tab
    may be given as a backslash and a t, as in a shell. Raises ConfigError for other signs of more than one character,
    for signs that clash, and for unknown encodings.
    """

    delimiter: str = ","
    decimal: str = "."
    encoding: str | None = None
    comment: str | None = None
    thousands: str | None = None

    def __post_init__(self) -> None:
        if self.delimiter == r"\t":
            object.__setattr__(self, "delimiter", "\t")  # as dataclasses themselves do where they are frozen
        signs = {name: getattr(self, name) for name in ("delimiter", "decimal", "comment", "thousands")}
        for option, sign in signs.items():
            if sign is not None and len(sign) != 1:
                raise ConfigError(f"`{option}` is one character, found {sign!r}; give another")
        for one, other in (("delimiter", "decimal"), ("decimal", "thousands"), ("delimiter", "comment")):
            if signs[one] == signs[other]:  # thousands may be parted as fields are, inside quotes
                raise ConfigError(f"`{one}` and `{other}` are both {signs[one]!r}; give them different signs")
        try:
            "".encode(self.encoding or "utf-8")  # where looking it up would take base64 and the like for one
        except (LookupError, UnicodeError) as error:
            raise ConfigError(
                f"there is no encoding {self.encoding!r}; give one such as utf-8, latin-1, utf-16"
            ) from error


MARKED = 4096  # bytes that the encoding is told by
_MARKS = (  # the longer ones first, as UTF-32's little-endian mark begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What pandas takes for a missing value; where columns of text are told apart, it has to be given to the others
MISSING_TEXTS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
_FOREIGN = (  # how files begin that are no text, whatever their names say
    (b"PAR1", "a Parquet file; name it .parquet"),
    (b"PK\x03\x04", "a zip archive, as Excel's workbooks are; save its sheet as CSV, or name the archive .csv.zip"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save its sheet as CSV"),
    (b"\x1f\x8b", "a gzip archive; name it .csv.gz"),
)
_UNEVEN = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")  # what pandas says
_UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")


def read_csv_chunks(path: Path, csv: CsvFormat, rows: int | None, text: Collection[str] = ()) -> Iterator[pd.DataFrame]:
    """Read a CSV file strictly, in frames of ``rows`` rows, or in one frame where that is None.

    Columns of ``text`` are read as they stand: ``007`` stays that, ``NA`` is a name, and only nothing is missing.
    Raises DataError where the file is not what its header and ``csv`` promise.
    """
    encoding = csv.encoding or encoding_by_mark(path)
    source: Path | WithoutComments = path
    names: list[str] = []
    try:
        with ExitStack() as stack:
            names = header_names(path, csv, encoding)
            if csv.comment is not None:
                source = stack.enter_context(WithoutComments(path, csv.comment, encoding))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("error", pd.errors.ParserWarning)  # told where fields are dropped
            reader = stack.enter_context(
                pd.read_csv(
                    source,
                    chunksize=rows,
                    iterator=True,
                    index_col=False,  # else surplus first fields become an index in silence
                    skip_blank_lines=len(names) > 1,  # a blank line in a single column is a missing value
                    low_memory=False,
                    sep=csv.delimiter,
                    decimal=csv.decimal,
                    encoding=encoding,
                    **_as_they_stand(names, text),
                    **_NEAREST,
                )
            )
            for frame in reader if rows is not None else [reader.read()]:
                if len(frame.columns) != len(names):
                    raise DataError(f"{path}: expected the header in the first line, found a blank line; remove it")
                yield frame.set_axis(names, axis="columns")
    except (ConfigError, DataError):
        raise
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the file is empty; expected a header line and rows") from error
    except pd.errors.ParserError as error:
        raise DataError(f"{path}: {_malformed(error, path, encoding, source)}") from error
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path}: expected {_fields(len(names))} in each row as in the header, found more in the first one; mend"
            " either, or remove what stands above the header"
        ) from error
    except UnicodeError as error:
        raise DataError(f"{path}: {_undecodable(path, csv, encoding, error)}") from error
    except ImportError as error:
        raise DataError(
            f"{path}: unpacking it needs the module '{error.name or 'zstandard'}'; unpack it first"
        ) from error
    except Exception as error:  # a broken archive, for example
        if path.suffix.lower() not in COMPRESSED:
            raise DataError(f"{path}: not a readable CSV file ({_reason(error)}); check it") from error
        raise DataError(
            f"{path}: not a readable CSV file, as its {path.suffix.lower()} archive is broken ({_reason(error)});"
            " pack it anew, or give the file in it"
        ) from error


def header_names(path: Path, csv: CsvFormat, encoding: str) -> list[str]:
    """The names in the header as they stand, of which pandas renames the second of two that are equal in silence.

    Raises DataError for a file with one column that was cut by another delimiter, and for comments above the header.
    """
    with ExitStack() as stack:
        source = None if csv.comment is None else stack.enter_context(WithoutComments(path, csv.comment, encoding))
        header = pd.read_csv(
            source or path,
            sep=csv.delimiter,
            header=None,
            nrows=1,
            dtype=str,
            keep_default_na=False,
            encoding=encoding,
        )
    names: list[str] = header.iloc[0].tolist()
    if csv.comment is None and names[0].startswith(COMMENT_SIGN) and path.suffix.lower() not in COMPRESSED:
        with path.open(encoding=encoding, newline="") as file:
            first = list(islice(filter(None, plain_csv.reader(file, delimiter=csv.delimiter)), 2))
        if begins_with_comments(first):
            raise DataError(
                f"{path}: expected the header in the first line, found {names[0]!r}, which looks like a comment; give"
                f" `comment={COMMENT_SIGN!r}`, which skips such lines, or remove it"
            )
    if len(names) == 1 and (signs := [sign for sign in ",;\t|" if sign in names[0]]):
        raise DataError(
            f"{path}: expected {csv.delimiter!r} between columns, found one column {names[0]!r};"
            f" give `delimiter={signs[0]!r}`"
        )
    return names


def _as_they_stand(names: list[str], text: Collection[str]) -> dict[str, Any]:
    """What pandas is given so that the columns of text are read as text, and all others as without it."""
    kept = [number for number, name in enumerate(names) if name in text]
    if not kept:
        return {}
    missing = {number: [""] if number in kept else list(MISSING_TEXTS) for number in range(len(names))}
    return {"dtype": dict.fromkeys(kept, str), "na_values": missing, "keep_default_na": False}


def encoding_by_mark(path: Path, kind: str = "a CSV file", start: bytes | None = None) -> str:
    """The encoding that a file's first bytes tell, UTF-8 where they tell none; raises DataError for what is no text.

    ``start`` are the first ``MARKED`` bytes of what is in an archive.
    """
    if start is None:
        with path.open("rb") as file:
            start = file.read(MARKED)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if path.suffix.lower() in COMPRESSED:
        return "utf-8-sig"
    for beginning, what in _FOREIGN:
        if start.startswith(beginning):
            raise DataError(f"{path}: expected the text of {kind}, found {what}")
    if b"\0" in start:
        halves = start[::2].count(0), start[1::2].count(0)
        if max(halves) > len(start) / 4:  # half of each Latin letter in UTF-16
            likely = "utf-16-be" if halves[0] > halves[1] else "utf-16-le"
            raise DataError(f"{path}: expected UTF-8 text, found NUL bytes; give its `encoding`, such as {likely}")
        line = 1 + start.count(b"\n", 0, start.index(0))
        raise DataError(f"{path}: line {line}: expected UTF-8 text, found a NUL byte; mend that line")
    return "utf-8-sig"  # with a mark or without


def _malformed(error: pd.errors.ParserError, path: Path, encoding: str, source: Path | WithoutComments) -> str:
    """Say what pandas says of lines and fields in the words of this project; lines count from 1, the header's too."""
    text = _reason(error)

    def line(number: int) -> int:
        return source.line_in_file(number) if isinstance(source, WithoutComments) else number

    if found := _UNEVEN.search(text):
        number = line(int(found[2]))
        hint = f", {COMMENT_REMEDY}" if source is path and _is_comment(path, number, encoding) else ""
        return f"line {number}: expected {_fields(found[1])} as in the header, found {found[3]}; mend that line{hint}"
    if found := _UNCLOSED.search(text):
        number = line(int(found[1]) + 1)
        return f"line {number}: expected the quote that begins here to end, found the file's end; close it"
    return f"not a well-formed CSV file ({text}); mend that line"


def _is_comment(path: Path, number: int, encoding: str) -> bool:
    """Whether a line, which count from 1, begins with the usual sign."""
    if path.suffix.lower() in COMPRESSED:
        return False
    with path.open(encoding=encoding, errors="replace") as file:
        return next(islice(file, number - 1, None), "").startswith(COMMENT_SIGN)


def _fields(number: object) -> str:
    return f"{number} field" if str(number) == "1" else f"{number} fields"


def _undecodable(path: Path, csv: CsvFormat, encoding: str, error: UnicodeError) -> str:
    """Name the encoding, and the byte that is not in it where there is one; in UTF-8 its line too."""
    name = encoding.removesuffix("-sig").upper()
    remedy = "save it as UTF-8, or give its `encoding`, such as latin-1"
    if csv.encoding is not None:
        remedy = "give another `encoding`, or leave it out where the file is UTF-8"
    # Of a missing byte-order mark Python 3.13 names a byte where earlier ones named none; no byte of them is to blame
    if not isinstance(error, UnicodeDecodeError) or error.encoding in ("utf-16", "utf-32"):
        return f"expected {name} text, found other bytes; {remedy}"
    line = ""
    if name == "UTF-8" and path.suffix.lower() not in COMPRESSED:
        with path.open("rb") as file:
            number = next((number for number, text in enumerate(file, start=1) if not _is_utf8(text)), 0)
        line = f"line {number}: " if number else ""
    return f"{line}expected {name} text, found the byte 0x{error.object[error.start]:02x}; {remedy}"


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _reason(error: Exception) -> str:
    """What pandas says of a file, without the words that it begins with."""
    return first_line(error).removeprefix("Error tokenizing data. C error: ")
