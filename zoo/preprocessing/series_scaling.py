"""Scalers of each series by itself: a table of plain numbers, by which rows and windows are scaled and put back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo.data.columns import shown
from zoo_registry import BUILT_IN_SCALERS, OWN, Problem, Registry, Scaler, discover
from zoo_registry.discovery import GROUP, discover_from, distribution_of
from zoo_registry.errors import BundleError, ConfigError, DataError

ToUnits = Callable[[NDArray[Any]], NDArray[np.float64]]  # scaled targets, (n, steps, n_targets), in original units


@dataclass(frozen=True, eq=False)
class SeriesGroup:
    """Columns, by their indices, of one scaler; each of its ``numbers`` is float64 (n_series, n_columns)."""

    scaler: Scaler
    columns: tuple[int, ...]
    numbers: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class SeriesColumns:
    """Columns whose scalers have numbers of their own for each series; ``owners`` (n,) are the series' numbers."""

    names: tuple[str, ...]
    groups: tuple[SeriesGroup, ...]

    def scale(self, raw: NDArray[Any], owners: NDArray[np.int64]) -> NDArray[np.float64]:
        """Scale values of shape (n, ..., n_columns) in float64; NaN stays NaN."""
        return self._operate("forward", raw, owners)

    def unscale(self, scaled: NDArray[Any], owners: NDArray[np.int64]) -> NDArray[np.float64]:
        """Bring (n, steps, n_columns), which may have an axis of quantiles behind, back to original units."""
        return np.moveaxis(self._operate("inverse", np.moveaxis(scaled, 2, -1), owners), -1, 2)

    def with_rows(self, owners: NDArray[np.int64], others: SeriesColumns) -> SeriesColumns:
        """A row of numbers for each of ``owners``: where one is -1 the next of ``others``."""
        unknown = owners < 0
        groups = []
        for group, other in zip(self.groups, others.groups, strict=True):
            numbers = {name: values[owners] for name, values in group.numbers.items()}
            for name, values in numbers.items():
                values[unknown] = other.numbers[name]
            groups.append(SeriesGroup(group.scaler, group.columns, numbers))
        return SeriesColumns(self.names, tuple(groups))

    @property
    def scalers(self) -> tuple[str, ...]:
        """The name of each column's scaler."""
        found = {column: group.scaler.name for group in self.groups for column in group.columns}
        return tuple(found[column] for column in range(len(self.names)))

    def to_json(self) -> list[dict[str, Any]]:
        """For each column its scaler, formula and, for each series, plain numbers."""
        columns: dict[int, dict[str, Any]] = {}
        for group in self.groups:
            assert group.scaler.form is not None
            for place, column in enumerate(group.columns):
                columns[column] = {
                    "column": self.names[column],
                    "scaler": group.scaler.name,
                    "formula": group.scaler.form.formula,
                    "parameters": {name: values[:, place].tolist() for name, values in group.numbers.items()},
                }
        return [columns[column] for column in range(len(self.names))]

    @classmethod
    def from_json(cls, columns: Sequence[Mapping[str, Any]], count: int) -> Self:
        """Put :meth:`to_json` of ``count`` series together again.

        Raises UnknownScalerError where a plugin is missing, and ValueError, TypeError or KeyError for anything else.
        """
        groups = []
        for name in dict.fromkeys(column["scaler"] for column in columns):
            own = [number for number, column in enumerate(columns) if column["scaler"] == name]
            parts = [columns[number]["parameters"] for number in own]
            numbers = {key: np.stack([np.array(part[key], np.float64) for part in parts], axis=1) for key in parts[0]}
            for key, values in numbers.items():
                if values.shape != (count, len(own)) or not np.isfinite(values).all():
                    raise ValueError(f"{key}: expected a finite number for each of {count} series")
            groups.append(SeriesGroup(scaler_with_form(name), tuple(own), numbers))
        found = cls(tuple(str(column["column"]) for column in columns), tuple(groups))
        found.scale(np.zeros((count, len(columns))), np.arange(count))  # raises where a number is lacking
        return found

    def _operate(self, direction: str, values: NDArray[Any], owners: NDArray[np.int64]) -> NDArray[np.float64]:
        values = np.asarray(values, np.float64)
        found, between = np.empty(values.shape), (1,) * (values.ndim - 2)
        for group in self.groups:
            columns = list(group.columns)
            numbers = {key: own[owners].reshape(-1, *between, len(columns)) for key, own in group.numbers.items()}
            with np.errstate(all="ignore"):  # what is not finite is told by who asked
                found[..., columns] = getattr(group.scaler.form, direction)(np, values[..., columns], numbers)
        return found


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
            name = "" if series is None else f" of series {shown(series[number])}"
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


def _why(name: str) -> str:
    """Why a series that has no scaler is refused, by its name; empty where nothing tells it."""
    if not name:
        return (
            "expected windows of a table whose column of series tells their scalers, as each series has some of its own"
            " (`scaler_per_series='refuse'`), found none; give a table with it, or train again with"
            " `scaler_per_series='window'`"
        )
    return (
        f"series {shown(name)} was not in the training, and each series has scalers of its own"
        " (`scaler_per_series='refuse'`); leave it out, or train again with it or with `scaler_per_series='window'`"
    )


def scaler_with_form(name: str) -> Scaler:
    """A scaler by name; of the zoo's own, which nobody else may register, no other plugin is loaded.

    Raises UnknownScalerError, and ConfigError for one that cannot give itself as plain numbers.
    """
    scaler = (_own() if name in BUILT_IN_SCALERS else discover().scalers)[name].item
    if scaler.form is None:
        raise ConfigError(
            f"scaler '{name}' has no tensor form, without which a table of each series' numbers (`scaler_per_series`)"
            " cannot be made; take another `scaler`"
        )
    return scaler


@cache
def _own() -> Registry[Scaler]:
    points = entry_points(group=GROUP, name="scalers")
    return discover_from(point for point in points if distribution_of(point)[0] == OWN).scalers
