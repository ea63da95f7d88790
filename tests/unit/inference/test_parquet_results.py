"""Results carry a mark that other Parquet files have not."""

from __future__ import annotations

from contextlib import closing

import pandas as pd
import pyarrow.parquet
import pytest

from zoo.inference.parquet_results import ORIGIN_KEY, Mark, ParquetWriter, read_mark

FRAME = pd.DataFrame({"x": [1.5, 2.5], "name": ["a", "b"]}, index=[7, 8])


def test_frames_are_appended_without_their_index_and_the_mark_is_read(tmp_path):
    path = tmp_path / "a.parquet"
    with closing(ParquetWriter(path, {"input": "é", "list": (1,)})) as writer:
        writer.write(FRAME)
        writer.write(FRAME)
        writer.tell_outside(["column 'x': far"])
    pd.testing.assert_frame_equal(pd.read_parquet(path), pd.concat([FRAME, FRAME], ignore_index=True))
    assert read_mark(path) == Mark({"input": "é", "list": [1]}, 4, ("column 'x': far",))
    assert ORIGIN_KEY.encode() in pyarrow.parquet.read_schema(path).metadata


def test_no_mark_where_another_program_wrote_it(tmp_path):
    FRAME.to_parquet(tmp_path / "a.parquet")
    assert read_mark(tmp_path / "a.parquet") is None
    with closing(ParquetWriter(tmp_path / "b.parquet")) as writer:
        writer.write(FRAME)
    assert read_mark(tmp_path / "b.parquet") is None


def test_half_a_file_is_no_result(tmp_path):
    path = tmp_path / "a.parquet"
    FRAME.to_parquet(path)
    whole = path.read_bytes()
    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises((ValueError, OSError)):
            read_mark(path)
