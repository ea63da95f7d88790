"""Read an .npz file that somebody else made: plain numbers, as many as the file has bytes for, and no pickle."""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUFFIX = ".npy"


def read_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, as ``numpy.savez`` writes it, by name.

    Raises ValueError for anything else: compressed or overlapping members, which may unpack to any size, headers that
    announce more than is there, and types other than numbers and truth values.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("a member is compressed")
            if sum(member.file_size for member in members) > len(content):
                raise ValueError("its members announce more bytes than it has")
            arrays = {member.filename.removesuffix(SUFFIX): _array(archive.read(member)) for member in members}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"it is no .npz file: {error}") from error
    if len(arrays) != len(members):
        raise ValueError("a name stands twice")
    return arrays


def _array(content: bytes) -> NDArray[Any]:
    file = io.BytesIO(content)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"an array of format {version}")
    shape, fortran, dtype = readers[version](file)
    if dtype.kind not in "fiub":
        raise ValueError(f"an array of type {dtype}, where numbers are expected")
    found = len(content) - file.tell()
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != found:
        raise ValueError(f"an array of shape {shape} and type {dtype} in {found} bytes")
    flat = np.frombuffer(content, dtype, offset=file.tell())
    return flat.reshape(shape, order="F" if fortran else "C").copy()
