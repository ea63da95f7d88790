"""Errors of forecasts from many origins: over all of them, and by origin, step of the horizon and series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.evaluation.evaluation import NETWORK, add_series
from zoo.evaluation.headline import SERIES_MEASURES, forecast_measures, outcomes, told
from zoo.evaluation.metrics import ForecastErrors, QuantileErrors, add_by_series
from zoo.evaluation.series_errors import SeriesErrors


class RollingErrors:
    """Takes in the forecasts of origins, block by block, of the network and of baselines.

    ``unit`` (n_targets,) is what errors are divided by, ``changes`` (n_series, n_targets) are MASE's denominators; both
    are in original units. ``owners`` (n_windows,) number each window's series, which ``series`` are the names of; one
    series unless given. ``lacking`` says which series, (n_series,), a baseline is not for. Errors of a window with a
    missing truth, or that another baseline has no forecast for, are not counted.
    """

    def __init__(
        self,
        targets: Sequence[str],
        n_windows: int,
        *,
        unit: NDArray[np.float64],
        changes: NDArray[np.float64],
        series: Sequence[str] = ("",),
        owners: NDArray[np.int64] | None = None,
        lacking: Mapping[str, NDArray[np.bool_]] | None = None,
        quantiles: Sequence[float] = (),
    ) -> None:
        self.targets, self._unit = tuple(targets), unit
        self._n_windows, self._errors = n_windows, dict[str, ForecastErrors]()
        self._by_origin: dict[str, NDArray[np.float64]] = {}
        self._spread = QuantileErrors(quantiles, len(self.targets)) if quantiles else None
        self._owners = np.zeros(n_windows, np.int64) if owners is None else owners
        self._lacking, present = dict(lacking or {}), np.unique(self._owners)
        self._expected, self._naive = len(present), changes[present[0]]
        self._series = SeriesErrors(series, targets, changes=changes, unit=unit, network=NETWORK)

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
        whole, owners = np.isfinite(truth).all(axis=(1, 2)), self._owners[numbers]
        has = {
            name: ~self._lacking[name][owners] if name in self._lacking else np.ones(len(owners), np.bool_)
            for name in forecasts
        }
        for name, forecast in forecasts.items():
            whole &= np.isfinite(forecast).all(axis=(1, 2)) | ~has[name]
        for name, forecast in forecasts.items():
            if name not in self._errors:
                self._errors[name] = ForecastErrors(self.targets)
                self._by_origin[name] = np.full((self._n_windows, len(self.targets)), np.nan)
            known = whole & has[name]
            self._errors[name].add(truth[known], forecast[known])
            self._series.add(name, owners[known], truth[known], forecast[known])
            self._by_origin[name][numbers[known]] = np.abs(forecast[known] - truth[known]).mean(axis=1)
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

    def by_series(self) -> dict[str, dict[str, Any]]:
        """For each series that has counted windows their number and, by forecast, the scaled MAE and the MASE.

        None where a baseline is not for a series, and where its target never changed before.
        """
        windows = self._series.windows(NETWORK)
        scaled, mase = {}, {name: self._series.mase(name) for name in self._errors}
        for name in self._errors:
            errors, sums = self.scaled(name), np.zeros((len(windows), 1))
            counted = np.isfinite(errors)
            add_by_series(sums, self._owners[counted], errors[counted, None])
            has = self._series.windows(name)
            scaled[name] = np.divide(sums[:, 0], has, out=np.full(len(windows), np.nan), where=has > 0)

        def of(values: Mapping[str, NDArray[np.float64]], number: int) -> dict[str, float | None]:
            return {name: float(own[number]) if np.isfinite(own[number]) else None for name, own in values.items()}

        return {
            self._series.series[number]: {
                "windows": int(windows[number]),
                "scaled_mae": of(scaled, number),
                "mase": of(mase, number),
            }
            for number in np.flatnonzero(windows).tolist()
        }

    def measured(self) -> dict[str, Any]:
        """What a run's record has of an evaluation, by the same names; of several series their means too."""
        for name in [name for name, found in self._errors.items() if not found.windows]:
            if name != NETWORK:  # none of its series is counted
                del self._errors[name], self._by_origin[name]
        measured = {name: found.measured(naive=self._naive, scale=self._unit) for name, found in self._errors.items()}
        found: dict[str, Any] = {
            "windows": self.windows,
            "left_out": self._n_windows - self.windows,
            "unit": dict(zip(self.targets, self._unit.tolist(), strict=True)),
            "network": measured.pop(NETWORK),
            "baselines": measured,
            "by_step": {name: found.by_step(self._unit) for name, found in self._errors.items()},
            "quantiles": None if self._spread is None else self._spread.measured(self._unit),
        }
        by = "MAE over all origins"
        if self._expected > 1:
            add_series(found, self._series, expected=self._expected)
            if forecast_measures(found) is SERIES_MEASURES:
                by = f"mean MASE of the {found['series']['count']:,} series over all origins"
        words = told(outcomes(found, forecast_measures(found)))
        return found | {"verdict": f"By the {by} the network {words or 'has no baseline to be compared with'}."}
