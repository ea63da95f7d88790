"""Golden windows: seeded, synthetic inputs and the outputs that the trained model gave, replayed by every runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.arrays import read_arrays
from zoo.bundle.manifest import Manifest
from zoo.outputs import INPUT
from zoo.tasks import find_task
from zoo.tasks.base import Kind
from zoo_registry import Problem, Session
from zoo_registry.errors import BundleError

GOLDEN_FILE = "golden.npz"
GOLDEN_WINDOWS = 64
BATCH_SIZES = (1, 7, GOLDEN_WINDOWS)
PARITY_LIMIT = 1e-5
ROUNDINGS: Final = 4  # of float32, that may come on top; each is 2^-24 of a value
MOST = 1e-3  # of a deviation, with the roundings


@dataclass(frozen=True)
class Ruler:
    """In what differences are measured, for each output by its kind, as :class:`zoo.tasks.base.Output` says.

    ``unit`` (n_targets,) is for values of the targets. Off a difference in these come as many ``roundings`` of float32
    at the value's size, but never so much that more than ``MOST`` of a unit is within the limit: where values span many
    units, a right graph differs by those alone. Flags are compared only where the score lies farther than the limit
    from the ``threshold``. Of a network that knows missing values, ``masked``, NaN is an answer, equal to itself alone.
    """

    unit: NDArray[np.float64]
    kinds: Mapping[str, Kind]
    threshold: float | None = None
    roundings: int = 0
    masked: bool = False

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """The ruler of a bundle, whose units are the train targets' standard deviations."""
        problem = manifest.problem
        unit = np.array([manifest.parity_unit[name] for name in problem.targets if manifest.parity_unit])
        allowed = allowed_roundings(problem)  # the most, whatever a manifest says
        roundings = min(manifest.parity_roundings, allowed)
        return cls(unit, kinds_of(problem), manifest.threshold, roundings, bool(problem.masked))

    def farthest(self, found: dict[str, NDArray[Any]], expected: dict[str, NDArray[Any]]) -> float:
        """The largest difference; NaN, another shape and a missing output count as infinitely far."""
        worst = 0.0
        for name, values in expected.items():
            other = np.asarray(found.get(name))
            if other.shape != values.shape or other.dtype.kind not in "fb":
                return np.inf
            distance = self._distance(self.kinds.get(name, "value"), other, values, expected)
            if self.masked:
                distance = np.where(np.isnan(other) & np.isnan(values), 0.0, distance)
            worst = max(worst, float(np.nan_to_num(distance, nan=np.inf, posinf=np.inf).max()))
        return worst

    def _distance(
        self, kind: Kind, other: NDArray[Any], values: NDArray[Any], expected: dict[str, NDArray[Any]]
    ) -> Any:
        if kind == "flag":
            unsure = np.zeros(values.shape, np.bool_)
            for score in (expected[name] for name in expected if self.kinds.get(name) == "score"):
                unsure |= np.abs(score - self.threshold) <= PARITY_LIMIT * np.maximum(1, np.abs(score))
            return np.where(~unsure & (other != values), np.inf, 0.0)
        distance = np.abs(other.astype(np.float64) - values)
        if kind == "share":
            return distance
        if kind == "score":
            return distance / np.maximum(1.0, np.abs(values))
        unit = self.unit[:, None] if values.ndim == 4 else self.unit  # of quantiles
        float32 = self.roundings * 2.0**-24 * np.abs(values.astype(np.float64))
        return np.maximum(0, distance - np.minimum(float32, (MOST - PARITY_LIMIT) * unit)) / unit


def kinds_of(problem: Problem) -> dict[str, Kind]:
    """What the outputs of a problem are, by their names."""
    outputs = find_task(problem.task).outputs(problem.horizon, problem.targets, problem.classes, problem.quantiles)
    return {output.name: output.kind for output in outputs}


def allowed_roundings(problem: Problem) -> Literal[0, 4]:
    """How many roundings come off the differences of a bundle; none where its outputs are float64."""
    return ROUNDINGS if problem.dtype == "float32" else 0


@dataclass(frozen=True)
class Golden:
    """Raw windows (n, window, n_features) in the serving dtype, and by name the outputs that are expected of them."""

    window: NDArray[Any]
    outputs: dict[str, NDArray[Any]]

    def write(self, folder: Path) -> None:
        """Write ``golden.npz``."""
        np.savez(folder / GOLDEN_FILE, allow_pickle=False, **{INPUT: self.window, **self.outputs})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``golden.npz``; raises as :meth:`parse` does."""
        return cls.parse((folder / GOLDEN_FILE).read_bytes(), folder / GOLDEN_FILE)

    @classmethod
    def parse(cls, content: bytes, path: Path) -> Self:
        """Read the content of ``golden.npz``; never unpickles. Raises BundleError that names ``path``."""
        try:
            arrays = read_arrays(content)
            window = arrays.pop(INPUT)
            if window.ndim != 3 or not arrays or {a.shape[:1] for a in arrays.values()} != {window.shape[:1]}:
                raise ValueError("expected windows, and as many of each output")
        except (ValueError, KeyError) as error:
            raise BundleError(f"{path}: no golden windows ({error}); export again") from error
        return cls(window, arrays)

    def difference(self, session: Session, ruler: Ruler) -> float:
        """Replay at each of ``BATCH_SIZES`` and return the largest difference, as the ruler measures it.

        The batches of a size start one after the other, so that all windows take part.
        """
        worst = 0.0
        for size in BATCH_SIZES:
            for start in range(0, len(self.window), size):
                rows = slice(start, start + size)
                found = session.run(self.window[rows])
                worst = max(worst, ruler.farthest(found, {name: values[rows] for name, values in self.outputs.items()}))
        return worst


def golden_windows(
    minimum: NDArray[np.float64],
    maximum: NDArray[np.float64],
    window: int,
    dtype: str,
    seed: int = 0,
    *,
    masked: Sequence[int] = (),
) -> NDArray[Any]:
    """Make windows of shape (GOLDEN_WINDOWS, window, n_features) that span each column's range, in original units.

    The first holds the minima, the second the maxima; then come noise and ramps between random levels. Of every other
    window values of the ``masked`` columns are missing: single ones, those in front, and in the last window all.
    """
    random = np.random.default_rng(seed)
    columns = len(minimum)
    noise = random.uniform(size=(GOLDEN_WINDOWS // 2 - 2, window, columns))
    ends = random.uniform(size=(GOLDEN_WINDOWS // 2, 2, 1, columns))
    ramps = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * np.linspace(0, 1, window)[:, None]
    extremes = np.stack([np.zeros((window, columns)), np.ones((window, columns))])
    share = np.concatenate([extremes, noise, ramps])
    windows = np.clip(minimum + share * (maximum - minimum), minimum, maximum).astype(dtype)
    if masked:
        missing = np.zeros(windows.shape, np.bool_)
        missing[2::4] = random.uniform(size=missing[2::4].shape) < 0.2
        front = np.linspace(0, window, len(missing[3::4])).astype(np.int64)
        missing[3::4] = (np.arange(window) < front[:, None])[..., None]
        windows[missing & np.isin(np.arange(columns), masked)] = np.nan
    return windows
