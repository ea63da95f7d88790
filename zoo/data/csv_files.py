"""Read a CSV file as it says that it is written, and drop nothing in silence."""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from zoo_registry.errors import ConfigError, DataError, first_line

# From pandas 3.1 on numbers are always read to the nearest double, and asking for it is deprecated
_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
_NEAREST: dict[str, Any] = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written. ``encoding`` None: as its byte-order mark says, UTF-8 where it has none.

    A tab may be given as a backslash and a t, as in a shell. Raises ConfigError for other signs of more than one
    character and for unknown encodings.
    """

    delimiter: str = ","
    decimal: str = "."
    encoding: str | None = None

    def __post_init__(self) -> None:
        if self.delimiter == r"\t":
            object.__setattr__(self, "delimiter", "\t")  # as dataclasses themselves do where they are frozen
        for option, sign in (("--delimiter", self.delimiter), ("--decimal", self.decimal)):
            if len(sign) != 1:
                raise ConfigError(f"{option} is one character, found {sign!r}; give another")
        if self.delimiter == self.decimal:
            raise ConfigError(f"--delimiter and --decimal are both {self.decimal!r}; give them different signs")
        try:
            "".encode(self.encoding or "utf-8")  # where looking it up would take base64 and the like for one
        except (LookupError, UnicodeError) as error:
            raise ConfigError(
                f"there is no encoding {self.encoding!r}; give one such as utf-8, latin-1, utf-16"
            ) from error


_MARKS = (  # the longer ones first, as UTF-32's little-endian mark begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMPRESSED = {".gz", ".bz2", ".zip", ".xz", ".zst", ".tar"}
_FOREIGN = (  # how files begin that are no text, whatever their names say
    (b"PAR1", "a Parquet file; name it .parquet"),
    (b"PK\x03\x04", "a zip archive, as Excel's workbooks are; save its sheet as CSV, or name the archive .csv.zip"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save its sheet as CSV"),
    (b"\x1f\x8b", "a gzip archive; name it .csv.gz"),
)
_UNEVEN = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")  # what pandas says
_UNCLOSED = re.compile(r"EOF inside string starting at row (\d+)")


def read_csv(path: Path, csv: CsvFormat) -> pd.DataFrame:
    """Read a CSV file strictly; raises DataError where it is not what its header and ``csv`` promise."""
    (frame,) = read_csv_chunks(path, csv, None)
    return frame


def read_csv_chunks(path: Path, csv: CsvFormat, rows: int | None) -> Iterator[pd.DataFrame]:
    """Read a CSV file as :func:`read_csv` does, in frames of ``rows`` rows, or in one frame where that is None."""
    encoding = csv.encoding or _encoding_by_mark(path)
    try:
        # pandas renames the second of two equal names in silence, so the header is read as data first
        header = pd.read_csv(
            path, sep=csv.delimiter, header=None, nrows=1, dtype=str, keep_default_na=False, encoding=encoding
        )
        names = header.iloc[0].tolist()
        if len(names) == 1 and (signs := [sign for sign in ",;\t|" if sign in names[0]]):
            raise DataError(
                f"{path}: expected {csv.delimiter!r} between columns, found one column {names[0]!r};"
                f" give --delimiter {signs[0]!r}"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # told where fields are dropped
            with pd.read_csv(
                path,
                chunksize=rows,
                iterator=True,
                index_col=False,  # else surplus first fields become an index in silence
                skip_blank_lines=len(names) > 1,  # a blank line in a single column is a missing value
                low_memory=False,
                sep=csv.delimiter,
                decimal=csv.decimal,
                encoding=encoding,
                **_NEAREST,
            ) as reader:
                for frame in reader if rows is not None else [reader.read()]:
                    if len(frame.columns) != len(names):
                        raise DataError(f"{path}: expected the header in the first line, found a blank line; remove it")
                    yield frame.set_axis(names, axis="columns")
    except DataError:
        raise
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the file is empty; expected a header line and rows") from error
    except pd.errors.ParserError as error:
        raise DataError(f"{path}: {_malformed(error)}") from error
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
        if path.suffix.lower() not in _COMPRESSED:
            raise DataError(f"{path}: not a readable CSV file ({_reason(error)}); check it") from error
        raise DataError(
            f"{path}: not a readable CSV file, as its {path.suffix.lower()} archive is broken ({_reason(error)});"
            " pack it anew, or give the file in it"
        ) from error


def _encoding_by_mark(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if path.suffix.lower() in _COMPRESSED:
        return "utf-8-sig"
    for beginning, what in _FOREIGN:
        if start.startswith(beginning):
            raise DataError(f"{path}: expected the text of a CSV file, found {what}")
    if b"\0" in start:
        halves = start[::2].count(0), start[1::2].count(0)
        if max(halves) > len(start) / 4:  # half of each Latin letter in UTF-16
            likely = "utf-16-be" if halves[0] > halves[1] else "utf-16-le"
            raise DataError(f"{path}: expected UTF-8 text, found NUL bytes; give its --encoding, such as {likely}")
        line = 1 + start.count(b"\n", 0, start.index(0))
        raise DataError(f"{path}: line {line}: expected UTF-8 text, found a NUL byte; mend that line")
    return "utf-8-sig"  # with a mark or without


def _malformed(error: pd.errors.ParserError) -> str:
    """Say what pandas says of lines and fields in the words of this project; lines count from 1, the header's too."""
    text = _reason(error)
    if found := _UNEVEN.search(text):
        return f"line {found[2]}: expected {_fields(found[1])} as in the header, found {found[3]}; mend that line"
    if found := _UNCLOSED.search(text):
        return f"line {int(found[1]) + 1}: expected the quote that begins here to end, found the file's end; close it"
    return f"not a well-formed CSV file ({text}); mend that line"


def _fields(number: object) -> str:
    return f"{number} field" if str(number) == "1" else f"{number} fields"


def _undecodable(path: Path, csv: CsvFormat, encoding: str, error: UnicodeError) -> str:
    """Name the encoding, and the byte that is not in it where there is one; in UTF-8 its line too."""
    name = encoding.removesuffix("-sig").upper()
    remedy = "save it as UTF-8, or give its --encoding, such as latin-1"
    if csv.encoding is not None:
        remedy = "give another --encoding, or leave it out where the file is UTF-8"
    # Of a missing byte-order mark Python 3.13 names a byte where earlier ones named none; no byte of them is to blame
    if not isinstance(error, UnicodeDecodeError) or error.encoding in ("utf-16", "utf-32"):
        return f"expected {name} text, found other bytes; {remedy}"
    line = ""
    if name == "UTF-8" and path.suffix.lower() not in _COMPRESSED:
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
