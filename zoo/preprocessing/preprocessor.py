"""The shared preprocessing: each column with a scaler of its own, fitted on train rows alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import joblib
import numpy as np
from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns, describe_calendar
from zoo.preprocessing.scaled_columns import ScaledColumns
from zoo.preprocessing.series_fitting import Pivots, portable_of
from zoo.preprocessing.series_scaling import SeriesScaling, ToUnits
from zoo.preprocessing.statistics import Blocks
from zoo.settings.choices import CalendarField, ScalerPerSeries
from zoo_registry.errors import ConfigError, PluginError, UnknownScalerError, close_match_hint

SCALERS_FILE = "scalers.joblib"
PARAMETERS_FILE = "preprocessing.json"


@dataclass(eq=False)
class Preprocessor:
    """Scale features X and targets y, column by column, each by itself.

    ``scaler`` serves all columns but those of ``scaler_for`` (column -> scaler); ``target_scaler`` serves all targets.
    The columns of the ``calendar``'s fields, read in ``zone``, stay as they are, between -1 and 1. Fitted:
    ``features_`` and ``targets_``, each a :class:`ScaledColumns`. ``network_dtype`` is that of the scaled values which
    the network takes: float64 where it normalizes windows of series so different that float32 would lose some of them.

    With ``scaler_per_series`` each series has scalers of its own, those of ``by_series``, and the others are ``none``:
    they only say what the train rows of all series span.
    """

    scaler: str = "standard"
    scaler_for: Mapping[str, str] | None = None
    target_scaler: str | None = None
    calendar: Sequence[CalendarField] = ()
    zone: str | None = None
    scaler_per_series: ScalerPerSeries = "off"
    features_: ScaledColumns = field(init=False, repr=False)
    targets_: ScaledColumns = field(init=False, repr=False)
    network_dtype: str = field(default="float32", init=False, repr=False)
    by_series: SeriesScaling | None = field(default=None, init=False, repr=False)

    def fit(
        self,
        features: Blocks,
        targets: Blocks,
        feature_names: tuple[str, ...],
        target_names: tuple[str, ...],
        *,
        where: str,
        whole: bool = True,
        series: Sequence[str] = (),
        pivots: tuple[Pivots, Pivots] | None = None,
    ) -> Self:
        """Fit on train rows in blocks, in original units; ``whole`` says that there is one block with all rows.

        ``pivots`` has the same rows of features and of targets, by series, where each of the ``series`` is scaled by
        itself.
        Raises DataError, naming ``where`` and the column, where a scaler cannot be fitted, and ConfigError where
        ``scaler_for`` names a column that it cannot serve, and where a scaler needs the rows to be whole.
        """
        given, used = dict(self.scaler_for or {}), list(feature_names)
        used += [] if self.target_scaler else target_names
        for name in given:
            if name not in used:
                reason = "has the target scaler" if name in target_names else "is neither feature nor target"
                raise ConfigError(f"`scaler_for` {name}: this column {reason}{close_match_hint(name, used)}")
        usual = dict.fromkeys(calendar_columns(self.calendar), "none") | given
        of_features = [usual.get(name, self.scaler) for name in feature_names]
        of_targets = [self.target_scaler or given.get(name, self.scaler) for name in target_names]
        deviation = None
        if pivots is not None:
            names, unknown = (feature_names, target_names), str(self.scaler_per_series)
            self.by_series, deviation = SeriesScaling.fit(
                (of_features, of_targets), pivots, names, series, unknown=unknown, where=where
            )
            of_features, of_targets = ["none"] * len(of_features), ["none"] * len(of_targets)
        how: dict[str, Any] = {"where": where, "whole": whole, "targets": target_names}
        self.features_ = ScaledColumns.fit(of_features, features, feature_names, **how)
        self.targets_ = ScaledColumns.fit(of_targets, targets, target_names, **how)
        if deviation is not None:
            self.targets_ = replace(self.targets_, scaled_deviation=deviation)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.floating]:
        """Scale features of shape (..., n_features); computed in float64, returned as the network takes them."""
        assert self.by_series is None  # whose scalers hang on what a row is of
        return self.features_.transform(X, self.network_dtype)

    def scale_windows(
        self, windows: NDArray[Any], series: Sequence[str] | None = None
    ) -> tuple[NDArray[np.floating], ToUnits]:
        """Scale windows (n, window, n_features), and return what brings scaled targets, (n, steps, n_targets), back.

        ``series`` names each window's, for scalers of each. Raises DataError for a series that is refused.
        """
        if self.by_series is not None:
            return self.by_series.scale_windows(windows, series, self.network_dtype)
        return self.transform(windows), self.answers_in_units

    def answers_in_units(self, scaled: NDArray[Any]) -> NDArray[np.float64]:
        """Bring a network's answers, (n, steps, n_targets) and maybe quantiles, back to original units.

        What is no farther from 0 than the network's numbers round to there is 0: of a series of zeros the answer is
        what it was, and an error in percent of it does not tell rounding.
        """
        raw = self.targets_.inverse_transform(scaled, axis=2)
        with np.errstate(invalid="ignore"):
            zero = self.targets_.scale(np.zeros((1, len(self.targets_.names))))[0]
            nearest = np.abs(np.spacing(zero.astype(self.network_dtype))).astype(np.float64)
            zero, nearest = (values.reshape(-1, *[1] * (scaled.ndim - 3)) for values in (zero, nearest))
            return np.where(np.abs(scaled - zero) <= nearest, 0.0, raw)

    @property
    def scaled_range(self) -> NDArray[np.floating]:
        """What the features of the train rows go from and to once they are scaled, (2, n_features)."""
        if self.by_series is not None:
            return self.by_series.span.astype(self.network_dtype)
        return np.sort(self.transform(np.stack([self.features_.minimum, self.features_.maximum])), axis=0)

    def inverse_transform_targets(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Bring scaled targets of shape (..., n_targets) back to original units."""
        return self.targets_.inverse_transform(y)

    @property
    def units(self) -> str:
        """What an exported graph takes and gives: ``"raw"``, or ``"scaled"`` where scalers cannot stand inside it."""
        exportable = self.by_series is None and self.features_.exportable and self.targets_.exportable
        return "raw" if exportable else "scaled"

    @property
    def serving_dtype(self) -> str:
        """``"float32"``, or ``"float64"`` where float32 cannot hold the columns' offsets finely enough."""
        coarse = self.features_.needs_float64() or self.targets_.needs_float64() or self.network_dtype == "float64"
        return "float64" if coarse and self.units == "raw" else "float32"

    def parameters(self) -> dict[str, Any]:
        """Everything as plain numbers, for ``preprocessing.json``."""
        return {
            "scaler": self.scaler,
            "scaler_for": dict(self.scaler_for or {}),
            "target_scaler": self.target_scaler,
            "calendar": describe_calendar(self.calendar, self.zone) if self.calendar else None,
            "network_dtype": self.network_dtype,
            "features": self.features_.to_json(),
            "targets": self.targets_.to_json(),
        } | ({} if self.by_series is None else {"by_series": self.by_series.to_json()})

    def save(self, folder: Path) -> None:
        """Write ``preprocessing.json``, from which :meth:`load` makes this again, into a run.

        ``scalers.joblib``, the fitted transformers as they are, stands beside it for others: the zoo does not read it.
        """
        parts = {"features": self.features_, "targets": self.targets_}
        fitted = {name: [(group.columns, group.fitted) for group in part.groups] for name, part in parts.items()}
        more = {"fitted": {name: part.attributes() for name, part in parts.items()}}
        self._write(self._portable_by_series() or fitted, folder, more)

    def save_portable(self, folder: Path) -> None:
        """Write both files for a bundle: here ``scalers.joblib`` needs scikit-learn and joblib alone.

        It holds for features and for targets what :meth:`ScaledColumns.portable` gives, for each series by its name
        where these have scalers of their own.
        """
        pooled = {"features": self.features_.portable(), "targets": self.targets_.portable()}
        self._write(self._portable_by_series() or pooled, folder, {})

    def _portable_by_series(self) -> dict[str, Any] | None:
        if (by := self.by_series) is None:
            return None
        return {name: portable_of(getattr(by, name), by.series) for name in ("features", "targets")}

    def _write(self, scalers: dict[str, Any], folder: Path, more: dict[str, Any]) -> None:
        joblib.dump(scalers, folder / SCALERS_FILE)
        text = json.dumps(self.parameters() | more, indent=2)
        (folder / PARAMETERS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote: plain numbers, and no pickle.

        Raises PluginError where the plugin of a scaler is missing, OSError, and ValueError, TypeError, KeyError or
        AttributeError for a file that :meth:`save` did not write.
        """
        parameters = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
        calendar = parameters["calendar"] or {"fields": (), "zone": None}
        self = cls(
            parameters["scaler"],
            parameters["scaler_for"],
            parameters["target_scaler"],
            tuple(calendar["fields"]),
            calendar["zone"],
        )
        self.network_dtype = parameters.get("network_dtype", "float32")
        fitted = parameters.get("fitted", {})
        try:
            if (written := parameters.get("by_series")) is not None:
                self.by_series = SeriesScaling.from_json(written)
                self.scaler_per_series = parameters["by_series"]["unknown"]
            self.features_ = ScaledColumns.from_json(parameters["features"], fitted.get("features", {}))
            self.targets_ = ScaledColumns.from_json(parameters["targets"], fitted.get("targets", {}))
        except UnknownScalerError as error:
            raise PluginError(
                f"{folder / PARAMETERS_FILE}: cannot be used ({error}); install the plugin of its scaler"
            ) from error
        return self
