"""The long format of forecasting libraries: a row for each time of each series, in the columns unique_id, ds and y."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ID, TIME, VALUE = "unique_id", "ds", "y"  # as Nixtla's libraries call them
LONG = (ID, TIME, VALUE)


@dataclass(frozen=True)
class LongRows:
    """Rows of whole series: each series' name and number of rows, then the times and values of all, (rows,).

    ``more`` gives columns of text that do not change within a series, with a value for each series.
    """

    names: Sequence[str]
    lengths: NDArray[np.int64]
    times: NDArray[Any]
    values: NDArray[np.float64]
    more: dict[str, Sequence[str]] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """The rows as a table; names are categories, so that each is held once."""
        series = np.repeat(np.arange(len(self.names)), self.lengths)
        columns: dict[str, Any] = {
            ID: categories(series, self.names),
            TIME: self.times,
            VALUE: self.values,
        }
        for name, texts in self.more.items():
            codes, known = pd.factorize(np.array(texts, dtype=object))
            columns[name] = categories(codes[series], known)
        return pd.DataFrame(columns)


def categories(codes: NDArray[Any], names: Any) -> Any:
    """A column of text by the numbers of its names, each of which is held once."""
    known: Any = pd.Index(names, dtype="object")
    return pd.Categorical.from_codes(codes, known)


def long_frames(pieces: Iterator[LongRows], rows: int | None) -> Iterator[pd.DataFrame]:
    """The tables of pieces, one after the other, or all in one where ``rows`` is None."""
    if rows is not None:
        yield from (piece.frame() for piece in pieces)
        return
    if not (found := list(pieces)):
        return
    yield LongRows(
        [name for piece in found for name in piece.names],
        np.concatenate([piece.lengths for piece in found]),
        np.concatenate([piece.times for piece in found]),
        np.concatenate([piece.values for piece in found]),
        {name: [text for piece in found for text in piece.more[name]] for name in found[0].more},
    ).frame()
