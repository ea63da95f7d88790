"""The contract of a scaler: what a plugin registers so that columns can be scaled its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zoo_registry.api_version import UNDECLARED_API, check_api
from zoo_registry.architecture import NAME

BUILT_IN_SCALERS = ("minmax", "standard", "robust", "huber", "maxabs", "log", "none")

Operation = Callable[[Any, Any, Mapping[str, Any]], Any]


@dataclass(frozen=True, kw_only=True)
class TensorForm:
    """A scaler as tensor operations, with which it goes into the exported graph.

    ``parameters(fitted)`` reads plain numbers off a fitted transformer: name -> one number for each column.
    ``forward(ops, raw, p)`` and ``inverse(ops, scaled, p)`` map tensors whose last axis is the column; ``ops`` is
    ``keras.ops`` (or NumPy, so keep to functions that both have), and ``p`` holds the parameters as NumPy arrays of
    the tensors' dtype. Do not make tensors of them outside: a captured one would become a required input in ONNX.
    ``formula`` says both in words that a client of another language can follow.
    """

    formula: str
    parameters: Callable[[Any], Mapping[str, Any]]
    forward: Operation
    inverse: Operation

    def __post_init__(self) -> None:
        if not isinstance(self.formula, str) or not self.formula.strip():
            raise ValueError(f"a tensor form's formula must be a sentence, found {self.formula!r}")
        for name in ("parameters", "forward", "inverse"):
            if not callable(getattr(self, name)):
                raise ValueError(f"a tensor form's {name} must be callable, found {getattr(self, name)!r}")


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """A way of scaling columns, each by itself.

    ``make()`` returns an unfitted scikit-learn transformer (import scikit-learn inside it) with ``fit``,
    ``transform``, ``inverse_transform`` and ``get_feature_names_out``. With a ``form`` it is exportable; without one
    it serves in training, and a bundle takes and gives scaled values. ``portable(fitted)`` may return an object of
    scikit-learn's own that gives the same numbers, for ``scalers.joblib``.

    Raises ValueError for a malformed name or a field of the wrong type.
    """

    name: str
    summary: str
    make: Callable[[], Any]
    form: TensorForm | None = None
    portable: Callable[[Any], Any] | None = None
    api: int = UNDECLARED_API

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(f"a scaler's name is made of a-z, 0-9 and '-', found {self.name!r}")
        check_api(f"scaler '{self.name}'", self.api)
        for field_name, sound, expected in (
            ("summary", isinstance(self.summary, str) and self.summary.strip(), "a sentence"),
            ("make", callable(self.make), "callable"),
            ("form", self.form is None or isinstance(self.form, TensorForm), "a TensorForm"),
            ("portable", self.portable is None or callable(self.portable), "callable"),
        ):
            if not sound:
                raise ValueError(
                    f"scaler '{self.name}': {field_name} must be {expected}, found {getattr(self, field_name)!r}"
                )

    @property
    def exportable(self) -> bool:
        """Whether it can stand inside the exported graph."""
        return self.form is not None
