"""Results as Parquet files: written frame by frame, and marked with what they were made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ORIGIN_KEY = "zoo.scoring"  # among the schema's metadata
OUTSIDE_KEY = "zoo.outside"  # among the file's


@dataclass(frozen=True)
class Mark:
    """What a result says that it is made of, its rows, and which values lay outside the training's range."""

    origin: dict[str, Any]
    rows: int
    outside: tuple[str, ...] = ()


class ParquetWriter:
    """Appends frames of the same columns to a Parquet file, without their indexes.

    ``origin`` is what the file is made of, as plain data, and stands among the schema's metadata.
    """

    def __init__(self, path: Path, origin: Mapping[str, Any] | None = None) -> None:
        self._path, self._origin, self._writer = path, origin, None  # type: Path, Mapping[str, Any] | None, Any

    def write(self, frame: pd.DataFrame) -> None:
        """Append a frame's rows."""
        import pyarrow as pa
        import pyarrow.parquet

        if self._writer is None:
            schema = pa.Schema.from_pandas(frame, preserve_index=False)
            if self._origin is not None:
                text = json.dumps(self._origin, sort_keys=True)
                schema = schema.with_metadata({**schema.metadata, ORIGIN_KEY: text})
            self._writer = pyarrow.parquet.ParquetWriter(self._path, schema)
        self._writer.write_table(pa.Table.from_pandas(frame, schema=self._writer.schema, preserve_index=False))

    def tell_outside(self, sentences: Sequence[str]) -> None:
        """Keep which values lay outside the training's range; after the first frame, as that is known at the end."""
        self._writer.add_key_value_metadata({OUTSIDE_KEY: json.dumps(sentences)})

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()


def read_mark(path: Path) -> Mark | None:
    """Read what a Parquet file is made of; None where another program wrote it.

    Raises ValueError for what is no whole Parquet file, and OSError where it cannot be read.
    """
    import pyarrow.parquet

    with path.open("rb") as file:
        footer = pyarrow.parquet.read_metadata(file)
    texts = footer.metadata or {}
    if (origin := texts.get(ORIGIN_KEY.encode())) is None:
        return None
    return Mark(json.loads(origin), footer.num_rows, tuple(json.loads(texts.get(OUTSIDE_KEY.encode(), b"[]"))))
