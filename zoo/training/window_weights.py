"""How much windows count in the loss: by the rows that they are judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo.data.windows import Windows
from zoo.preprocessing.prepared import Prepared
from zoo_registry.errors import DataError

_BATCH = 2**18  # windows that are looked at at a time


@dataclass(frozen=True)
class WindowWeights:
    """A window's weight is the mean of ``rows`` (n_rows,) over those of its targets, divided by ``mean``.

    ``mean`` is that of all windows of the part, so that theirs have the mean 1: the loss keeps its size, and the
    validation loss is a weighted mean.
    """

    rows: NDArray[np.float64]
    mean: float


def window_weights(prepared: Prepared, part: str) -> WindowWeights | None:
    """The weights of a part's windows, None where the table has none; raises DataError where all of them are 0."""
    table = prepared.table
    if table.weights is None:
        return None
    mean = _mean_weight(table.weights, prepared.parts[part])
    if not mean:
        raise DataError(
            f"{table.source}: column '{table.weight_column}' gives every {part} window the weight 0, expected some"
            " above; take another `split`, or another `weight`"
        )
    return WindowWeights(table.weights, mean)


def _mean_weight(rows: NDArray[np.float64], windows: Windows) -> float:
    """The mean over windows of the means over the rows of their targets."""
    before = np.zeros(len(rows) + 1)
    np.cumsum(rows, out=before[1:])
    total = 0.0
    for numbers in windows.batches(_BATCH):
        origins = windows.origins(numbers)
        total += float((before[origins + windows.horizon] - before[origins]).sum())
    return total / windows.horizon / len(windows)
