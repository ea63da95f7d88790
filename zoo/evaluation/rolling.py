"""Errors of forecasts from many origins: over all of them, and by origin, step of the horizon and series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.evaluation.evaluation import NETWORK
from zoo.evaluation.headline import FORECAST_MEASURES, outcomes, told
from zoo.evaluation.metrics import ForecastErrors, QuantileErrors


class RollingErrors:
    """Takes in the forecasts of origins, block by block, of the network and of baselines.

    ``unit`` (n_targets,) is what errors are divided by, ``naive`` (n_targets,) MASE's denominators; both are in
    original units. Errors of a window with a missing truth, or that a baseline has no forecast for, are not counted.
    """

    def __init__(
        self,
        targets: Sequence[str],
        n_windows: int,
        *,
        unit: NDArray[np.float64],
        naive: NDArray[np.float64],
        quantiles: Sequence[float] = (),
    ) -> None:
        self.targets, self._unit, self._naive = tuple(targets), unit, naive
        self._n_windows, self._errors = n_windows, dict[str, ForecastErrors]()
        self._by_origin: dict[str, NDArray[np.float64]] = {}
        self._spread = QuantileErrors(quantiles, len(self.targets)) if quantiles else None

    def add(
        self,
        numbers: NDArray[np.int64],
        truth: NDArray[np.float64],
        forecasts: Mapping[str, NDArray[np.float64]],
        quantiles: NDArray[np.float64] | None = None,
    ) -> None:
        """Take in forecasts (n, horizon, n_targets) by name, ``network`` among them, of the origins with these numbers.

        ``truth`` has the same shape, and NaN where it is not known; ``quantiles`` has one axis more.
        """
        whole = np.isfinite(truth).all(axis=(1, 2))
        for forecast in forecasts.values():
            whole &= np.isfinite(forecast).all(axis=(1, 2))
        for name, forecast in forecasts.items():
            if name not in self._errors:
                self._errors[name] = ForecastErrors(self.targets)
                self._by_origin[name] = np.full((self._n_windows, len(self.targets)), np.nan)
            self._errors[name].add(truth[whole], forecast[whole])
            self._by_origin[name][numbers[whole]] = np.abs(forecast[whole] - truth[whole]).mean(axis=1)
        if self._spread is not None and quantiles is not None:
            self._spread.add(truth[whole], quantiles[whole])

    @property
    def windows(self) -> int:
        """How many windows are counted."""
        return self._errors[NETWORK].windows if self._errors else 0

    @property
    def by_origin(self) -> dict[str, NDArray[np.float64]]:
        """For each forecast the MAE of each window and target, (n_windows, n_targets), NaN of what is not counted."""
        return self._by_origin

    def scaled(self, name: str) -> NDArray[np.float64]:
        """The scaled MAE of each window, the mean over all targets, (n_windows,)."""
        mean: NDArray[np.float64] = (self._by_origin[name] / self._unit).mean(axis=1)
        return mean

    def by_series(self, owners: NDArray[np.int64], names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """For each series that has counted windows their number and the scaled MAE by forecast.

        ``owners`` (n_windows,) numbers the series of each window, which ``names`` are the names of.
        """
        counted = np.isfinite(self.scaled(NETWORK))
        found = {}
        for number in np.unique(owners[counted]):
            own = counted & (owners == number)
            errors = {name: float(self.scaled(name)[own].mean()) for name in self._errors}
            found[names[number]] = {"windows": int(own.sum()), "scaled_mae": errors}
        return found

    def measured(self) -> dict[str, Any]:
        """What a run's record has of an evaluation, by the same names; MASE is None where nothing changed before."""
        measured = {}
        for name, found in self._errors.items():
            with np.errstate(divide="ignore", invalid="ignore"):  # of targets that never change before the first origin
                measured[name] = found.measured(naive=self._naive, scale=self._unit)
            for errors in measured[name]["targets"].values():
                errors["mase"] = errors["mase"] if np.isfinite(errors["mase"]) else None
        network = measured.pop(NETWORK)
        words = told(outcomes({"network": network, "baselines": measured}, FORECAST_MEASURES))
        return {
            "windows": self.windows,
            "left_out": self._n_windows - self.windows,
            "unit": dict(zip(self.targets, self._unit.tolist(), strict=True)),
            "network": network,
            "baselines": measured,
            "by_step": {name: found.by_step(self._unit) for name, found in self._errors.items()},
            "quantiles": None if self._spread is None else self._spread.measured(self._unit),
            "verdict": f"By the MAE over all origins the network {words or 'has no baseline to be compared with'}.",
        }
