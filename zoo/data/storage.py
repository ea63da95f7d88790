"""Where large arrays live: in memory, or in temporary files that are mapped into it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK_ROWS = 2**17
MEMORY_SHARE = 0.5  # of the machine's memory that a file may have in bytes and still be read whole
_ALIGNMENT = 64  # bytes; TensorFlow shares memory that begins at a multiple of it, and no other


def memory_bytes() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class SpoolFile:
    """Rows written one block after the other to a temporary file, then mapped into memory as one array.

    The file has no name: it is gone with this process, however that ends. Raises OSError where the disk is full.
    """

    def __init__(self, folder: Path, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._shape: tuple[int, ...] = (0,)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed with this object)

    def __del__(self) -> None:
        self._file.close()  # the mapping has its own hold of the file

    def append(self, block: NDArray[Any]) -> None:
        """Add rows; all blocks have the same further axes."""
        self._shape = (self._shape[0] + len(block), *block.shape[1:])
        self._file.write(np.ascontiguousarray(block, dtype=self._dtype).tobytes())

    def array(self) -> NDArray[Any]:
        """All rows: contiguous, aligned and writable."""
        if 0 in self._shape:
            return np.empty(self._shape, self._dtype)
        self._file.flush()
        return np.memmap(self._file, self._dtype, "r+", shape=self._shape)


def collect(
    blocks: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: DTypeLike, folder: Path | None = None
) -> NDArray[Any]:
    """Bring blocks of rows into one contiguous, aligned array, mapped from ``folder`` where one is given."""
    if folder is not None:
        spool = SpoolFile(folder, dtype)
        for block in blocks:
            spool.append(block)
        return spool.array()
    size = np.dtype(dtype).itemsize * int(np.prod(shape))
    buffer = np.empty(size + _ALIGNMENT, np.uint8)
    first = -buffer.ctypes.data % _ALIGNMENT
    whole: NDArray[Any] = buffer[first : first + size].view(dtype).reshape(shape)
    row = 0
    for block in blocks:
        whole[row : row + len(block)] = block
        row += len(block)
    return whole


def rows_where(test: Callable[[slice], NDArray[np.bool_]], start: int, stop: int) -> NDArray[np.int64]:
    """The rows from ``start`` to ``stop`` for which ``test`` is true, which is asked of one block after the other."""
    found = [rows.start + np.flatnonzero(test(rows)) for rows in row_blocks(start, stop)]
    return np.concatenate([np.empty(0, np.int64), *found])


def steps_where(
    test: Callable[[NDArray[np.int64]], NDArray[np.bool_]], numbers: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The rows for whose differences to the row before ``test`` is true, without ``starts``, which follow no other."""
    found = rows_where(lambda rows: test(numbers[rows] - numbers[rows.start - 1 : rows.stop - 1]), 1, len(numbers))
    return np.setdiff1d(found, starts, assume_unique=True)


def row_blocks(start: int, stop: int) -> Iterator[slice]:
    """Cut rows into slices of at most ``BLOCK_ROWS``."""
    for first in range(start, stop, BLOCK_ROWS):
        yield slice(first, min(first + BLOCK_ROWS, stop))
