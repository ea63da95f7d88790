"""Train a configuration on each fold anew, and measure it on that fold's test rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.data.readers.reading import Source
from zoo.data.table import Table
from zoo.data.windows import Windows
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import RunConfig
from zoo.tasks import find_task
from zoo.training.preparation import prepare_run, read_data
from zoo.training.settling import settled
from zoo.training.trainer import fit, forecast_batches, forecaster, measure
from zoo.tuning.fold_errors import errors_of, judged_by_series, measure_of
from zoo.tuning.folds import Fold
from zoo.workers.training_tasks import training_tasks
from zoo_registry import discover
from zoo_registry.errors import ConfigError

OnEpoch = Callable[[int, int, float], None]  # the fold, from 1; the epoch, from 1; the validation error so far


@dataclass(frozen=True)
class FoldResult:
    """A network that was trained on one fold, and its error on the fold's test windows.

    ``mae`` gives each target's mean absolute error in original units, ``scaled_mae`` the mean over the targets after
    division by their standard deviations in the fold's train rows, whatever the scaler. ``mase`` is, of several series,
    the mean of their MASE by their own seasonal change in the fold's train rows, without those whose change is 0 or
    unknown. ``error`` is what decides, less being better, as :class:`CrossValidated` says. Tasks without units have
    neither ``mae`` nor ``scaled_mae``.
    ``best_step`` counts the optimizer steps up to the weights that were kept, and ``length`` says how long it was to
    train: ``epochs``, or ``steps`` and ``validate_every``. ``seconds`` are those of the whole fold.
    """

    number: int
    error: float
    mae: dict[str, float]
    scaled_mae: float | None
    mase: float | None
    windows: int
    train_windows: int
    epochs: int
    best_epoch: int
    best_step: int
    length: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class CrossValidated:
    """The errors of all folds; less is better.

    ``measure`` names the error that decides: ``mean MASE`` over several series; of one series ``MAE`` of one target in
    original units, ``scaled MAE`` of several; of other tasks what decides, such as ``log loss``, or 1 less it where the
    greater is better.
    """

    measure: str
    folds: tuple[FoldResult, ...]

    @property
    def error(self) -> float:
        """The mean of the folds' errors."""
        return float(np.mean([fold.error for fold in self.folds]))

    @property
    def spread(self) -> float:
        """The standard deviation of the folds' errors (their number less one in the denominator); 0 of one fold."""
        return float(np.std([fold.error for fold in self.folds], ddof=1)) if len(self.folds) > 1 else 0.0

    @property
    def mae(self) -> dict[str, float]:
        """Each target's mean absolute error in original units, the mean over the folds."""
        return {name: float(np.mean([fold.mae[name] for fold in self.folds])) for name in self.folds[0].mae}

    @property
    def scaled_mae(self) -> float | None:
        """The mean over the folds of :attr:`FoldResult.scaled_mae`, None of tasks without units."""
        return _mean([fold.scaled_mae for fold in self.folds])

    @property
    def mase(self) -> float | None:
        """The mean over the folds of :attr:`FoldResult.mase`, None of one series and of tasks without units."""
        return _mean([fold.mase for fold in self.folds])

    @property
    def epochs(self) -> int:
        """Epochs of all folds."""
        return sum(fold.epochs for fold in self.folds)

    @property
    def seconds(self) -> float:
        """Seconds of all folds."""
        return sum(fold.seconds for fold in self.folds)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        names = ("measure", "error", "spread", "mae", "scaled_mae", "mase", "epochs", "seconds")
        return {name: getattr(self, name) for name in names} | {"folds": [asdict(fold) for fold in self.folds]}


def cross_validate(
    config: RunConfig,
    source: Source | Table,
    folds: Sequence[Fold],
    *,
    on_epoch: OnEpoch | None = None,
    on_fold: Callable[[FoldResult], None] | None = None,
    executor: Executor | None = None,
    by_series: bool | None = None,
) -> CrossValidated:
    """Train and measure a configuration on each of :func:`zoo.tuning.folds.time_folds`, everything fitted anew in each.

    A ``source`` that :func:`zoo.training.preparation.read_data` gave as a table is not read again. ``on_epoch`` is told
    of each epoch's validation error (the mean MASE over several series, else the scaled MAE; for tasks without units
    the loss), and ``on_fold`` of each fold; an exception of theirs ends it all and is the caller's. ``by_series`` says
    whether the mean MASE decides; unless given, :func:`judged_by_series` does. With an ``executor`` the folds are its
    tasks, side by side: one of ``concurrent.futures``, or workers of :func:`zoo.workers.executors.executor`, which get
    the table once.

    Raises what a training raises; ConfigError for a training that starts from a run's weights, which may know the rows
    of a fold's test, for ``on_epoch`` with an executor, and where nothing tells which configuration is better.
    """
    if executor is not None and on_epoch is not None:
        raise ConfigError("epochs are not told from an executor's workers; give on_epoch, or an executor")
    if not folds:
        raise ConfigError("cross-validation: expected folds, found none; see time_folds")
    table = source if isinstance(source, Table) else read_data(config.data, source)
    config = settled_for(config, table, folds)
    results = []
    if by_series is None:
        by_series = judged_by_series(config, table, folds)
    for result in _results(partial(validate_fold, config, by_series=by_series), table, folds, on_epoch, executor):
        results.append(result)
        if on_fold is not None:
            on_fold(result)
    measure_name = measure_of(find_task(config.task), len(table.targets), by_series=by_series)
    return CrossValidated(measure_name, tuple(results))


