"""Forecasts of a block of origins: of a network, fitted anew or as it is, and of baselines on the same windows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.raw_windows import check_windows
from zoo.data.splits import Split
from zoo.data.table_windows import TableWindows
from zoo.data.windows import Layout, Windows, seasonal_rows
from zoo.evaluation.baselines import last_value, seasonal_naive
from zoo.evaluation.evaluation import LAST_VALUE, NETWORK, RIDGE, SEASONAL, TRAIN_MEAN
from zoo.evaluation.shared_ridge import fitting_ridge
from zoo.outputs import FORECAST, QUANTILES
from zoo.preprocessing.prepared import Prepared
from zoo.preprocessing.window_normalization import normalize_windows
from zoo.quiet import import_tensorflow
from zoo.settings.schema import DataConfig, NetworkConfig, RunConfig
from zoo.training.preparation import prepare, prepare_run
from zoo_registry import discover

# Of raw windows (n, window, n_features), and the names of their series
Outputs = Callable[[NDArray[np.float64], Sequence[str]], Mapping[str, NDArray[Any]]]

BATCH, BATCH_VALUES = 512, 2**21  # windows, and values in them


@dataclass(frozen=True)
class Fitting:
    """What is done before a block's first origin: ``splits`` by series are the rows that are trained on.

    ``config`` trains a network; without it there is one already, and ``data`` alone is prepared, for the baselines,
    whose windows are normalized as those of the ``network`` are.
    """

    data: DataConfig
    network: NetworkConfig
    config: RunConfig | None
    splits: Mapping[str, Split]


@dataclass(frozen=True)
class BlockForecasts:
    """Forecasts by name, (n, steps, n_targets) in original units, and the network's quantiles with one axis more.

    ``unit`` (n_targets,) is what the train rows' scaler divides by; ``skipped`` says why a baseline could not be
    computed. A network that was fitted has ``fit``: rows, epochs, seconds.
    """

    forecasts: dict[str, NDArray[np.float64]]
    quantiles: NDArray[np.float64] | None
    unit: NDArray[np.float64] | None
    skipped: dict[str, str]
    fit: dict[str, Any] | None


def forecast_block(
    laid: TableWindows,
    numbers: NDArray[np.int64],
    fitting: Fitting | None,
    season: int | None,
    outputs: Outputs | None = None,
    callbacks: Sequence[Any] = (),
) -> BlockForecasts:
    """Fit what is to be fitted on the rows before, and forecast from each window of these numbers.

    ``outputs`` is a network that is there already; without it one is trained. A ``season`` that lies before
    no window is None; ``callbacks`` of Keras are told of the training. It may run in another process. Raises what a
    training raises.
    """
    laid = laid.chosen(numbers)
    prepared, fit = None, None
    if fitting is not None and fitting.config is not None:
        began = time.perf_counter()
        prepared = prepare_run(fitting.config, laid.table, splits=fitting.splits)
        outputs, epochs = _trained(fitting.config, prepared, callbacks)
        fit = {
            "train_rows": sum(len(rows) for rows in prepared.rows("train")),
            "train_windows": len(prepared.parts["train"]),
            "epochs": epochs,
            "seconds": round(time.perf_counter() - began, 3),
        }
    elif fitting is not None:
        prepared = prepare(fitting.data, laid.table, splits=fitting.splits)
        prepared = normalize_windows(prepared, fitting.network.normalize_window, laid.roles)
    assert outputs is not None
    baselines, skipped = _baselines(laid, prepared, season, shared=_is_shared(fitting))
    made: dict[str, list[NDArray[np.float64]]] = {name: [] for name in (NETWORK, *baselines)}
    quantiles = []
    for some in laid.windows.batches(_batch_size(laid)):
        windows = laid.inputs(some)
        answers = outputs(windows, laid.names_of(some))
        made[NETWORK].append(np.asarray(answers[FORECAST], np.float64))
        if QUANTILES in answers:
            quantiles.append(np.asarray(answers[QUANTILES], np.float64))
        for name, baseline in baselines.items():
            made[name].append(np.asarray(baseline(windows, some), np.float64))
    return BlockForecasts(
        forecasts={name: np.concatenate(parts) for name, parts in made.items()},
        quantiles=np.concatenate(quantiles) if quantiles else None,
        unit=None if prepared is None else prepared.preprocessor.targets_.unit,
        skipped=skipped,
        fit=fit,
    )


def true_values(laid: TableWindows) -> NDArray[np.float64]:
    """The targets of all windows, (n, steps, n_targets), in original units, NaN where one is missing."""
    return np.asarray(laid.table.cut(laid.table.values)[1][laid.told_rows()], dtype=np.float64)


def _trained(config: RunConfig, prepared: Prepared, callbacks: Sequence[Any]) -> tuple[Outputs, int]:
    import_tensorflow()
    from zoo.inference.answers import Answers, answer_windows
    from zoo.training.trainer import fit

    architecture = discover().catalogue[config.architecture].item
    hp = architecture.configure(config.hyperparameters)
    fitted = fit(architecture, hp, prepared, config.training, callbacks, network=config.network)
    answers, problem = Answers(prepared.problem), prepared.problem

    def outputs(windows: NDArray[np.float64], series: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        checked = check_windows(windows, problem.window, problem.features, masked=problem.masked)
        return answer_windows(fitted.model, prepared.preprocessor, answers, checked, series)

    return outputs, len(fitted.history["loss"])


def _baselines(
    laid: TableWindows, prepared: Prepared | None, season: int | None, *, shared: bool
) -> tuple[dict[str, Callable[[NDArray[np.float64], slice], NDArray[Any]]], dict[str, str]]:
    """What each baseline of the task makes of windows and their numbers, and why others make nothing.

    They see no more than the network: the rows up to an origin, with missing values filled from the rows before.
    """
    baselines: dict[str, Callable[[NDArray[np.float64], slice], NDArray[Any]]] = {}
    skipped: dict[str, str] = {}
    untrained = "there are too few rows before the first origin to fit it on"
    steps = laid.problem.horizon
    if laid.roles.apart:
        if prepared is None:
            skipped[TRAIN_MEAN] = untrained
        else:
            known = np.concatenate([prepared.truth[rows.start : rows.stop] for rows in prepared.rows("train")])
            mean = np.nanmean(known, axis=0)
            baselines[TRAIN_MEAN] = lambda windows, _: np.broadcast_to(mean, (len(windows), steps, len(mean)))
    else:
        past = _filled_forward(laid)
        baselines[LAST_VALUE] = lambda _, numbers: last_value(past, laid.windows.last_rows(numbers), steps)
        if season is not None:
            baselines[SEASONAL] = lambda _, numbers: seasonal_naive(
                past,
                laid.told_rows(numbers)[:, 0],
                laid.windows.last_rows(numbers),
                laid.table.starts[laid.series_of(numbers)],
                steps,
                season,
            )
    if prepared is None:
        skipped[RIDGE] = untrained
        return baselines, skipped
    train = prepared.parts["train"]
    made, skipped[RIDGE] = fitting_ridge(train, prepared.shape.target_columns, shared=shared)
    if made is not None:
        del skipped[RIDGE]
        scalers, ridge = prepared.preprocessor, made.fit(train, prepared.parts["validation"])

        def by_ridge(windows: NDArray[np.float64], numbers: slice) -> NDArray[Any]:
            scaled, to_units = scalers.scale_windows(windows, laid.names_of(numbers))
            return to_units(ridge.predict(_as_windows(scaled, steps)))

        baselines[RIDGE] = by_ridge
    return baselines, skipped


def _is_shared(fitting: Fitting | None) -> bool:
    """Whether the network forecasts each target from its own window."""
    return fitting is not None and fitting.network.channels == "shared"


def _filled_forward(laid: TableWindows) -> NDArray[np.float64]:
    """The targets of all rows, (rows, n_targets), with the last known value of their series where one is missing."""
    targets = np.array(laid.table.cut(laid.table.values)[1], dtype=np.float64)
    if np.isnan(targets).any():
        for rows in laid.table.series.values():
            targets[rows.start : rows.stop] = pd.DataFrame(targets[rows.start : rows.stop]).ffill().to_numpy()
    return targets


def without_season(laid: TableWindows, season: int) -> NDArray[np.bool_]:
    """Which series, (n_series,), have a window before which the season does not lie in them."""
    starts, owners = laid.table.starts, laid.series_of()
    earliest = seasonal_rows(laid.told_rows()[:, 0], laid.windows.last_rows(), laid.problem.horizon, season).min(axis=1)
    lacking = np.zeros(len(starts), np.bool_)
    lacking[owners[earliest < starts[owners]]] = True
    return lacking


def _as_windows(scaled: NDArray[Any], horizon: int) -> Windows:
    """Scaled windows (n, window, n_features), side by side; nothing can be read of their targets."""
    count, window, n_features = scaled.shape
    flat, layout = scaled.reshape(-1, n_features), Layout(window, horizon, window)
    return Windows(flat, flat[:0], np.arange(count) * window, np.arange(count + 1), layout)


def _batch_size(laid: TableWindows) -> int:
    return max(1, min(BATCH, BATCH_VALUES // (laid.problem.window * len(laid.table.features))))
