"""Columns whose scalers have numbers of their own for each series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo_registry import BUILT_IN_SCALERS, OWN, Registry, Scaler, discover
from zoo_registry.discovery import GROUP, discover_from, distribution_of
from zoo_registry.errors import ConfigError


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
