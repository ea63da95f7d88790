"""Lines of a CSV file that are comments: skipped where that is asked for, and known where it is not."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from zoo_registry.errors import ConfigError

COMMENT_SIGN = "#"  # the usual one
COMMENT_REMEDY = f"or give `comment={COMMENT_SIGN!r}` where that line is a comment"

COMPRESSED = {".gz", ".bz2", ".zip", ".xz", ".zst", ".tar"}
_OPENERS: dict[str, Callable[..., IO[Any]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class WithoutComments(io.TextIOBase):
    """A text file without the lines that begin with a sign, but for those inside quotes, which are data.

    pandas' own ``comment`` also cuts off the rest of a line at the sign, and the fields in it.
    """

    def __init__(self, path: Path, sign: str, encoding: str) -> None:
        suffix = path.suffix.lower()
        if suffix in COMPRESSED - _OPENERS.keys():
            raise ConfigError(f"{path}: `comment` does not read inside a {suffix} archive; unpack it first")
        opener = _OPENERS.get(suffix, open)
        self._file = opener(path, "rt", encoding=encoding, newline="")
        self._sign, self._quoted, self._rest = sign, False, ""
        self._read, self._skipped = 0, list[int]()  # lines

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def read(self, size: int | None = -1) -> str:
        """Return the next characters, as many as pandas asks for, "" at the end."""
        assert size is not None
        assert size >= 0
        pieces, found = [self._rest], len(self._rest)
        while found < size and (line := self._file.readline()):
            self._read += 1
            if not self._quoted and line.startswith(self._sign):
                self._skipped.append(self._read - len(self._skipped))
                continue
            self._quoted ^= line.count('"') % 2 == 1
            pieces.append(line)
            found += len(line)
        text = "".join(pieces)
        self._rest = text[size:]
        return text[:size]

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()

    def line_in_file(self, line: int) -> int:
        """The number in the file of what is this line without comments; lines count from 1."""
        return line + bisect_right(self._skipped, line)


def begins_with_comments(lines: list[list[str]]) -> bool:
    """Whether the first lines of a file, cut into fields, are comments rather than a header and rows.

    One line that begins with the sign may be a header; two are not, nor is one above a line of other names.
    """
    if not lines or not lines[0] or not lines[0][0].startswith(COMMENT_SIGN):
        return False
    if len(lines) < 2:
        return False
    later = [field.strip() for field in lines[1]]
    return (
        later[0].startswith(COMMENT_SIGN)
        or len(later) != len(lines[0])
        or not any(field[:1].isdigit() or field[:1] in "+-.,\"'" for field in later)
    )
