"""Columns with their fitted scalers: forward and back, as scikit-learn, as tensor operations, as plain numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zoo.preprocessing.restoring import plain_attributes, restore
from zoo.preprocessing.scalers import find_scaler, fit_scaler, portable
from zoo.preprocessing.statistics import Blocks, ColumnStatistics
from zoo_registry import Scaler
from zoo_registry.errors import ConfigError

# How much of a unit may be lost where raw values are rounded to float32: half of it, as rounding goes to the nearest,
# is within 1e-6. Above it the exported graph takes and gives float64. Inside, scaling is always computed in float64.
FLOAT32_LOSS_LIMIT = 2e-6

_NUMBERS = ("minimum", "maximum", "deviation", "scaled_deviation", "float32_loss")


@dataclass(frozen=True)
class Group:
    """Columns, by their indices, that one fitted scikit-learn transformer scales."""

    scaler: Scaler
    columns: tuple[int, ...]
    fitted: Any

    def parameters(self, dtype: str = "float64") -> dict[str, NDArray[Any]]:
        """The form's plain numbers, each of shape (n_columns,)."""
        numbers = self.scaler.form.parameters(self.fitted) if self.scaler.form else {}
        return {
            name: np.broadcast_to(np.asarray(value), (len(self.columns),)).astype(dtype)
            for name, value in numbers.items()
        }


