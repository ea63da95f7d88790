"""The zoo as a scikit-learn estimator: forecasts of a table, with clone, cross_validate and GridSearchCV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.utils.validation import check_is_fitted

from zoo.data.calendar import calendar_columns
from zoo.data.last_window import refuse_other_step
from zoo.data.missing import repair_missing
from zoo.data.reading import FRAME, Reading
from zoo.data.split import Split
from zoo.data.table import Table, read_table
from zoo.data.windows import Layout, Windows, split_windows
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.training.config import RunConfig, resolve
from zoo.training.preparation import layout_of, prepare_run
from zoo_registry import discover
from zoo_registry.errors import ConfigError, DataError, close_match_hint

_METRICS = ("r2", "neg_mean_absolute_error")
_NOT_SETTINGS = ("architecture", "hyperparameters", "validation", "metric")


class SequenceRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Forecast columns of a table from the rows before, as a scikit-learn estimator; a sample is a row.

        from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate

        regressor = zoo.SequenceRegressor("basic", target="load", window=48, horizon=12, epochs=20)
        cross_validate(regressor, frame, cv=TimeSeriesSplit(3))["test_score"]
        search = GridSearchCV(regressor, {"window": [24, 48], "hyperparameters": [{"units": 16}, {"units": 32}]},
                              cv=TimeSeriesSplit(3)).fit(frame)
        search.predict(frame)[-1]  # the forecast of the rows after the frame's last, (horizon, n_targets)

    The table X is a DataFrame of one series in the order of time, its targets among the columns; there is no y. Leave
    ``scoring`` out: :meth:`score` is the score, as only it knows which rows each forecast is of. Rows are never
    shuffled, so take a splitter that keeps the order of time.

    The last share ``validation`` of the rows that :meth:`fit` is given decides when training stops and which epoch's
    weights are kept; scalers are fitted on the rows before it. The other parameters are the settings of
    :func:`zoo.train`; None takes the architecture's default, else the zoo's. ``metric`` is what :meth:`score` gives:
    ``"r2"`` or ``"neg_mean_absolute_error"``. Parameters are checked by :meth:`fit`.

    Fitted: ``network_`` (on scaled values), ``preprocessor_``, ``history_`` (loss, val_loss and others by epoch),
    ``best_epoch_``, ``config_`` (all settings, resolved), ``features_`` and ``targets_`` (the network's columns), and
    of the whole table ``feature_names_in_`` and ``n_features_in_``.
    """

    def __init__(
        self,
        architecture: str = "basic",
        target: str | Sequence[str] | None = None,
        window: int = 48,
        horizon: int = 12,
        *,
        gap: int = 0,
        features: str | Sequence[str] | None = None,
        time: str | None = None,
        calendar: str | Sequence[str] | None = None,
        missing: str = "error",
        scaler: str = "standard",
        normalize_window: str = "none",
        channels: str = "joint",
        hyperparameters: Mapping[str, Any] | None = None,
        loss: str | None = None,
        optimizer: str | None = None,
        learning_rate: float | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        patience: int | None = None,
        seed: int = 0,
        validation: float = 0.15,
        metric: str = "r2",
    ) -> None:
        self.architecture = architecture
        self.target = target
        self.window = window
        self.horizon = horizon
        self.gap = gap
        self.features = features
        self.time = time
        self.calendar = calendar
        self.missing = missing
        self.scaler = scaler
        self.normalize_window = normalize_window
        self.channels = channels
        self.hyperparameters = hyperparameters
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.patience = patience
        self.seed = seed
        self.validation = validation
        self.metric = metric

    def fit(self, X: pd.DataFrame, y: None = None) -> Self:
        """Train on a table; one seed gives one result on one machine.

        Raises ConfigError for parameters and DataError for tables that do not fit, as :func:`zoo.train` does.
        """
        from zoo.training.trainer import fit

        _check_input(X, y)
        _check_metric(self.metric)
        architecture = discover().catalogue[self.architecture].architecture
        config = self._resolve()
        prepared = prepare_run(config, X, splits={"": self._split(len(X), layout_of(config.data))})
        hp = architecture.configure(config.hyperparameters)
        fitted = fit(architecture, hp, prepared, config.training, network=config.network)
        table = prepared.table
        self.network_, self.history_, self.best_epoch_ = fitted.model, fitted.history, fitted.best_epoch
        self.preprocessor_, self.config_ = prepared.preprocessor, config
        self.features_, self.targets_ = table.features, table.targets
        self.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        self._time, self._zone, self._step = table.time_column, table.zone, table.step
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the forecast made at each row: (rows, horizon, n_targets), in original units.

        That of row t reads the rows t - window + 1 to t, and is of the rows t + gap + 1 to t + gap + horizon. It is
        NaN for the first window - 1 rows and, with ``missing="drop"``, where its window has a missing value.
        Interpolated values hang on the next known one. The table needs only the columns of ``features_``.
        """
        check_is_fitted(self, "network_")
        _check_input(X, None)
        table, windows = self._cut(X, targets=False)
        forecasts = np.full((len(table.values), self.config_.data.horizon, len(self.targets_)), np.nan)
        forecasts[windows.last_rows()] = self._forecast(windows)
        return forecasts

    def score(self, X: pd.DataFrame, y: None = None) -> float:
        """Measure the forecasts whose window and targets lie inside a table; the greater the better.

        R2 is the mean of that of each target at each step of the horizon; the negative MAE is that of all values, in
        original units. Forecasts of missing values are left out. Raises DataError where too few are left.
        """
        check_is_fitted(self, "network_")
        _check_input(X, y)
        metric = _check_metric(self.metric)
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.allow_nan = self.missing != "error"
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """The parameters and, where it is fitted, network and preprocessor as the files of a run folder."""
        state = dict(super().__getstate__())
        if "network_" in state:
            from zoo.training.run_folder import MODEL_FILE

            with TemporaryDirectory() as name:
                folder = Path(name)
                state.pop("network_").save(folder / MODEL_FILE)
                state.pop("preprocessor_").save(folder)
                state["_files"] = {path.name: path.read_bytes() for path in folder.iterdir()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Load what :meth:`__getstate__` gave."""
        files = state.get("_files", {})
        super().__setstate__({name: value for name, value in state.items() if name != "_files"})
        if files:
            from zoo.training.run_folder import load_network

            with TemporaryDirectory() as name:
                folder = Path(name)
                for file, content in files.items():
                    (folder / file).write_bytes(content)
                self.network_, self.preprocessor_ = load_network(folder), Preprocessor.load(folder)

    def _resolve(self) -> RunConfig:
        settings = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        hyperparameters = {name: _plain(value) for name, value in (settings["hyperparameters"] or {}).items()}
        for name in _NOT_SETTINGS:
            del settings[name]
        architecture = discover().catalogue[self.architecture].architecture
        return resolve(self.architecture, architecture, hyperparameters, {**settings, "source": FRAME})

    def _split(self, rows: int, layout: Layout) -> Split:
        """Train and, of the end, validation; no test, which is the caller's."""
        share = _plain(self.validation)
        if not isinstance(share, (int, float)) or not 0 < share < 1:
            raise ConfigError(f"validation: expected a share between 0 and 1, such as 0.15, found {share!r}; give one")
        cut = rows - round(share * rows)
        if cut < layout.span or rows - cut < layout.horizon:
            raise DataError(
                f"{FRAME}: expected at least {layout.span} rows for training and {layout.horizon} for validation, found"
                f" {cut} and {rows - cut}; give more rows, another validation, or a smaller window or horizon"
            )
        return Split(range(cut), range(cut, rows), range(rows, rows))

    def _cut(self, X: pd.DataFrame, *, targets: bool) -> tuple[Table, Windows]:
        """Read a table as the training's was, and cut it into scaled windows that lie inside it.

        With ``targets`` these are read, and lie inside it too. Raises DataError where no window does.
        """
        config = self.config_.data
        reading = Reading(
            time=config.time,
            usual_time=self._time,
            gaps=config.gaps,
            calendar=config.calendar,
            calendar_zone=(self._zone or "none") if config.calendar else None,
        )
        given = [name for name in self.features_ if name not in calendar_columns(config.calendar)]
        read = self.targets_ if targets else given[:1]  # a table has some
        table = read_table(X, targets=read, features=given, reading=reading)
        refuse_other_step(table, self._step)
        rows = len(table.values)
        everything = Split(range(0), range(0), range(rows))
        repaired = repair_missing(table, [everything], config.missing)
        scaled = self.preprocessor_.transform(table.cut(repaired.values)[0])
        windows = split_windows(
            scaled,
            scaled,  # targets are compared in original units
            [everything],
            layout_of(config) if targets else Layout(config.window, horizon=1, lead=0),
            stretches=table.stretches,
            known_features=repaired.features,
            known_targets=repaired.targets if targets else None,
        )["test"]
        if not len(windows):
            raise DataError(
                f"{FRAME}: expected a window of {windows.layout.span} rows without missing values, found none in {rows}"
                " rows; give more rows"
            )
        return table, windows

    def _forecast(self, windows: Windows) -> NDArray[np.float64]:
        """The forecasts of windows, (n, horizon, n_targets), in original units."""
        from zoo.training.trainer import forecast_batches

        forecasts = self.preprocessor_.inverse_transform_targets(
            np.concatenate(list(forecast_batches(self.network_, windows)))
        )
        if not np.isfinite(forecasts).all():
            raise DataError(f"{FRAME}: a forecast is not finite; check for values far outside the training's range")
        return forecasts


def _check_input(X: Any, y: Any) -> None:
    if not isinstance(X, pd.DataFrame):
        raise DataError(f"expected a DataFrame with the columns by name, found {type(X).__name__}; make it one")
    if y is not None:
        raise ConfigError("expected no y, as the targets are columns of the table; name them with target")


def _check_metric(metric: str) -> str:
    if metric not in _METRICS:
        raise ConfigError(
            f"metric: expected {' or '.join(_METRICS)}, found {metric!r}{close_match_hint(metric, _METRICS)}"
        )
    return metric


def _plain(value: Any) -> Any:
    """A number of Python for one of NumPy, which the ranges of a search are made of."""
    return value.item() if isinstance(value, np.generic) else value
