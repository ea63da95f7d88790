"""Rolling-origin evaluation (Tashman, Out-of-sample tests of forecasting accuracy, Int. J. Forecasting 16(4), 2000)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.backtesting.forecasting import BlockForecasts, Fitting, true_values, without_season
from zoo.backtesting.origins import Block, blocks, fitted_rows, lay_origins, origins_of, rows_from
from zoo.backtesting.result import Backtested
from zoo.backtesting.subjects import Subject, open_subject
from zoo.backtesting.trainings import OnBlock, check_asked, forecast_blocks, workers_for
from zoo.bundle.loading import Bundle
from zoo.data.frequency import usual_season
from zoo.data.intervals import intersect, intervals
from zoo.data.readers.reading import Source
from zoo.data.splits import Split
from zoo.data.table_windows import TableWindows
from zoo.evaluation.evaluation import NETWORK, SEASONAL
from zoo.evaluation.metrics import seasonal_changes
from zoo.evaluation.rolling import RollingErrors
from zoo.evaluation.series_errors import named
from zoo.inference.frames import window_frame
from zoo.outputs import FORECAST, QUANTILES
from zoo.settings.choices import Missing
from zoo.settings.schema import RunConfig
from zoo.settings.sessions import BacktestSettings
from zoo.tasks import find_task
from zoo_registry.errors import ConfigError, DataError
from zoo_registry.hyperparameters import validated

if TYPE_CHECKING:
    from zoo.run import Run
    from zoo.settings.keywords import ReadingKeywords

_TOO_LONG = "longer than what stands before the first origin"


def backtest(
    subject: str | Path | Run | Bundle | RunConfig,
    data: Source | None = None,
    *,
    refit: bool = False,
    refit_every: int | None = None,
    start: str | None = None,
    stride: int | None = None,
    origins: int | None = None,
    train_rows: int | None = None,
    season: int | None = None,
    missing: Missing | None = None,
    runs: str | Path = "runs",
    require_signature: Sequence[str | Path] | None = None,
    executor: Executor | None = None,
    backend: str | None = None,
    jobs: int | None = None,
    threads: int | None = None,
    address: str | None = None,
    on_block: OnBlock | None = None,
    **reading: Unpack[ReadingKeywords],
) -> Backtested:
    """Forecast from one origin after the other, as if the rows behind it were not there, and measure it.

    ``subject`` is a run, a TOML file or configuration, or a bundle. Its network stays as it is, or is trained once on
    the rows before the first origin where it has none; with ``refit`` it is trained anew at each origin, on the rows up
    to that, with ``refit_every`` at each so many. ``train_rows`` keeps only the last so many rows for that.

    Origins lie ``stride`` rows apart (the horizon, unless given), over the subject's test rows, or the rows from
    ``start`` on: a time, or where there are no times a row, from 1. With ``origins`` only so many of each series are
    taken, the last ones. ``data`` is the subject's own table unless given, which a bundle has not. ``missing`` beats
    the subject's own way; whatever it is, a window is filled from its own and earlier rows alone. ``reading`` says how
    a bundle's table is read, as for :meth:`zoo.Bundle.predict`, and ``require_signature`` who has to have signed it, as
    for :func:`zoo.load_bundle`.

    ``jobs`` trainings run side by side, by ``backend``, with ``threads`` each: see
    :func:`zoo.workers.executors.executor`; or they are the tasks of an ``executor`` of ``concurrent.futures``. Without
    any of these they run one after the other in this process. Forecasts are the same, with as many threads for each.
    ``on_block`` is told how many of how many are done. Baselines see the same origins and rows. Raises a
    :class:`zoo.ZooError` for anything that the caller can mend.
    """
    numbers = {"refit_every": refit_every, "stride": stride, "origins": origins, "train_rows": train_rows}
    validated(BacktestSettings, {**numbers, "season": season}, "setting")
    every = refit_every if refit_every is not None else 1 if refit else None
    asked = {"backend": backend, "jobs": jobs, "threads": threads, "address": address}
    asked = check_asked(executor, asked)
    opened = open_subject(
        subject,
        data,
        runs=Path(runs),
        refit=every is not None,
        missing=missing,
        require_signature=require_signature,
        reading=reading,
    )
    if train_rows is not None and opened.outputs is not None:
        raise ConfigError("`train_rows` is for a training, but this network stays as it is; add `refit`")
    if opened.outputs is None and opened.config is not None and opened.config.training.start_from is not None:
        raise ConfigError(
            f"`start_from` {opened.config.training.start_from}: its weights may have seen rows behind an origin, so"
            " that a training from them cannot be backtested; leave it out, or leave `refit` out"
        )
    table = opened.laid.table
    tested = opened.tested if start is None else _checked_start(opened, rows_from(table, start), start)
    every_row = opened.laid
    stride = every_row.problem.horizon if stride is None else stride
    laid = lay_origins(every_row, tested, stride=stride, most=origins)
    season = next((given for given in (season, opened.season) if given is not None), usual_season(table.times))
    lag, lacking, skipped = season or 1, dict[str, NDArray[np.bool_]](), dict[str, str]()
    if not every_row.roles.apart:
        lacking[SEASONAL] = without_season(laid, season or 1)
        if season is None:
            skipped[SEASONAL] = "no season is known; give one with `season`"
        elif lacking[SEASONAL][laid.series_of()].all():
            skipped[SEASONAL], season = f"the season of {season} rows is {_TOO_LONG}", None
    groups = blocks(laid, every)
    fittings = [_fitting(opened, group, train_rows) for group in groups]
    remarks = [*opened.remarks, *([opened.doubt] if opened.doubt is not None and start is None else [])]
    settings = {"stride": stride, "refit_every": every, "remarks": remarks}
    with workers_for(executor, asked, trains=opened.outputs is None) as workers:
        made = forecast_blocks(
            laid, groups, fittings, outputs=opened.outputs, season=season, executor=workers, on_block=on_block
        )
        changes = _changes(laid, groups[0], fittings[0], lag)
        return _gather(opened, laid, groups, made, changes, lacking, skipped, settings)


def _checked_start(opened: Subject, tested: dict[str, range], start: str) -> dict[str, range]:
    """Rows to test; raises ConfigError for some that the network was trained on."""
    for name, unseen in (opened.unseen or {}).items():
        if tested[name] and tested[name].start < unseen.start:
            raise ConfigError(
                f"`start` {start}: this network was trained on rows before {opened.laid.table.row_name(unseen.start)},"
                " so that errors there would flatter it; give a later one, or `refit`"
            )
    return tested


def _fitting(opened: Subject, block: Block, train_rows: int | None) -> Fitting | None:
    """What a block is fitted on; None for a network that is there, and too few rows for baselines beside it."""
    known = block.known
    if opened.unseen is not None and opened.outputs is not None:  # baselines are given what the network was given
        starts = {name: rows.start for name, rows in opened.laid.table.series.items()}
        known = {name: range(starts[name], unseen.start) for name, unseen in opened.unseen.items()}
    config = opened.config if opened.outputs is None else None
    try:
        splits: dict[str, Split] = fitted_rows(
            known,
            validation=opened.validation,
            embargo=opened.data.embargo,
            least=find_task(opened.data.task).layout(opened.data).span,
            train_rows=train_rows,
        )
    except DataError:
        if config is not None:
            raise
        return None
    return Fitting(opened.data, opened.network, config, splits)


def _gather(
    opened: Subject,
    laid: TableWindows,
    groups: Sequence[Block],
    made: Iterator[BlockForecasts],
    changes: NDArray[np.float64],
    lacking: dict[str, NDArray[np.bool_]],
    skipped: dict[str, str],
    settings: dict[str, Any],
) -> Backtested:
    """Measure all blocks and put their forecasts together."""
    errors, frames, fits = None, [], []
    for group, block in zip(groups, made, strict=True):
        part = laid.chosen(group.numbers)
        if errors is None:
            unit = opened.unit if opened.unit is not None else block.unit
            assert unit is not None, "a network that was just trained has a unit"
            errors = RollingErrors(
                laid.problem.targets,
                len(laid.windows),
                unit=unit,
                changes=changes,
                series=list(laid.table.series),
                owners=laid.series_of(),
                lacking=lacking,
                quantiles=laid.problem.quantiles if block.quantiles is not None else (),
            )
        skipped = skipped | block.skipped
        errors.add(group.numbers, true_values(part), block.forecasts, block.quantiles)
        frames.append(_frame(part, block))
        if block.fit is not None:
            fits.append({"origin": str(origins_of(part)[0]), "origins": len(np.unique(origins_of(part)))} | block.fit)
    assert errors is not None
    if not errors.windows:
        raise DataError(
            f"{laid.table.source}: behind every origin a target is missing, so there is no truth to measure; give"
            " another `start`"
        )
    moments, table = origins_of(laid), laid.table
    evaluation = {
        "subject": opened.title,
        "kind": opened.kind,
        "source": table.source,
        "fingerprint": table.fingerprint(),
        "task": str(laid.problem.task),
        "window": laid.problem.window,
        "horizon": laid.problem.horizon,
        "gap": laid.problem.gap,
        **settings,
        "origins": len(np.unique(moments)),
        "first_origin": str(moments.min()),
        "last_origin": str(moments.max()),
        **_told(errors, lacking, list(table.series)),
        "by_series": errors.by_series() if table.series_column else {},
        "skipped": skipped,
        "fits": fits,
    }
    return Backtested(
        evaluation,
        forecasts=pd.concat(frames, ignore_index=True),
        by_origin=_by_origin(laid, errors),
        dates=isinstance(table.times, pd.DatetimeIndex),
    )


def _frame(part: TableWindows, block: BlockForecasts) -> pd.DataFrame:
    """All forecasts of a block, a row for each step, as :func:`window_frame` labels them, and the baselines'."""
    outputs = {FORECAST: block.forecasts[NETWORK]}
    if block.quantiles is not None:
        outputs[QUANTILES] = block.quantiles
    frame = window_frame(part, slice(0, len(part.windows)), outputs)
    for name, forecast in block.forecasts.items():
        for index, target in enumerate(part.problem.targets):
            if name != NETWORK:
                frame[_free(f"{target} {name}", frame)] = forecast[:, :, index].ravel()
    return frame


