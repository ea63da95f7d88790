"""Windows put together column by column from a few courses between each column's minimum and maximum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

GOLDEN_WINDOWS = 64
_TOP = np.iinfo(np.uint16).max
_SHARE_MISSING = 0.2


@dataclass(frozen=True)
class SyntheticWindows:
    """Windows in little room: however many columns there are, each window costs a byte of each.

    ``courses`` (n_courses, window) are whole numbers from 0, a column's minimum, to 65,535, its maximum; ``chosen``
    (n, n_columns) has the number of the course that a column takes in a window, and ``ends`` (2, n_columns) each
    column's minimum and maximum, in the dtype of the windows. In every other window values of the ``masked`` columns
    are missing: single ones, those in front, and in the last window all.
    """

    courses: NDArray[np.uint16]
    chosen: NDArray[np.uint8]
    ends: NDArray[Any]
    masked: tuple[int, ...] = ()

    @classmethod
    def spanning(
        cls,
        minimum: NDArray[np.float64],
        maximum: NDArray[np.float64],
        window: int,
        dtype: str,
        seed: int = 0,
        *,
        masked: Sequence[int] = (),
    ) -> Self:
        """Make ``GOLDEN_WINDOWS`` of them, of as many courses: two that stay at the ends, noise, and ramps.

        The first window holds all minima, the second all maxima; each column takes every other course in one of the
        windows that follow, in an order of its own, so that it is seen with all of them however many columns there are.
        """
        random = np.random.default_rng(seed)
        half, columns = GOLDEN_WINDOWS // 2, len(minimum)
        ramps = random.uniform(size=(half, 2, 1))
        shares = np.concatenate(
            [
                np.repeat([[0.0], [1.0]], window, axis=1),
                random.uniform(size=(half - 2, window)),
                ramps[:, 0] + (ramps[:, 1] - ramps[:, 0]) * np.linspace(0, 1, window),
            ]
        )
        others = np.repeat(np.arange(2, GOLDEN_WINDOWS)[:, None], columns, axis=1)
        chosen = np.concatenate([np.repeat([[0], [1]], columns, axis=1), random.permuted(others, axis=0)])
        ends = np.stack([minimum, maximum]).astype(dtype)
        return cls(np.rint(shares * _TOP).astype(np.uint16), chosen.astype(np.uint8), ends, tuple(masked))

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], most: int) -> Self:
        """Put :meth:`arrays` together again; raises KeyError or ValueError for others, and over ``most`` bytes."""
        courses, chosen, ends = arrays["courses"], arrays["chosen"], arrays["ends"]
        if (courses.ndim, chosen.ndim, ends.shape) != (2, 2, (2, chosen.shape[-1])) or ends.dtype.kind != "f":
            raise ValueError("expected courses, which of them each column takes, and each column's ends")
        if courses.dtype != np.uint16 or chosen.dtype != np.uint8 or len(chosen) > GOLDEN_WINDOWS:
            raise ValueError(f"expected small whole numbers, and at most {GOLDEN_WINDOWS} windows")
        if chosen.size and chosen.max() >= len(courses):
            raise ValueError(f"expected one of {len(courses)} courses for each column")
        masked = arrays.get("masked", np.zeros(0, np.int64))
        if masked.ndim != 1 or masked.dtype.kind != "i" or not np.isin(masked, np.arange(chosen.shape[1])).all():
            raise ValueError("expected the numbers of the columns whose values may be missing")
        self = cls(courses, chosen, ends, tuple(masked.tolist()))
        if self.size * ends.itemsize > most:
            raise ValueError(f"its windows would take more than {most} bytes")
        return self

    @property
    def size(self) -> int:
        """How many numbers the windows have."""
        return int(self.chosen.size) * int(self.courses.shape[1])

    @property
    def values(self) -> NDArray[Any]:
        """The windows, (n, window, n_columns)."""
        low, high = self.ends.astype(np.float64)
        shares = np.moveaxis(self.courses[self.chosen], 2, 1) / _TOP
        values: NDArray[Any] = np.clip(low + shares * (high - low), low, high).astype(self.ends.dtype)
        if self.masked:
            values[..., list(self.masked)] = np.where(self._missing, np.nan, values[..., list(self.masked)])
        return values

    @property
    def _missing(self) -> NDArray[np.bool_]:
        """Where values of the masked columns are missing, (n, window, n_masked)."""
        missing = np.zeros((len(self.chosen), self.courses.shape[1], len(self.masked)), np.bool_)
        missing[2::4] = np.random.default_rng(0).uniform(size=missing[2::4].shape) < _SHARE_MISSING
        front = np.linspace(0, self.courses.shape[1], len(missing[3::4])).astype(np.int64)
        missing[3::4] = (np.arange(self.courses.shape[1]) < front[:, None])[..., None]
        return missing

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What they are made of, by name."""
        masked = {"masked": np.array(self.masked, np.int64)} if self.masked else {}
        return {"courses": self.courses, "chosen": self.chosen, "ends": self.ends, **masked}
