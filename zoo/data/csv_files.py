"""Read a CSV file as it says that it is written, and drop nothing in silence."""

from __future__ import annotations

import codecs
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from zoo_registry.errors import ConfigError, DataError

# From pandas 3.1 on numbers are always read to the nearest double, and asking for it is deprecated
_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
_NEAREST: dict[str, Any] = {} if _PANDAS >= (3, 1) else {"float_precision": "round_trip"}


@dataclass(frozen=True)
class CsvFormat:
    """How a CSV file is written. ``encoding`` None: as its byte-order mark says, UTF-8 where it has none.

    Raises ConfigError for signs of more than one character and for unknown encodings.
    """

    delimiter: str = ","
    decimal: str = "."
    encoding: str | None = None

    def __post_init__(self) -> None:
        for option, sign in (("--delimiter", self.delimiter), ("--decimal", self.decimal)):
            if len(sign) != 1:
                raise ConfigError(f"{option} is one character, found {sign!r}; give another")
        if self.delimiter == self.decimal:
            raise ConfigError(f"--delimiter and --decimal are both {self.decimal!r}; give them different signs")
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError as error:
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
                f" give --delimiter '{signs[0]}'"
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
        raise DataError(f"{path}: not a well-formed CSV file ({first_line(error)}); mend that line") from error
    except pd.errors.ParserWarning as error:
        raise DataError(
            f"{path}: expected {len(names)} fields in each row as in the header, found more; mend either"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: expected {encoding.removesuffix('-sig').upper()} text, found the byte"
            f" 0x{error.object[error.start]:02x}; save it as UTF-8, or give its --encoding, such as latin-1"
        ) from error
    except Exception as error:  # a broken archive, for example
        raise DataError(f"{path}: not a readable CSV file ({first_line(error)}); check it") from error


def _encoding_by_mark(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4096)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if b"\0" in start and path.suffix.lower() not in _COMPRESSED:
        raise DataError(f"{path}: expected UTF-8 text, found NUL bytes; give its --encoding, such as utf-16-le")
    return "utf-8-sig"  # with a mark or without


def first_line(error: Exception) -> str:
    """The first line of what an error says."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return text.splitlines()[0].removeprefix("Error tokenizing data. C error: ").rstrip(".")