def _by_origin(laid: TableWindows, errors: RollingErrors) -> pd.DataFrame:
    """A row for each window: its origin, its series, each forecast's scaled MAE, and the MAE of each target."""
    frame = pd.DataFrame({"origin": origins_of(laid)})
    if laid.table.series_column is not None:
        names = np.array(list(laid.table.series), dtype=object)
        frame[_free(laid.table.series_column, frame)] = pd.array(names[laid.series_of()], dtype="str")
    for name in errors.by_origin:
        frame[_free(f"scaled MAE {name}", frame)] = errors.scaled(name)
    for name, found in errors.by_origin.items():
        for index, target in enumerate(laid.problem.targets):
            frame[_free(f"{target} {name}", frame)] = found[:, index]
    return frame


def _changes(laid: TableWindows, first: Block, fitting: Fitting | None, lag: int) -> NDArray[np.float64]:
    """MASE's denominators, (n_series, n_targets): by the first train rows, or by all rows before where they are few."""
    rows = list(first.known.values())
    if fitting is not None:
        merged = fitting.data.train_on_validation
        rows = [(split.with_validation() if merged else split).train for split in fitting.splits.values()]
    table = laid.table
    stretches = intersect(intervals(rows), table.stretches)
    return seasonal_changes(table.cut(table.values)[1], stretches, table.starts, lag)


def _told(errors: RollingErrors, lacking: dict[str, NDArray[np.bool_]], series: Sequence[str]) -> dict[str, Any]:
    """What was measured, and for which series a baseline is not."""
    found = errors.measured()
    if "series" in found:
        absent = {name: own for name, own in lacking.items() if own.any() and name in found["baselines"]}
        found["series"]["partly"] = {
            name: f"{named(series, own)}, as the season is {_TOO_LONG}" for name, own in absent.items()
        }
    return found


def _free(name: str, frame: pd.DataFrame) -> str:
    """The name, told apart from columns of the table that are called so."""
    while name in frame:
        name = f"{name} (backtest)"
    return name
