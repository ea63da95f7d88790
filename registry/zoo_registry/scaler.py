"""The contract of a scaler: what a plugin registers so that columns can be scaled its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zoo_registry.contribution import Contribution, Sentence, contract

BUILT_IN_SCALERS = ("minmax", "standard", "robust", "huber", "maxabs", "log", "none")

Operation = Callable[[Any, Any, Mapping[str, Any]], Any]


class UnscalableColumnError(ValueError):
    """A column that a scaler cannot be fitted to; ``column`` is its index."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column, self.reason = column, reason


@contract("tensor form")
class TensorForm:
    """A scaler as tensor operations, with which it goes into the exported graph.

    ``parameters(fitted)`` reads plain numbers off a fitted transformer: name -> one number for each column.
    ``forward(ops, raw, p)`` and ``inverse(ops, scaled, p)`` map tensors whose last axis is the column; ``ops`` is
    ``keras.ops`` (or NumPy, so keep to functions that both have), and ``p`` holds the parameters as NumPy arrays of
    the tensors' dtype. Do not make tensors of them outside: a captured one would become a required input in ONNX.
    ``formula`` says both in words that a client of another language can follow.
    """

    formula: Sentence
    parameters: Callable[[Any], Mapping[str, Any]]
    forward: Operation
    inverse: Operation


@contract("scaler")
class Scaler(Contribution):
    """A way of scaling columns, each by itself.

    ``make()`` returns an unfitted scikit-learn transformer (import scikit-learn inside it) with ``fit``,
    ``transform``, ``inverse_transform`` and ``get_feature_names_out``. With a ``form`` it is exportable; without one
    it serves in training, and a bundle takes and gives scaled values. ``portable(fitted)`` may return an object of
    scikit-learn's own that gives the same numbers, for ``scalers.joblib``. ``check(fitted, rows, deviation)`` may raise
    UnscalableColumnError after the fit; it gets train rows, (n, n_columns), all of them where they fit in memory, and
    the columns' standard deviations, (n_columns,).

    Raises ValueError for a malformed name or a field of the wrong type.
    """

    make: Callable[[], Any]
    form: TensorForm | None = None
    portable: Callable[[Any], Any] | None = None
    check: Callable[[Any, Any, Any], None] | None = None

    @property
    def exportable(self) -> bool:
        """Whether it can stand inside the exported graph."""
        return self.form is not None