def settled_for(config: RunConfig, table: Table, folds: Sequence[Fold]) -> RunConfig:
    """The configuration with one length for all folds, that of the last, which has the most rows."""
    if config.training.epochs is not None or config.training.steps is not None:
        return config
    return settled(config, prepare_run(config, table, splits=folds[-1]))


def _results(
    validate: Callable[..., FoldResult],
    table: Table,
    folds: Sequence[Fold],
    on_epoch: OnEpoch | None,
    executor: Executor | None,
) -> Iterator[FoldResult]:
    """Fold by fold, in their order."""
    numbered = [(fold, number) for number, fold in enumerate(folds, start=1)]
    if executor is None:
        yield from (validate(table, *one, on_epoch) for one in numbered)
        return
    with training_tasks(executor, validate, table, numbered) as tasks:
        yield from (task.result() for task in tasks)


def validate_fold(
    config: RunConfig,
    source: Source | Table,
    fold: Fold,
    number: int = 1,
    on_epoch: OnEpoch | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    *,
    by_series: bool = False,
) -> FoldResult:
    """Train on a fold's train rows, stop by its validation rows, and measure on its test rows.

    ``by_series`` says that the mean MASE over the series decides.
    Nothing that is fitted sees a row behind the one that it ends with: scalers end with train, early stopping with
    validation. Raises as :func:`cross_validate` does.
    """
    if config.training.start_from is not None:
        raise ConfigError(
            f"`start_from` {config.training.start_from}: its weights may have seen a fold's test rows, so that they"
            " cannot be cross-validated; leave it out"
        )
    began = time.perf_counter()
    architecture = discover().catalogue[config.architecture].item
    hp = architecture.configure(config.hyperparameters)
    prepared = prepare_run(config, source, splits=fold)
    watch = None
    if on_epoch is not None:
        watch = partial(_ValidationError, prepared, partial(on_epoch, number), by_series)
    fitted = fit(architecture, hp, prepared, config.training, callbacks, network=config.network, watch=watch)
    return FoldResult(
        number=number,
        **_measured(fitted.model, prepared, config, by_series=by_series),
        train_windows=len(prepared.parts["train"]),
        epochs=len(fitted.history["loss"]),
        best_epoch=fitted.best_epoch,
        best_step=fitted.pace.steps_after(fitted.best_epoch),
        length=fitted.config.model_dump(include={"epochs", "steps", "validate_every"}, exclude_none=True),
        seconds=time.perf_counter() - began,
    )


class _ValidationError(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells each epoch's error on the validation windows, which other losses and scalers leave as it is.

    ``network`` gives scaled targets, whatever the trained one is trained to give.
    """

    def __init__(
        self, prepared: Prepared, tell: Callable[[int, float], object], by_series: bool, network: keras.Model
    ) -> None:
        super().__init__()
        self._prepared, self._tell, self._by_series, self._network = prepared, tell, by_series, network
        self._forecast: Callable[[Windows], Iterator[NDArray[np.float32]]] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not find_task(self._prepared.problem.task).in_units:
            self._tell(epoch + 1, float((logs or {})["val_loss"]))
            return
        if self._forecast is None:
            self._forecast = forecaster(self._network)
        forecasts = self._forecast(self._prepared.parts["validation"])
        found = errors_of(forecasts, self._prepared, "validation", by_series=self._by_series)
        self._tell(epoch + 1, found.error if self._by_series else found.scaled_mae)


def _measured(model: keras.Model, prepared: Prepared, config: RunConfig, *, by_series: bool) -> dict[str, Any]:
    """What :class:`FoldResult` has of errors, and how many windows they are of."""
    task = find_task(config.task)
    if task.in_units:
        return vars(errors_of(forecast_batches(model, prepared.parts["test"]), prepared, "test", by_series=by_series))
    evaluation = measure(model, prepared, config).evaluation
    measures = task.measures_of(evaluation)
    if not measures.decides:
        raise ConfigError(
            "no labelled anomaly lies in a fold's test rows, so that nothing tells which configuration is better; give"
            " `label`, or fewer folds"
        )
    value = measures.value(evaluation["network"], evaluation)
    error = 1.0 - value if measures.greatest else value
    return {"mae": {}, "scaled_mae": None, "mase": None, "windows": evaluation["windows"], "error": error}


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of those that are known."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