@dataclass(frozen=True)
class ScaledColumns:
    """Fitted scalers and what their columns look like in the train rows.

    All arrays are float64 of shape (n_columns,): ``minimum``, ``maximum`` and ``deviation`` (standard deviation) in
    original units, ``scaled_deviation`` after scaling, and ``float32_loss``, the largest share of a unit (the
    deviation, or 1 or the value after scaling) that lies between two neighbouring float32 numbers.
    """

    names: tuple[str, ...]
    groups: tuple[Group, ...]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    deviation: NDArray[np.float64]
    scaled_deviation: NDArray[np.float64]
    float32_loss: NDArray[np.float64]

    @classmethod
    def fit(
        cls,
        scalers: Sequence[str],
        blocks: Blocks,
        names: tuple[str, ...],
        where: str,
        *,
        whole: bool = True,
        targets: Collection[str] = (),
    ) -> Self:
        """Fit on train rows, ``scalers`` naming each column's; ``blocks`` to ``targets`` as for ``fit_scaler``.

        Raises what that raises.
        """
        statistics = ColumnStatistics(len(names))
        with np.errstate(all="ignore"):  # an overflow is told by what comes out
            for block in blocks():
                statistics.add(block)
        groups = []
        for scaler in dict.fromkeys(scalers):
            columns = [index for index, name in enumerate(scalers) if name == scaler]
            part, own = partial(_columns, blocks, columns), statistics.take(columns)
            own_names = tuple(names[index] for index in columns)
            fitted = fit_scaler(scaler, part, own, own_names, where, whole=whole, targets=targets)
            groups.append(Group(find_scaler(scaler), tuple(columns), fitted))
        nothing = np.zeros(len(names))
        numbers = (statistics.minimum, statistics.maximum, statistics.deviation)
        self = cls(names, tuple(groups), *numbers, nothing, nothing)
        after, loss = ColumnStatistics(len(names)), nothing
        for block in blocks():
            scaled = self.scale(block)
            after.add(scaled)
            loss = np.maximum(loss, self._loss(block, scaled))
        return cls(names, self.groups, *numbers, after.deviation, loss)

    def scale(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Scale values of shape (..., n_columns) in float64."""
        return self._apply("transform", raw)

    def transform(self, raw: NDArray[Any], dtype: str = "float32") -> NDArray[np.floating]:
        """Scale values of shape (..., n_columns); computed in float64, returned as a contiguous array of ``dtype``."""
        with np.errstate(over="ignore"):  # beyond float32 is infinite, which callers tell
            return self.scale(raw).astype(dtype)

    def inverse_transform(self, scaled: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
        """Bring scaled values back to original units; ``axis`` is that of the columns, (..., n_columns)."""
        return np.moveaxis(self._apply("inverse_transform", np.moveaxis(scaled, axis, -1)), -1, axis)

    @property
    def exportable(self) -> bool:
        """Whether every column's scaler can stand inside the exported graph."""
        return all(group.scaler.exportable for group in self.groups)

    @property
    def scalers(self) -> tuple[str, ...]:
        """The name of each column's scaler."""
        found = {index: group.scaler.name for group in self.groups for index in group.columns}
        return tuple(found[index] for index in range(len(self.names)))

    @property
    def unit(self) -> NDArray[np.float64]:
        """What errors are divided by, of shape (n_columns,): a form's ``scale`` if it has one, else the deviation."""
        unit = self.deviation.copy()
        for group in self.groups:
            unit[list(group.columns)] = group.parameters().get("scale", unit[list(group.columns)])
        return unit

    def forward(self, ops: Any, raw: Any, dtype: str) -> Any:
        """Scale a tensor of ``dtype``, of shape (..., n_columns), with ``keras.ops`` (or NumPy) as ``ops``.

        Raises ConfigError where a scaler has no tensor form.
        """
        return self._operate("forward", ops, raw, dtype)

    def inverse(self, ops: Any, scaled: Any, dtype: str) -> Any:
        """Bring a scaled tensor back to original units, as :meth:`forward` scales it."""
        return self._operate("inverse", ops, scaled, dtype)

    def needs_float64(self) -> bool:
        """Whether float32 is too coarse at the size of the values, or cannot hold them."""
        return bool((self.float32_loss > FLOAT32_LOSS_LIMIT).any())

    def portable(self) -> Any:
        """Scikit-learn's own objects: one where it scales all columns, else a list of (column names, object).

        Columns whose scaler has no such object are left out.
        """
        found = [(group, portable(group.scaler, group.fitted)) for group in self.groups]
        kept = [([self.names[index] for index in group.columns], plain) for group, plain in found if plain is not None]
        return kept[0][1] if len(kept) == len(found) == 1 else kept

    def to_json(self) -> list[dict[str, Any]]:
        """One dict of names, formula and plain numbers for each column."""
        columns: dict[int, dict[str, Any]] = {}
        for group in self.groups:
            form, parameters = group.scaler.form, group.parameters()
            pickled = portable(group.scaler, group.fitted) is not None
            for place, index in enumerate(group.columns):
                columns[index] = {
                    "column": self.names[index],
                    "scaler": group.scaler.name,
                    "formula": form.formula if form else None,
                    "parameters": {key: float(value[place]) for key, value in parameters.items()} if form else None,
                    "in_scalers_joblib": pickled,
                    **{key: float(getattr(self, key)[index]) for key in _NUMBERS},
                }
        return [columns[index] for index in range(len(self.names))]

    def attributes(self) -> dict[str, Any]:
        """The attributes of each fitted scaler by its name, from which :meth:`from_json` makes it again."""
        return {group.scaler.name: plain_attributes(group.fitted) for group in self.groups}

    @classmethod
    def from_json(cls, columns: list[dict[str, Any]], attributes: Mapping[str, Any]) -> Self:
        """Put :meth:`to_json` and :meth:`attributes` together again.

        Raises UnknownScalerError where a plugin is missing, and ValueError, TypeError or KeyError for anything else
        than what they gave.
        """
        numbers = [np.array([column[key] for column in columns], dtype=np.float64) for key in _NUMBERS]
        groups = []
        for name in dict.fromkeys(column["scaler"] for column in columns):
            own = [index for index, column in enumerate(columns) if column["scaler"] == name]
            parts, scaler = [columns[index]["parameters"] or {} for index in own], find_scaler(name)
            parameters = {key: np.array([part[key] for part in parts], dtype=np.float64) for key in parts[0]}
            fitted = restore(scaler, len(own), parameters, attributes.get(name))
            groups.append(Group(scaler, tuple(own), fitted))
        self = cls(tuple(column["column"] for column in columns), tuple(groups), *numbers)
        ends = np.stack([self.minimum, self.maximum])
        if not np.isfinite(self.inverse_transform(self.scale(ends))).all():
            raise ValueError("its numbers do not scale the columns that they are of")
        return self

    def _loss(self, values: NDArray[np.float64], scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far two neighbouring float32 numbers lie apart, in units of the columns and of the network."""
        with np.errstate(all="ignore"):
            spacing = np.spacing(np.abs(values).astype(np.float32)).astype(np.float64)
            raw = spacing / self.deviation
            if not np.isfinite(raw[~np.isnan(values)]).all():  # float32 cannot hold the values at all
                raw = np.nan_to_num(raw, nan=1.0, posinf=1.0)
                spacing = np.nan_to_num(spacing, nan=0.0, posinf=0.0)
            step = np.abs(self.scale(values + spacing) - scaled) / np.maximum(1, np.abs(scaled))
            loss: NDArray[np.float64] = np.maximum(raw, np.nan_to_num(step, nan=1.0, posinf=1.0))
            loss = np.where(np.isnan(values), 0.0, loss).max(axis=0)
        return np.minimum(loss, 1.0)

    def _apply(self, method: str, values: NDArray[Any]) -> NDArray[np.float64]:
        """Apply the scikit-learn transformers along the last axis; what is missing stays so."""
        if not self.groups:
            return np.asarray(values, dtype=np.float64)
        flat = np.asarray(values, dtype=np.float64).reshape(-1, values.shape[-1])
        result = np.empty(flat.shape)
        if not len(flat):  # which scikit-learn refuses
            return result.reshape(values.shape)
        if (missing := np.isnan(flat)).any():  # which not every transformer takes
            flat = np.where(missing, self.minimum if method == "transform" else 0.0, flat)
        for group in self.groups:
            columns = list(group.columns)
            result[:, columns] = getattr(group.fitted, method)(np.ascontiguousarray(flat[:, columns]))
        if missing.any():
            result[missing] = np.nan
        return result.reshape(values.shape)

    def _operate(self, direction: str, ops: Any, values: Any, dtype: str) -> Any:
        """Apply the tensor forms along the last axis; parameters stay NumPy arrays."""
        if not self.groups:
            return values
        parts = []
        for group in self.groups:
            if group.scaler.form is None:
                raise ConfigError(
                    f"scaler '{group.scaler.name}' cannot give itself as tensor operations, which is needed here;"
                    " take another scaler"
                )
            part = values if len(self.groups) == 1 else ops.take(values, np.array(group.columns), axis=-1)
            parts.append(getattr(group.scaler.form, direction)(ops, part, group.parameters(dtype)))
        if len(parts) == 1:
            return parts[0]
        order = np.argsort([index for group in self.groups for index in group.columns])
        return ops.take(ops.concatenate(parts, axis=-1), order, axis=-1)


def _columns(blocks: Blocks, columns: Sequence[int]) -> Iterator[NDArray[np.float64]]:
    for block in blocks():
        yield np.ascontiguousarray(block[:, columns])
