"""A plugin-based zoo of recurrent sequence models for time series, with raw-unit SavedModel and ONNX export.

Everything is imported when it is first used, so that ``import zoo`` costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.importing import uncollected
from zoo.quiet import import_tensorflow

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # Keras reads it once, when it is imported

if TYPE_CHECKING:
    from zoo.api import load_run, resume, retrain, train
    from zoo.backtesting.backtest import backtest
    from zoo.bundle.loading import Bundle, load_bundle
    from zoo.bundle.verification import verify_bundle
    from zoo.estimators import SequenceClassifier, SequenceRegressor
    from zoo.inference.folders import score
    from zoo.inference.outcome import Scored
    from zoo.listing import list_architectures
    from zoo.run import Run
    from zoo.tuning.study import Study
    from zoo.tuning.tune import tune
    from zoo_registry.errors import ZooError

_HOMES = {
    "Bundle": "zoo.bundle.loading",
    "Run": "zoo.run",
    "Scored": "zoo.inference.outcome",
    "SequenceClassifier": "zoo.estimators",
    "SequenceRegressor": "zoo.estimators",
    "Study": "zoo.tuning.study",
    "ZooError": "zoo_registry.errors",
    "backtest": "zoo.backtesting.backtest",
    "list_architectures": "zoo.listing",
    "load_bundle": "zoo.bundle.loading",
    "load_run": "zoo.api",
    "resume": "zoo.api",
    "retrain": "zoo.api",
    "score": "zoo.inference.folders",
    "train": "zoo.api",
    "tune": "zoo.tuning.tune",
    "verify_bundle": "zoo.bundle.verification",
}
_NEED_TENSORFLOW = ("Run",)  # for their import alone

__all__ = [
    "Bundle",
    "Run",
    "Scored",
    "SequenceClassifier",
    "SequenceRegressor",
    "Study",
    "ZooError",
    "backtest",
    "list_architectures",
    "load_bundle",
    "load_run",
    "resume",
    "retrain",
    "score",
    "train",
    "tune",
    "verify_bundle",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo' has no attribute '{name}'")
    if name in _NEED_TENSORFLOW:
        import_tensorflow()
    with uncollected():
        home = import_module(_HOMES[name])
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
