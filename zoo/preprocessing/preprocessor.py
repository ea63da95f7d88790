"""The shared preprocessing: one scaler for the features and one for the targets, fitted on train rows alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from zoo.options import ScalerName
from zoo.preprocessing.scalers import Affine, fit_scaler, portable

SCALERS_FILE = "scalers.joblib"
PARAMETERS_FILE = "preprocessing.json"
FORMULA = "scaled = (raw - offset) / scale; raw = scaled * scale + offset"

# The coarsest spacing of float32 at the data's size, in scales and in deviations, that leaves the parity gate (1e-5)
# room for the four roundings of scaling and inverse scaling; above it the exported graph scales in float64.
FLOAT32_SPACING_LIMIT = 2.5e-6


@dataclass(frozen=True)
class ScaledColumns:
    """A fitted scaler and what its columns look like in the train rows, in original units.

    ``minimum``, ``maximum`` and ``deviation`` (standard deviation) are float64 of shape (n_columns,).
    """

    names: tuple[str, ...]
    scaler: Any
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def fit(cls, scaler: str, values: NDArray[np.float64], names: tuple[str, ...], where: str) -> Self:
        """Fit on train rows of shape (rows, n_columns); raises DataError, naming the column."""
        fitted = fit_scaler(scaler, values, names, where)
        return cls(names, fitted, values.min(axis=0), values.max(axis=0), values.std(axis=0))

    @property
    def affine(self) -> Affine:
        """Offset and scale of each column."""
        return Affine.of(self.scaler)

    def transform(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Scale values of shape (..., n_columns); computed in float64, returned as contiguous float32."""
        return self._apply(self.scaler.transform, raw).astype(np.float32)

    def inverse_transform(self, scaled: NDArray[Any]) -> NDArray[np.float64]:
        """Bring scaled values of shape (..., n_columns) back to original units."""
        return self._apply(self.scaler.inverse_transform, scaled)

    def needs_float64(self) -> bool:
        """Whether float32 is too coarse at the size of the values, or cannot hold them."""
        with np.errstate(over="ignore"):
            largest = np.maximum(np.abs(self.minimum), np.abs(self.maximum)).astype(np.float32)
        if not np.isfinite(largest).all():
            return True
        unit = np.minimum(self.affine.scale, self.deviation)  # the network's unit, and the parity gate's
        return bool((np.spacing(largest) > FLOAT32_SPACING_LIMIT * unit).any())

    def to_json(self) -> list[dict[str, Any]]:
        """One dict of plain numbers for each column."""
        numbers = {"offset": self.affine.offset, "scale": self.affine.scale}
        numbers |= {"minimum": self.minimum, "maximum": self.maximum, "deviation": self.deviation}
        return [
            {"column": name, **{key: float(column[index]) for key, column in numbers.items()}}
            for index, name in enumerate(self.names)
        ]

    @classmethod
    def from_json(cls, columns: list[dict[str, Any]], scaler: Any) -> Self:
        """Put :meth:`to_json` and a fitted scaler together again."""
        minimum, maximum, deviation = (
            np.array([column[key] for column in columns]) for key in ("minimum", "maximum", "deviation")
        )
        return cls(tuple(column["column"] for column in columns), scaler, minimum, maximum, deviation)

    @staticmethod
    def _apply(function: Any, values: NDArray[Any]) -> NDArray[np.float64]:
        """Apply a two-dimensional scikit-learn function along the last axis."""
        flat = np.asarray(values, dtype=np.float64).reshape(-1, values.shape[-1])
        result: NDArray[np.float64] = np.ascontiguousarray(function(flat)).reshape(values.shape)
        return result


class Preprocessor(BaseEstimator):  # type: ignore[misc]
    """Scale features X and targets y, column by column, each with a scaler of its own.

    Fitted: ``features_`` and ``targets_``, each a :class:`ScaledColumns`.
    """

    def __init__(self, scaler: ScalerName = "standard") -> None:
        self.scaler = scaler

    def fit(self, X: pd.DataFrame, y: pd.DataFrame, *, where: str = "table") -> Self:
        """Fit on train rows of features (rows, n_features) and targets (rows, n_targets), in original units.

        Raises DataError, naming ``where`` and the column, where a scaler cannot be fitted.
        """
        self.features_, self.targets_ = (
            ScaledColumns.fit(self.scaler, frame.to_numpy(np.float64), tuple(map(str, frame.columns)), where)
            for frame in (X, y)
        )
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
    def serving_dtype(self) -> str:
        """``"float32"``, or ``"float64"`` where float32 cannot hold the columns' offsets finely enough."""
        return "float64" if self.features_.needs_float64() or self.targets_.needs_float64() else "float32"

    def parameters(self) -> dict[str, Any]:
        """Everything as plain numbers, for ``preprocessing.json``."""
        return {
            "scaler": self.scaler,
            "formula": FORMULA,
            "features": self.features_.to_json(),
            "targets": self.targets_.to_json(),
        }

    def save(self, folder: Path) -> None:
        """Write ``scalers.joblib``, which needs scikit-learn and joblib alone, and ``preprocessing.json``."""
        scalers = {"features": portable(self.features_.scaler), "targets": portable(self.targets_.scaler)}
        joblib.dump(scalers, folder / SCALERS_FILE)
        (folder / PARAMETERS_FILE).write_text(json.dumps(self.parameters(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote. It unpickles: call it on folders of your own making."""
        parameters = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
        scalers = joblib.load(folder / SCALERS_FILE)
        self = cls(parameters["scaler"])
        self.features_ = ScaledColumns.from_json(parameters["features"], scalers["features"])
        self.targets_ = ScaledColumns.from_json(parameters["targets"], scalers["targets"])
        return self
