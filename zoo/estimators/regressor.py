"""Forecasts as a scikit-learn estimator, with clone, cross_validate and GridSearchCV."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.utils.validation import check_is_fitted

from zoo.data.readers.reading import Frame
from zoo.data.windows import Windows
from zoo.estimators.base import checked_input
from zoo.estimators.parameters import RegressorParameters
from zoo.settings.choices import FRAME
from zoo_registry.errors import DataError


class SequenceRegressor(RegressorMixin, RegressorParameters):  # type: ignore[misc]
    """Forecast columns of a table from the rows before, as a scikit-learn estimator; a sample is a row.

        from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate

        regressor = zoo.SequenceRegressor("basic", target="load", window=48, horizon=12, epochs=20)
        cross_validate(regressor, frame, cv=TimeSeriesSplit(3))["test_score"]
        search = GridSearchCV(regressor, {"window": [24, 48], "hyperparameters": [{"units": 16}, {"units": 32}]},
                              cv=TimeSeriesSplit(3)).fit(frame)
        search.predict(frame)[-1]  # the forecast of the rows after the frame's last, (horizon, n_targets)

    The table X is a DataFrame, of pandas or whatever :func:`zoo.train` takes as one, of one series in the order of
    time, its targets among the columns; there is no y. Leave ``scoring`` out: :meth:`score` is the score, as only it
    knows which rows each forecast is of. Rows are never shuffled, so take a splitter that keeps the order of time.

    The last share ``validation`` of the rows that :meth:`fit` is given decides when training stops and which epoch's
    weights are kept; scalers are fitted on the rows before it. The other parameters are the settings of
    :func:`zoo.train` (docs/settings.md); None takes the architecture's default, else the zoo's. ``metric`` is what
    :meth:`score` gives: ``"r2"`` or ``"neg_mean_absolute_error"``. Parameters are checked by :meth:`fit`.

    Fitted: ``network_`` (on scaled values), ``preprocessor_``, ``history_`` (loss, val_loss and others by epoch),
    ``best_epoch_``, ``config_`` (all settings, resolved), ``features_`` and ``targets_`` (the network's columns), and
    of the whole table ``feature_names_in_`` and ``n_features_in_``.
    """

    METRICS: ClassVar[tuple[str, ...]] = ("r2", "neg_mean_absolute_error")

    def predict(self, X: Frame) -> NDArray[np.float64]:
        """Return the forecast made at each row: (rows, horizon, n_targets), in original units.

        That of row t reads the rows t - window + 1 to t, and is of the rows t + gap + 1 to t + gap + horizon. It is
        NaN for the first window - 1 rows and, with ``missing="drop"``, where its window has a missing value.
        Interpolated values hang on the next known one. The table needs only the columns of ``features_``.
        """
        check_is_fitted(self, "network_")
        table, windows = self._cut(checked_input(X, None), targets=False)
        forecasts = np.full((len(table.values), self.config_.data.horizon, len(self.targets_)), np.nan)
        forecasts[windows.last_rows()] = self._forecast(windows)
        return forecasts

    def score(self, X: Frame, y: None = None) -> float:
        """Measure the forecasts whose window and targets lie inside a table; the greater the better.

        R2 is the mean of that of each target at each step of the horizon; the negative MAE is that of all values, in
        original units. Forecasts of missing values are left out. Raises DataError where too few are left.
        """
        check_is_fitted(self, "network_")
        X = checked_input(X, y)
        metric = self._checked_metric()
        table, windows = self._cut(X, targets=True)
        truth = table.cut(table.values)[1][windows.target_rows()]
        known = ~np.isnan(truth).any(axis=(1, 2))
        if (count := int(known.sum())) < (needed := 2 if metric == "r2" else 1):
            raise DataError(
                f"{FRAME}: expected at least {needed} windows of {windows.layout.span} rows whose targets are known to"
                f" measure {metric}, found {count} in {len(table.values)} rows; give more rows"
            )
        true, forecast = (values[known].reshape(count, -1) for values in (truth, self._forecast(windows)))
        return float(r2_score(true, forecast) if metric == "r2" else -mean_absolute_error(true, forecast))

    def _forecast(self, windows: Windows) -> NDArray[np.float64]:
        """The forecasts of windows, (n, horizon, n_targets), in original units."""
        forecasts = self.preprocessor_.inverse_transform_targets(self._outputs(windows))
        if not np.isfinite(forecasts).all():
            raise DataError(f"{FRAME}: a forecast is not finite; check for values far outside the training's range")
        return forecasts
