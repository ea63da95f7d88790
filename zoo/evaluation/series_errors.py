"""Errors of forecasts series by series: MASE and sMAPE of each, their means, and in how many the network is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.columns import shown
from zoo.evaluation.headline import OF_NETWORK
from zoo.evaluation.metrics import add_by_series, mean_or_none, symmetric_errors

WORST = 10  # series that are named and drawn
_NAMED = 3  # series in a sentence


class SeriesErrors:
    """Sums up errors series by series, batch by batch, in memory that grows with the series, not with the windows.

    ``changes`` (n_series, n_targets) are MASE's denominators as :func:`zoo.evaluation.metrics.seasonal_changes` has
    them. A series whose changes are all 0 or NaN has no MASE; one of several targets is left out of its series' mean
    alike. ``unit`` (n_targets,) stands in for those where it is only asked which of two forecasts is better.
    """

    def __init__(
        self,
        series: Sequence[str],
        targets: Sequence[str],
        *,
        changes: NDArray[np.float64],
        unit: NDArray[np.float64],
        network: str,
    ) -> None:
        self.series, self.targets, self._network = series, tuple(targets), network
        self._changes, self._unit = np.where(changes > 0, changes, np.nan), unit
        self._windows: dict[str, NDArray[np.float64]] = {}  # by forecast, as are the others
        self._absolute: dict[str, NDArray[np.float64]] = {}
        self._symmetric: dict[str, NDArray[np.float64]] = {}

    def add(self, name: str, owners: NDArray[np.int64], truth: NDArray[Any], forecast: NDArray[Any]) -> None:
        """Take in forecasts (n, horizon, n_targets) of this name in original units; ``owners`` (n,) number series."""
        if name not in self._windows:
            shape = self._changes.shape
            self._windows[name] = np.zeros((len(self.series), 1))
            self._absolute[name], self._symmetric[name] = np.zeros(shape), np.zeros(shape)
        error = np.abs(np.asarray(forecast, dtype=np.float64) - truth)
        add_by_series(self._windows[name], owners, np.ones((len(owners), 1)))
        add_by_series(self._absolute[name], owners, error.mean(axis=1))
        add_by_series(self._symmetric[name], owners, symmetric_errors(truth, forecast).mean(axis=1))

    def windows(self, name: str) -> NDArray[np.int64]:
        """How many windows of each series were forecast by this name, (n_series,)."""
        return self._windows[name][:, 0].astype(np.int64)

    def mase(self, name: str) -> NDArray[np.float64]:
        """The MASE of each series, the mean over its targets that have one, (n_series,); NaN where none has."""
        return _row_means(self._means(self._absolute, name) / self._changes)

    def smape(self, name: str) -> NDArray[np.float64]:
        """The sMAPE of each series in percent, the mean over its targets, (n_series,); NaN without windows."""
        return _row_means(self._means(self._symmetric, name))

    def by_target(self, name: str) -> dict[str, dict[str, float | None]]:
        """For each target the means over the series of their MASE and sMAPE."""
        mase, smape = self._means(self._absolute, name) / self._changes, self._means(self._symmetric, name)
        return {
            target: {"mase": mean_or_none(mase[:, index]), "smape": mean_or_none(smape[:, index])}
            for index, target in enumerate(self.targets)
        }

    def measured(self, name: str) -> dict[str, Any]:
        """Return ``count`` (series), and the means of their ``mase`` (None where no series has one) and ``smape``.

        Of a baseline also ``network_mase``, the network's on the same series, and ``beaten``, the share of these in
        which the network's error is the less.
        """
        those, mase = self.windows(name) > 0, self.mase(name)
        found = {
            "count": int(those.sum()),
            "mase": mean_or_none(mase),
            "smape": mean_or_none(self.smape(name)),
        }
        if name == self._network:
            return found
        beaten = (self._cost(self._network) < self._cost(name))[those]
        return found | {
            OF_NETWORK: mean_or_none(self.mase(self._network)[those]),
            "beaten": float(beaten.mean()) if len(beaten) else None,
        }

    def worst(self) -> NDArray[np.int64]:
        """The numbers of the series in which the network's MASE is the greatest, the greatest first."""
        mase = self.mase(self._network)
        order = np.argsort(-np.nan_to_num(mase, nan=-1.0, posinf=np.inf), kind="stable")[:WORST]
        return order[np.isfinite(mase[order])]

    def summary(self, expected: int) -> dict[str, Any]:
        """What a record says of the series, of which ``expected`` were to be measured.

        Returns ``count`` (those that were measured), ``unmeasured`` (those without a window that could be),
        ``without_mase`` (those measured whose seasonal change is 0 or unknown) and ``worst``: name, windows and, by
        forecast, MASE and sMAPE of each.
        """
        measured, mase = self.windows(self._network) > 0, self.mase(self._network)
        count = int(measured.sum())
        by_name = {name: (self.mase(name), self.smape(name)) for name in self._windows}
        return {
            "count": count,
            "unmeasured": expected - count,
            "without_mase": int((measured & np.isnan(mase)).sum()),
            "worst": [
                {
                    "series": self.series[number],
                    "windows": int(self.windows(self._network)[number]),
                    "mase": {name: _known(own[number]) for name, (own, _) in by_name.items()},
                    "smape": {name: _known(own[number]) for name, (_, own) in by_name.items()},
                }
                for number in self.worst().tolist()
            ],
        }

    def table(self) -> pd.DataFrame:
        """A row for each series that was measured: its name, its windows and each forecast's MASE and sMAPE."""
        measured = self.windows(self._network) > 0
        frame = pd.DataFrame({"series": pd.array(self.series, dtype="str"), "windows": self.windows(self._network)})
        for name in self._windows:
            frame[f"MASE {name}"] = self.mase(name)
        for name in self._windows:
            frame[f"sMAPE {name}"] = self.smape(name)
        return frame[measured].reset_index(drop=True)

    def _means(self, sums: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
        """Sums over windows divided by their number, (n_series, n_targets); NaN without windows."""
        count = self._windows[name]
        means: NDArray[np.float64] = np.divide(
            sums[name], count, out=np.full(sums[name].shape, np.nan), where=count > 0
        )
        return means

    def _cost(self, name: str) -> NDArray[np.float64]:
        unit = np.where(np.isnan(self._changes), self._unit, self._changes)
        cost: NDArray[np.float64] = (self._means(self._absolute, name) / unit).mean(axis=1)
        return cost


def named(series: Sequence[str], chosen: NDArray[np.bool_]) -> str:
    """How many series are chosen (n_series,), with the first of their names: ``2 series ('H1', 'H7')``."""
    numbers = np.flatnonzero(chosen)
    told = ", ".join(shown(series[number]) for number in numbers[:_NAMED].tolist())
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"{len(numbers):,} series ({told}{more})"


def _row_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of what is known in each row."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    means: NDArray[np.float64] = np.divide(sums, count, out=np.full(len(values), np.nan), where=count > 0)
    return means


def _known(value: np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None
