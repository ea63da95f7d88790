"""Arrays of blocks: in memory and in files, as TensorFlow can share them, and gone with the process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.data import storage
from zoo.data.storage import SpoolFile, collect, row_blocks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder, which is to be empty again in the end."""
    return tmp_path


def cut(whole: np.ndarray, ends: set[int]) -> list[np.ndarray]:
    return np.split(whole, sorted(ends))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(0, 40),
    columns=st.integers(1, 4),
    ends=st.sets(st.integers(0, 40), max_size=6),
    dtype=st.sampled_from([np.float32, np.float64, np.int32]),
    spooled=st.booleans(),
)
def test_blocks_come_back_as_one_array(tmp_path: Path, rows: int, columns: int, ends: set[int], dtype, spooled: bool):
    whole = np.arange(rows * columns).reshape(rows, columns).astype(dtype)
    found = collect(cut(whole, ends), whole.shape, dtype, tmp_path if spooled else None)
    np.testing.assert_array_equal(found, whole)
    assert found.dtype == dtype
    assert found.flags.c_contiguous
    assert found.flags.writeable
    assert not found.size or found.ctypes.data % 64 == 0
    assert not list(tmp_path.iterdir())


def test_blocks_are_brought_to_the_type_that_is_asked_for(folder: Path):
    block = np.array([[1, 2], [3, 4]], np.int64).T  # not contiguous either
    for place in (None, folder):
        found = collect([block, block], (4, 2), np.float32, place)
        assert found.dtype == np.float32
        assert found.tolist() == [[1, 3], [2, 4], [1, 3], [2, 4]]


def test_the_array_outlives_its_file_and_can_be_written(folder: Path):
    file = SpoolFile(folder, np.float64)
    file.append(np.zeros((5, 2)))
    array = file.array()
    del file
    gc.collect()
    array[3] = 7
    assert array.sum() == 14
    assert not list(folder.iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_no_file_stays_open(folder: Path):
    def opened() -> int:
        return sum(os.path.realpath(link).startswith(str(folder)) for link in Path("/proc/self/fd").iterdir())

    array = collect([np.zeros((4, 2))], (4, 2), np.float32, folder)
    assert opened() == 1  # the mapping's own
    del array
    gc.collect()
    assert opened() == 0


def test_a_killed_process_leaves_nothing(folder: Path):
    program = (
        "import os, sys, numpy as np; from pathlib import Path; from zoo.data.storage import SpoolFile;"
        "file = SpoolFile(Path(sys.argv[1]), np.float32); file.append(np.zeros((1000, 8))); array = file.array();"
        "os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(folder)], check=False).returncode == -9
    assert not list(folder.iterdir())


@given(start=st.integers(0, 50), length=st.integers(0, 50), size=st.integers(1, 20))
def test_slices_of_rows_follow_each_other(start: int, length: int, size: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "BLOCK_ROWS", size)
        found = list(row_blocks(start, start + length))
    assert [row for part in found for row in range(part.start, part.stop)] == list(range(start, start + length))
    assert all(0 < part.stop - part.start <= size for part in found)
    assert all(part.stop - part.start == size for part in found[:-1])
