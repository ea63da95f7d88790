"""The shared preprocessing: each column with a scaler of its own, fitted on train rows alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from zoo.preprocessing.scalers import find_scaler, fit_scaler, portable
from zoo_registry import Scaler
from zoo_registry.errors import ConfigError, PluginError, close_match_hint

SCALERS_FILE = "scalers.joblib"
PARAMETERS_FILE = "preprocessing.json"

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
    def fit(cls, scalers: Sequence[str], values: NDArray[np.float64], names: tuple[str, ...], where: str) -> Self:
        """Fit on train rows of shape (rows, n_columns), ``scalers`` naming each column's; raises DataError."""
        groups = []
        for scaler in dict.fromkeys(scalers):
            columns = tuple(index for index, name in enumerate(scalers) if name == scaler)
            part = np.ascontiguousarray(values[:, columns])
            fitted = fit_scaler(scaler, part, tuple(names[index] for index in columns), where)
            groups.append(Group(find_scaler(scaler), columns, fitted))
        nothing = np.zeros(len(names))
        minimum, maximum, deviation = values.min(axis=0), values.max(axis=0), values.std(axis=0)
        self = cls(names, tuple(groups), minimum, maximum, deviation, nothing, nothing)
        scaled = self.scale(values)
        return cls(names, self.groups, minimum, maximum, deviation, scaled.std(axis=0), self._loss(values, scaled))

    def scale(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Scale values of shape (..., n_columns) in float64."""
        return self._apply("transform", raw)

    def transform(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Scale values of shape (..., n_columns); computed in float64, returned as contiguous float32."""
        return self.scale(raw).astype(np.float32)

    def inverse_transform(self, scaled: NDArray[Any]) -> NDArray[np.float64]:
        """Bring scaled values of shape (..., n_columns) back to original units."""
        return self._apply("inverse_transform", scaled)

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

    @classmethod
    def from_json(cls, columns: list[dict[str, Any]], fitted: Sequence[tuple[tuple[int, ...], Any]]) -> Self:
        """Put :meth:`to_json` and the groups' fitted transformers together again."""
        groups = tuple(Group(find_scaler(columns[index[0]]["scaler"]), tuple(index), part) for index, part in fitted)
        numbers = (np.array([column[key] for column in columns]) for key in _NUMBERS)
        return cls(tuple(column["column"] for column in columns), groups, *numbers)

    def _loss(self, values: NDArray[np.float64], scaled: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far two neighbouring float32 numbers lie apart, in units of the columns and of the network."""
        with np.errstate(all="ignore"):
            spacing = np.spacing(np.abs(values).astype(np.float32)).astype(np.float64)
            raw = spacing / self.deviation
            if not np.isfinite(raw).all():  # float32 cannot hold the values at all
                raw = np.nan_to_num(raw, nan=1.0, posinf=1.0)
                spacing = np.nan_to_num(spacing, nan=0.0, posinf=0.0)
            step = np.abs(self.scale(values + spacing) - scaled) / np.maximum(1, np.abs(scaled))
            loss: NDArray[np.float64] = np.maximum(raw, np.nan_to_num(step, nan=1.0, posinf=1.0)).max(axis=0)
        return np.minimum(loss, 1.0)

    def _apply(self, method: str, values: NDArray[Any]) -> NDArray[np.float64]:
        """Apply the scikit-learn transformers along the last axis."""
        flat = np.asarray(values, dtype=np.float64).reshape(-1, values.shape[-1])
        result = np.empty(flat.shape)
        for group in self.groups:
            columns = list(group.columns)
            result[:, columns] = getattr(group.fitted, method)(np.ascontiguousarray(flat[:, columns]))
        return result.reshape(values.shape)

    def _operate(self, direction: str, ops: Any, values: Any, dtype: str) -> Any:
        """Apply the tensor forms along the last axis; parameters stay NumPy arrays."""
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


class Preprocessor(BaseEstimator):  # type: ignore[misc]
    """Scale features X and targets y, column by column, each by itself.

    ``scaler`` serves all columns but those of ``scaler_for`` (column -> scaler); ``target_scaler`` serves all targets.
    Fitted: ``features_`` and ``targets_``, each a :class:`ScaledColumns`.
    """

    def __init__(
        self,
        scaler: str = "standard",
        scaler_for: Mapping[str, str] | None = None,
        target_scaler: str | None = None,
    ) -> None:
        self.scaler = scaler
        self.scaler_for = scaler_for
        self.target_scaler = target_scaler

    def fit(self, X: pd.DataFrame, y: pd.DataFrame, *, where: str = "table") -> Self:
        """Fit on train rows of features (rows, n_features) and targets (rows, n_targets), in original units.

        Raises DataError, naming ``where`` and the column, where a scaler cannot be fitted, and ConfigError where
        ``scaler_for`` names a column that it cannot serve.
        """
        given, features, targets = dict(self.scaler_for or {}), list(map(str, X.columns)), list(map(str, y.columns))
        used = features if self.target_scaler else [*features, *targets]
        for name in given:
            if name not in used:
                reason = "has the target scaler" if name in targets else "is neither feature nor target"
                raise ConfigError(f"--scaler-for {name}: this column {reason}{close_match_hint(name, used)}")
        of_features = [given.get(name, self.scaler) for name in features]
        of_targets = [self.target_scaler or given.get(name, self.scaler) for name in targets]
        self.features_ = ScaledColumns.fit(of_features, X.to_numpy(np.float64), tuple(features), where)
        self.targets_ = ScaledColumns.fit(of_targets, y.to_numpy(np.float64), tuple(targets), where)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Scale features of shape (..., n_features); computed in float64, returned as contiguous float32."""
        return self.features_.transform(X)

    def transform_targets(self, y: NDArray[Any]) -> NDArray[np.float32]:
        """Scale targets of shape (..., n_targets), as :meth:`transform` does features."""
        return self.targets_.transform(y)

    def inverse_transform(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Bring scaled features back to original units."""
        return self.features_.inverse_transform(X)

    def inverse_transform_targets(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Bring scaled targets of shape (..., n_targets) back to original units."""
        return self.targets_.inverse_transform(y)

    @property
    def units(self) -> str:
        """What an exported graph takes and gives: ``"raw"``, or ``"scaled"`` where a scaler cannot stand inside it."""
        return "raw" if self.features_.exportable and self.targets_.exportable else "scaled"

    @property
    def serving_dtype(self) -> str:
        """``"float32"``, or ``"float64"`` where float32 cannot hold the columns' offsets finely enough."""
        coarse = self.features_.needs_float64() or self.targets_.needs_float64()
        return "float64" if coarse and self.units == "raw" else "float32"

    def parameters(self) -> dict[str, Any]:
        """Everything as plain numbers, for ``preprocessing.json``."""
        return {
            "scaler": self.scaler,
            "scaler_for": dict(self.scaler_for or {}),
            "target_scaler": self.target_scaler,
            "features": self.features_.to_json(),
            "targets": self.targets_.to_json(),
        }

    def save(self, folder: Path) -> None:
        """Write ``scalers.joblib``, the fitted transformers as they are, and ``preprocessing.json`` into a run."""
        fitted = {
            name: [(group.columns, group.fitted) for group in part.groups]
            for name, part in (("features", self.features_), ("targets", self.targets_))
        }
        self._write(fitted, folder)

    def save_portable(self, folder: Path) -> None:
        """Write both files for a bundle: here ``scalers.joblib`` needs scikit-learn and joblib alone.

        It holds for features and for targets what :meth:`ScaledColumns.portable` gives.
        """
        self._write({"features": self.features_.portable(), "targets": self.targets_.portable()}, folder)

    def _write(self, scalers: dict[str, Any], folder: Path) -> None:
        joblib.dump(scalers, folder / SCALERS_FILE)
        (folder / PARAMETERS_FILE).write_text(json.dumps(self.parameters(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote. It unpickles: call it on folders of your own making.

        Raises PluginError where the plugin of a scaler is missing.
        """
        parameters = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
        try:
            fitted = joblib.load(folder / SCALERS_FILE)
        except (ImportError, AttributeError) as error:
            raise PluginError(
                f"{folder / SCALERS_FILE}: cannot be read ({error}); install the plugin of its scaler"
            ) from error
        self = cls(parameters["scaler"], parameters["scaler_for"], parameters["target_scaler"])
        self.features_ = ScaledColumns.from_json(parameters["features"], fitted["features"])
        self.targets_ = ScaledColumns.from_json(parameters["targets"], fitted["targets"])
        return self
