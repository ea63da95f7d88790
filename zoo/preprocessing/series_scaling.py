"""Scalers of each series by itself: a table of plain numbers, by which rows and windows are scaled and put back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo.preprocessing.series_columns import SeriesColumns
from zoo.preprocessing.statistics import ColumnStatistics
from zoo_registry import Problem
from zoo_registry.errors import BundleError, DataError

if TYPE_CHECKING:
    from zoo.preprocessing.series_fitting import Pivots

ToUnits = Callable[[NDArray[Any]], NDArray[np.float64]]  # scaled targets, (n, steps, n_targets), in original units


@dataclass(frozen=True, eq=False)
class SeriesScaling:
    """The scalers of features and targets of each of ``series``.

    ``unknown`` says what becomes of a window of another series: ``refuse``, or scale it as its own rows say
    (``window``). ``span`` (2, n_features) is what the scaled train rows go from and to, and ``deviation`` (n_targets,)
    that of all series' targets in original units.
    """

    unknown: str
    series: tuple[str, ...]
    features: SeriesColumns
    targets: SeriesColumns
    span: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        scalers: tuple[Sequence[str], Sequence[str]],
        pivots: tuple[Pivots, Pivots],
        columns: tuple[tuple[str, ...], tuple[str, ...]],
        series: Sequence[str],
        *,
        unknown: str,
        where: str,
    ) -> tuple[Self, NDArray[np.float64]]:
        """Fit to each series' train rows; the pairs are of features and of targets, ``scalers`` naming each column's.

        Returns the targets' deviations once they are scaled, too, (n_targets,), of all series. Raises what
        :func:`zoo.preprocessing.series_fitting.fit_series` does.
        """
        from zoo.preprocessing.series_fitting import fit_series

        parts, spread = [], []
        for part in (0, 1):
            count = len(columns[part])
            found = fit_series(
                scalers[part], pivots[part], columns[part], series, where=f"{where}: ", rows="train rows"
            )
            raw, scaled, first = ColumnStatistics(count), ColumnStatistics(count), 0
            for pivot in pivots[part]():
                by_series = np.moveaxis(pivot, 1, 0)
                raw.add(by_series.reshape(-1, count))
                owners = np.arange(first, first + len(by_series))
                scaled.add(found.scale(by_series, owners).reshape(-1, count))
                first += len(by_series)
            parts.append(found)
            spread.append((raw, scaled))
        (features, targets), ((_, seen), (told, after)) = parts, spread
        span = np.stack([seen.minimum, seen.maximum])
        return cls(unknown, tuple(series), features, targets, span, told.deviation), after.deviation

    def owners(self, names: Iterable[str]) -> NDArray[np.int64]:
        """The numbers of series by their names; -1 of one that is not known."""
        return np.array([self._places.get(name, -1) for name in names], np.int64)

    def refusals(self, names: Iterable[str]) -> dict[str, str]:
        """By the names of series that are refused why they are."""
        return {} if self.unknown != "refuse" else {name: _why(name) for name in names if name not in self._places}

    def scale_windows(
        self, windows: NDArray[Any], series: Sequence[str] | None = None, dtype: str = "float32"
    ) -> tuple[NDArray[np.floating], ToUnits]:
        """Scale raw windows (n, window, n_features) of these series, and return what brings answers back to units.

        Of windows without ``series`` none is known. Raises DataError for one that is refused, and for values so far
        from their series' own that ``dtype`` cannot hold them.
        """
        owners, features, targets = np.full(len(windows), -1), self.features, self.targets
        if series is not None:
            owners = self.owners(series)
        if (unknown := owners < 0).any():
            names = (
                [""] * int(unknown.sum())
                if series is None
                else [series[number] for number in np.flatnonzero(unknown).tolist()]
            )
            if self.unknown == "refuse":
                raise DataError(_why(names[0]))
            own = self._of_windows(windows[unknown], names)
            features, targets = features.with_rows(owners, own[0]), targets.with_rows(owners, own[1])
            owners = np.arange(len(windows))
        with np.errstate(over="ignore"):
            scaled = features.scale(windows, owners).astype(dtype)
        if len(bad := np.argwhere(np.isinf(scaled))):
            number, row, column = map(int, bad[0])
            name = "" if series is None else f" of series {_shown(series[number])}"
            raise DataError(
                f"window {number}{name}, row {row}, column '{features.names[column]}' (from 0): expected a number that"
                f" {dtype} holds once it is scaled, found {windows[number, row, column]:g}; mend it"
            )
        return scaled, lambda answers: targets.unscale(answers, owners)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "unknown": self.unknown,
            "series": list(self.series),
            "span": self.span.tolist(),
            "deviation": self.deviation.tolist(),
            "features": self.features.to_json(),
            "targets": self.targets.to_json(),
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Self:
        """Put :meth:`to_json` together again; raises what :meth:`SeriesColumns.from_json` does."""
        series = tuple(map(str, written["series"]))
        features, targets = (SeriesColumns.from_json(written[part], len(series)) for part in ("features", "targets"))
        span, deviation = (np.array(written[name], np.float64) for name in ("span", "deviation"))
        if (span.shape, deviation.shape) != ((2, len(features.names)), (len(targets.names),)):
            raise ValueError("span, deviation: expected numbers of each column")
        if written["unknown"] not in ("refuse", "window"):
            raise ValueError("unknown: expected refuse or window")
        return cls(written["unknown"], series, features, targets, span, deviation)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.series)}

    def _of_windows(self, windows: NDArray[Any], names: Sequence[str]) -> list[SeriesColumns]:
        """Scalers that are fitted to each window's own rows; a target's to the feature that it is."""
        from zoo.preprocessing.series_fitting import fit_series

        by_row = np.moveaxis(np.asarray(windows, np.float64), 0, 1)
        found = []
        for part in (self.features, self.targets):
            own = by_row[:, :, [self.features.names.index(name) for name in part.names]]
            found.append(fit_series(part.scalers, partial(iter, [own]), part.names, names, rows="window"))
        return found


def parse_series_scaling(content: bytes, path: Path, problem: Problem) -> SeriesScaling | None:
    """What ``preprocessing.json`` of a bundle says of scalers of each series; None where there are none.

    Raises BundleError that names ``path`` where it does not fit the bundle.
    """
    if b'"by_series"' not in content:  # no need to read it all
        return None
    try:
        if (written := json.loads(content).get("by_series")) is None:
            return None
        found = SeriesScaling.from_json(written)
        if (found.features.names, found.targets.names, problem.units) != (problem.features, problem.targets, "scaled"):
            raise ValueError("the columns are others")
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise BundleError(
            f"{path}: expected the scalers of each series of the bundle's columns ({type(error).__name__}); export"
            " again"
        ) from error
    return found


def _shown(name: str) -> str:
    from zoo.data.columns import shown  # which loads pandas, that no bundle without a table needs

    return shown(name)


def _why(name: str) -> str:
    """Why a series that has no scaler is refused, by its name; empty where nothing tells it."""
    if not name:
        return (
            "expected windows of a table whose column of series tells their scalers, as each series has some of its own"
            " (`scaler_per_series='refuse'`), found none; give a table with it, or train again with"
            " `scaler_per_series='window'`"
        )
    return (
        f"series {_shown(name)} was not in the training, and each series has scalers of its own"
        " (`scaler_per_series='refuse'`); leave it out, or train again with it or with `scaler_per_series='window'`"
    )
