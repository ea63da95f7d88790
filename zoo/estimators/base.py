"""What the zoo's scikit-learn estimators share: training on a table, cutting another one like it, and pickling."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from zoo.data.calendar import level_features
from zoo.data.imputation import repair_missing
from zoo.data.last_window import refuse_other_step
from zoo.data.masks import required_features, telling_ends
from zoo.data.readers.reading import ArrowTable, Frame, as_pandas
from zoo.data.reading_choice import reading_as_trained, without_calendar
from zoo.data.roles import NUMBERS
from zoo.data.splits import Split
from zoo.data.table import Table, read_table
from zoo.data.windows import Layout, Windows, split_windows
from zoo.preprocessing.prepared import Prepared
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.quiet import import_tensorflow
from zoo.settings.choices import FRAME
from zoo.settings.resolve import resolve
from zoo.settings.schema import RunConfig
from zoo.tasks import find_task
from zoo.training.preparation import prepare_run, with_names
from zoo_registry import Task, discover
from zoo_registry.errors import ConfigError, DataError, close_match_hint

_NOT_SETTINGS = ("architecture", "hyperparameters", "validation", "metric")


class SequenceEstimator(BaseEstimator):  # type: ignore[misc]
    """The base of the estimators, whose parameters are settings of a run; ``METRICS`` are what can be the score."""

    METRICS: ClassVar[tuple[str, ...]] = ()
    TASK: ClassVar[Task] = Task.FORECAST

    def _set_parameters(self, parameters: dict[str, Any]) -> None:
        """Keep the arguments of ``__init__`` by name."""
        for name, value in parameters.items():
            if name != "self":
                setattr(self, name, value)

    def fit(self, X: Frame, y: None = None) -> Self:
        """Train on a table; one seed gives one result on one machine.

        Raises ConfigError for parameters and DataError for tables that do not fit, as :func:`zoo.train` does.
        """
        import_tensorflow()
        from zoo.training.trainer import fit

        X = checked_input(X, y)
        self._checked_metric()
        architecture = discover().catalogue[self.architecture].item
        config = self._resolve()
        prepared = prepare_run(config, X, splits={"": self._split(len(X), find_task(config.task).layout(config.data))})
        hp = architecture.configure(config.hyperparameters)
        fitted = fit(architecture, hp, prepared, config.training, network=config.network)
        table = prepared.table
        self.network_, self.history_, self.best_epoch_ = fitted.model, fitted.history, fitted.best_epoch
        self.preprocessor_ = prepared.preprocessor
        lasting = config.model_copy(update={"training": fitted.config})
        self.config_ = with_names(lasting.normalizing(prepared.window_scale.kind), table)
        self.features_, self.targets_ = table.features, prepared.problem.targets
        self.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        self._problem, self._trained_on = prepared.problem, prepared.record(config.data)
        self._keep(X, prepared)
        return self

    def _keep(self, X: pd.DataFrame, prepared: Prepared) -> None:
        """Keep what only some estimators have."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.allow_nan = self.missing != "error"
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """The parameters and, where it is fitted, network and preprocessor as the files of a run folder."""
        state = dict(super().__getstate__())
        if "network_" in state:
            from zoo.runs.store import MODEL_FILE

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
            import_tensorflow()
            from zoo.models.custom_objects import load_with
            from zoo.runs.store import MODEL_FILE, network_like

            who = "the estimator"

            with TemporaryDirectory() as name:
                folder = Path(name)
                for file, content in files.items():
                    (folder / file).write_bytes(content)
                self.network_ = load_with(
                    folder / MODEL_FILE, lambda: network_like(self.config_, self._problem, who), who
                )
                self.preprocessor_ = Preprocessor.load(folder)

    def _resolve(self) -> RunConfig:
        settings = {name: _plain(value) for name, value in self.get_params(deep=False).items()}
        hyperparameters = {name: _plain(value) for name, value in (settings["hyperparameters"] or {}).items()}
        for name in _NOT_SETTINGS:
            del settings[name]
        architecture = discover().catalogue[self.architecture].item
        own = {"source": FRAME, "task": self.TASK}
        return resolve(self.architecture, architecture, hyperparameters, settings | own)

    def _checked_metric(self) -> str:
        if self.metric not in self.METRICS:
            raise ConfigError(
                f"metric: expected {' or '.join(self.METRICS)}, found"
                f" {self.metric!r}{close_match_hint(self.metric, self.METRICS)}"
            )
        return str(self.metric)

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
        reading = reading_as_trained(X, self._problem, self._trained_on, time=config.time)
        given = without_calendar(self.features_, config.calendar)
        read = self.targets_ if targets else given[:1]  # a table has some
        task = find_task(self.TASK)
        roles = task.roles if targets else NUMBERS
        table = read_table(X, targets=read, features=given, roles=roles, reading=reading)
        refuse_other_step(table, self._problem.step)
        rows = len(table.values)
        everything = Split(range(0), range(0), range(rows))
        repaired = repair_missing(table, [everything], config.missing)
        raw = np.array(table.cut(repaired.values)[0])
        for column, rows_hidden in enumerate(repaired.hidden[: raw.shape[1]]):
            raw[rows_hidden, column] = np.nan
        masked = self._problem.masked
        unlearned = [column for column, name in enumerate(table.features) if name not in masked]
        needed = required_features(self._problem.target_columns, level_features(table.features))
        scaled, window = self.preprocessor_.transform(raw), find_task(self.TASK).layout(config).window
        windows = split_windows(
            scaled,
            scaled,  # targets are compared in original units
            [everything],
            task.layout(config) if targets else Layout(config.window, horizon=1, lead=0),
            stretches=table.stretches,
            known_features=repaired.shown(unlearned),
            telling=telling_ends(repaired.hidden[: raw.shape[1]], needed, table.starts, window, rows)
            if repaired.hidden
            else None,
            known_targets=repaired.targets if targets else None,
        )["test"]
        if not len(windows):
            raise DataError(
                f"{FRAME}: expected a window of {windows.layout.span} rows without missing values, found none in {rows}"
                " rows; give more rows"
            )
        return table, windows

    def _outputs(self, windows: Windows) -> NDArray[np.float32]:
        """What the network gives for windows, scaled, (n, ...)."""
        from zoo.training.trainer import forecast_batches

        return np.concatenate(list(forecast_batches(self.network_, windows)))


def checked_input(X: Any, y: Any) -> pd.DataFrame:
    """Return X as a DataFrame of pandas; raises DataError where it is no table, and ConfigError where there is a y."""
    if not isinstance(X, (pd.DataFrame, ArrowTable)):
        raise DataError(f"expected a DataFrame with the columns by name, found {type(X).__name__}; make it one")
    if y is not None:
        raise ConfigError("expected no y, as the targets are columns of the table; name them with target")
    return as_pandas(X)


def _plain(value: Any) -> Any:
    """A number of Python for one of NumPy, which the ranges of a search are made of."""
    return value.item() if isinstance(value, np.generic) else value
