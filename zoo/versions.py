"""Versions of this project and of the libraries that shape a result."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = (
    "lstm-zoo",
    "tensorflow",
    "keras",
    "numpy",
    "scikit-learn",
    "pandas",
    "statsmodels",
    "joblib",
    "tf2onnx",
    "onnx",
    "onnxruntime",
)


def library_versions() -> dict[str, str]:
    """Python's version and that of each installed library."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
