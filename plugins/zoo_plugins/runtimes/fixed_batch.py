"""Any number of windows on a model that takes a fixed number of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Outputs = dict[str, NDArray[Any]]


def in_batches(run: Callable[[NDArray[Any]], Outputs], window: NDArray[Any], batch: int) -> Outputs:
    """Run (n, window, n_features) in batches of exactly ``batch``; the last is filled up with its own last window."""
    parts = []
    for start in range(0, len(window), batch):
        rows = window[start : start + batch]
        filled = np.concatenate([rows, np.repeat(rows[-1:], batch - len(rows), axis=0)])
        parts.append({name: values[: len(rows)] for name, values in run(filled).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
