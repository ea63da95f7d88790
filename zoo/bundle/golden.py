"""Golden windows: seeded, synthetic inputs and the outputs that the trained model gave, replayed by every runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.manifest import FORECAST, INPUT, QUANTILES
from zoo.runtimes import Session

GOLDEN_FILE = "golden.npz"
GOLDEN_WINDOWS = 64
BATCH_SIZES = (1, 7, GOLDEN_WINDOWS)
PARITY_LIMIT = 1e-5


@dataclass(frozen=True)
class Golden:
    """Raw windows (n, window, n_features) in the serving dtype, and the outputs that are expected of them.

    ``forecast`` is (n, horizon, n_targets), ``quantiles``, where there are some, has one axis more.
    """

    window: NDArray[Any]
    forecast: NDArray[Any]
    quantiles: NDArray[Any] | None = None

    @property
    def outputs(self) -> dict[str, NDArray[Any]]:
        """The expected outputs by name."""
        return {FORECAST: self.forecast} | ({} if self.quantiles is None else {QUANTILES: self.quantiles})

    def write(self, folder: Path) -> None:
        """Write ``golden.npz``."""
        np.savez(folder / GOLDEN_FILE, allow_pickle=False, **{INPUT: self.window, **self.outputs})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``golden.npz``; never unpickles."""
        with np.load(folder / GOLDEN_FILE, allow_pickle=False) as arrays:
            return cls(arrays[INPUT], arrays[FORECAST], arrays.get(QUANTILES))

    def difference(self, session: Session, unit: NDArray[np.float64]) -> float:
        """Replay at each of ``BATCH_SIZES`` and return the largest difference, in units of shape (n_targets,).

        The batches of a size start one after the other, so that all windows take part. NaN and another shape count as
        infinitely far.
        """
        worst = 0.0
        for size in BATCH_SIZES:
            for start in range(0, len(self.window), size):
                rows = slice(start, start + size)
                found = session.run(self.window[rows])
                worst = max(worst, self.distance(found, rows, unit))
        return worst

    def distance(self, found: dict[str, NDArray[Any]], rows: slice, unit: NDArray[np.float64]) -> float:
        """The largest difference of outputs from those expected of the windows ``rows``, as for :meth:`difference`."""
        worst = 0.0
        for name, expected in self.outputs.items():
            values = np.asarray(found.get(name), dtype=np.float64)
            if values.shape != expected[rows].shape:
                return np.inf
            distance = np.abs(values - expected[rows]) / (unit[:, None] if name == QUANTILES else unit)
            worst = max(worst, float(np.nan_to_num(distance, nan=np.inf, posinf=np.inf).max()))
        return worst


def golden_windows(
    minimum: NDArray[np.float64], maximum: NDArray[np.float64], window: int, dtype: str, seed: int = 0
) -> NDArray[Any]:
    """Make windows of shape (GOLDEN_WINDOWS, window, n_features) that span each column's range, in original units.

    The first holds the minima, the second the maxima; then come noise and ramps between random levels.
    """
    random = np.random.default_rng(seed)
    columns = len(minimum)
    noise = random.uniform(size=(GOLDEN_WINDOWS // 2 - 2, window, columns))
    ends = random.uniform(size=(GOLDEN_WINDOWS // 2, 2, 1, columns))
    ramps = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * np.linspace(0, 1, window)[:, None]
    extremes = np.stack([np.zeros((window, columns)), np.ones((window, columns))])
    share = np.concatenate([extremes, noise, ramps])
    return np.clip(minimum + share * (maximum - minimum), minimum, maximum).astype(dtype)
