"""Golden windows: seeded, synthetic inputs and the outputs that the trained model gave, replayed by every runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.arrays import read_arrays
from zoo.bundle.manifest import Manifest
from zoo.bundle.synthetic_windows import GOLDEN_WINDOWS, SyntheticWindows
from zoo.outputs import INPUT
from zoo.tasks import find_task
from zoo.tasks.base import Kind
from zoo_registry import Problem, Session
from zoo_registry.errors import BundleError

GOLDEN_FILE = "golden.npz"
BATCH_SIZES = (1, 7, GOLDEN_WINDOWS)
PARITY_LIMIT = 1e-5
ROUNDINGS: Final = 4  # of float32, that may come on top; each is 2^-24 of a value
MOST = 1e-3  # of a deviation, with the roundings
WHOLE_BYTES = (
    10**6
)  # of a file with all numbers; what is larger holds windows by their courses, and a part of the outputs
_UNPACKED_BYTES = 2**30  # of windows and outputs, at most
_HEADERS = 2**13  # bytes of the file beside its numbers
_EVERY, _SHAPE = "every", "{}.shape"


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
    """Raw windows (n, window, n_features) in the serving dtype, and by name the outputs that are expected of them.

    ``made_of`` is what the windows were made of. Of an output that was read from a file of a wide interface only each
    number is known whose place among all of that output, window by window, is a multiple of ``every``: of each window
    other ones, so that together they are of all steps and targets.
    """

    window: NDArray[Any]
    outputs: dict[str, NDArray[Any]]
    made_of: SyntheticWindows | None = None
    every: int = 1

    @property
    def whole(self) -> bool:
        """Whether the file holds all windows and outputs as they are."""
        size = self.window.nbytes + sum(values.nbytes for values in self.outputs.values())
        return self.made_of is None or size + _HEADERS <= WHOLE_BYTES

    def write(self, folder: Path) -> None:
        """Write ``golden.npz``: all numbers where they take little, else what they are made of, and some outputs."""
        arrays = {INPUT: self.window, **self.outputs}
        if self.made_of is not None and not self.whole:
            every, arrays = self._chosen_every(), self.made_of.arrays()
            arrays[_EVERY] = np.array(every)
            for name, values in self.outputs.items():
                arrays |= {name: values.reshape(-1)[::every], _SHAPE.format(name): np.array(values.shape)}
        np.savez(folder / GOLDEN_FILE, allow_pickle=False, **arrays)

    def _chosen_every(self) -> int:
        """The least number that the outputs' sizes have no divisor with, and that makes the file small enough."""
        assert self.made_of is not None
        sizes = [math.prod(values.shape[1:]) for values in self.outputs.values()]
        taken = _HEADERS + sum(array.nbytes for array in self.made_of.arrays().values())
        room = max(WHOLE_BYTES - taken, WHOLE_BYTES // 4)  # where windows are so long that they alone are larger
        every = -(-sum(values.nbytes for values in self.outputs.values()) // room)
        while any(math.gcd(every, size) > 1 for size in sizes):
            every += 1
        return every

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``golden.npz``; raises as :meth:`parse` does."""
        return cls.parse((folder / GOLDEN_FILE).read_bytes(), folder / GOLDEN_FILE)

    @classmethod
    def parse(cls, content: bytes, path: Path) -> Self:
        """Read the content of ``golden.npz``; never unpickles. Raises BundleError that names ``path``."""
        try:
            arrays = read_arrays(content)
            if INPUT not in arrays:
                return cls._unpacked(arrays)
            window = arrays.pop(INPUT)
            if window.ndim != 3 or not arrays or {a.shape[:1] for a in arrays.values()} != {window.shape[:1]}:
                raise ValueError("expected windows, and as many of each output")
        except (ValueError, KeyError) as error:
            raise BundleError(f"{path}: no golden windows ({error}); export again") from error
        return cls(window, arrays)

    @classmethod
    def _unpacked(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Golden windows of what they are made of; raises ValueError and KeyError."""
        made_of, every = SyntheticWindows.of_arrays(arrays, _UNPACKED_BYTES), int(arrays[_EVERY])
        names = [name for name in arrays if _SHAPE.format(name) in arrays]
        if every < 1 or not names:
            raise ValueError("expected outputs, and which of their numbers are told")
        outputs = {}
        for name in names:
            told, shape = arrays[name], tuple(map(int, arrays[_SHAPE.format(name)]))
            whole = math.prod(shape)
            if shape[:1] != made_of.chosen.shape[:1] or min(shape) < 1 or told.shape != (-(-whole // every),):
                raise ValueError(f"expected a number in {every} of the output '{name}' of each window")
            if whole * told.itemsize > _UNPACKED_BYTES:
                raise ValueError(f"its outputs would take more than {_UNPACKED_BYTES} bytes")
            outputs[name] = np.zeros(shape, told.dtype)
            outputs[name].reshape(-1)[::every] = told
        return cls(made_of.values, outputs, made_of, every)

    def difference(self, session: Session, ruler: Ruler) -> float:
        """Replay at each of ``BATCH_SIZES`` and return the largest difference, as the ruler measures it.

        The batches of a size start one after the other, so that all windows take part. Of numbers that are not known
        it is told whether they are finite.
        """
        worst = 0.0
        for size in BATCH_SIZES:
            for start in range(0, len(self.window), size):
                rows = slice(start, min(start + size, len(self.window)))
                found = session.run(self.window[rows])
                expected = {
                    name: self._expected(values, rows, found.get(name)) for name, values in self.outputs.items()
                }
                worst = max(worst, ruler.farthest(found, expected))
        return worst

    def _expected(self, values: NDArray[Any], rows: slice, found: Any) -> NDArray[Any]:
        """An output of some windows: what was found, but for the numbers that are known."""
        known, other = values[rows], np.asarray(found)
        if self.every == 1 or other.shape != known.shape or other.dtype.kind not in "fb":
            return known
        expected = other.astype(np.promote_types(other.dtype, known.dtype)).reshape(-1)
        first = -(rows.start * math.prod(values.shape[1:])) % self.every
        expected[first :: self.every] = known.reshape(-1)[first :: self.every]
        return expected.reshape(known.shape)


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
    return SyntheticWindows.spanning(minimum, maximum, window, dtype, seed, masked=masked).values
