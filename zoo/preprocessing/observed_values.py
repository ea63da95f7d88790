"""Windows that miss values in two parts: what was observed, and where; with keras.ops or NumPy as ``ops``."""

from __future__ import annotations

from typing import Any


def observed_part(ops: Any, windows: Any) -> tuple[Any, Any]:
    """Values, 0 where one is missing (NaN), and alike 1 where it was observed and 0 where not."""
    missing = ops.isnan(windows)  # as the condition itself: tf2onnx multiplies by any other, and NaN stays NaN
    zeros = ops.zeros_like(windows)
    return ops.where(missing, zeros, windows), ops.where(missing, zeros, ops.ones_like(windows))
