"""The way of the data up to the network: table -> split -> repairs -> preprocessing -> windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from zoo.data.calendar import calendar_columns, level_features
from zoo.data.frequency import usual_season
from zoo.data.imputation import repair_missing
from zoo.data.intervals import intervals
from zoo.data.masks import masked_features, required_features, telling_ends
from zoo.data.readers.reading import Source
from zoo.data.reading_choice import reading_of, without_calendar
from zoo.data.series_splits import check_splits, padded_series, split_series
from zoo.data.splits import PARTS, TRAIN_ALONE, Split
from zoo.data.table import Table, read_table
from zoo.data.windows import Windows, split_windows
from zoo.preprocessing.prepared import Prepared
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.table_scaling import fit_preprocessor, scale_rows
from zoo.preprocessing.window_normalization import normalize_windows
from zoo.preprocessing.window_scale import WindowScale
from zoo.provenance import Repairs
from zoo.settings.schema import DataConfig, RunConfig
from zoo.tasks import find_task
from zoo.training.step_count import check_schedule, total_steps, with_usual_length
from zoo_registry import discover
from zoo_registry.errors import ConfigError, DataError


def read_data(config: DataConfig, source: Source, spool: Path | None = None) -> Table:
    """Read and check a source as the configuration says; raises DataError. What it returns may be prepared often."""
    return read_table(
        source,
        targets=config.target,
        features=config.features,
        roles=find_task(config.task).roles,
        label=config.label,
        reading=reading_of(config, spool, source),
    )


def prepare(
    config: DataConfig,
    source: Source | Table,
    preprocessor: Preprocessor | None = None,
    *,
    splits: Mapping[str, Split] | None = None,
    spool: Path | None = None,
    quantiles: Sequence[float] = (),
) -> Prepared:
    """Read, check, split, repair, scale and window a source as the configuration says, or a table of :func:`read_data`.

    A fitted ``preprocessor`` is used as it is; without one, one is fitted on the train rows. ``splits``, by the name
    of the series, beat the configuration's (cross-validation gives its folds so); they may have no test rows.
    ``spool`` is a folder for temporary files, through which a table goes that does not fit in memory. Raises DataError.
    """
    table = source if isinstance(source, Table) else read_data(config, source, spool)
    task, repairs = find_task(config.task), dict(table.repairs)
    layout = task.layout(config)
    if splits is None:
        splits, short = split_table(table, config)
        if short:
            repairs["short_series"] = {"dropped": short}
    else:
        splits = check_splits(splits, table)
    if task.roles.judged:
        _refuse_foreign_targets(table, task.name)
    repaired = repair_missing(table, list(splits.values()), config.missing, spool)
    if repaired.missing:
        repairs["missing"] = {"method": config.missing, "values": repaired.missing}
    padded = padded_series(splits, config, layout)
    alone = splits
    if config.train_on_validation:
        splits = {name: split.with_validation() for name, split in splits.items()}
    if preprocessor is None:
        scalers = (config.scaler, config.scaler_for, config.target_scaler)
        preprocessor = Preprocessor(*scalers, config.calendar, table.zone, config.scaler_per_series)
        train = intervals([split.train for split in splits.values()])
        fit_preprocessor(preprocessor, table, repaired, train, whole=spool is None)
    features, targets = scale_rows(preprocessor, table, repaired.values, task.roles, spool, repaired.hidden)

    def windows_of(cut: Mapping[str, Split]) -> dict[str, Windows]:
        return split_windows(
            features,
            targets,
            list(cut.values()),
            layout,
            stretches=table.stretches,
            known_features=read,
            known_targets=repaired.targets,
            telling=telling,
            padded=[table.series[name] for name in padded],
        )

    masked: tuple[int, ...] = ()
    telling, read = None, repaired.features
    if repaired.hidden or padded:
        hidden, series = repaired.hidden[: len(table.features)], [table.series[name] for name in padded]
        if hidden:
            needed = required_features(table.target_columns, level_features(table.features))
            telling = telling_ends(hidden, needed, table.starts, layout.window, len(features), series)
        masked = masked_features(windows_of(splits)["train"], hidden)
        if unlearned := [column for column in range(len(table.features)) if column not in masked]:
            padded, read = [], repaired.shown(unlearned)
    if padded:
        repairs["padded"] = {"series": padded}
    parts = windows_of(splits)
    if config.train_on_validation:
        parts[TRAIN_ALONE] = windows_of(alone)["train"]
    for name in PARTS:
        unasked = (name == "test" or config.all_rows) and not any(getattr(split, name) for split in splits.values())
        if not len(parts[name]) and not unasked:
            raise DataError(
                f"{table.source}: the {name} part has no window of {layout.span} rows that is free of gaps and missing"
                " values; take a smaller `window`, another `split`, or another `missing` or `gaps`"
            )
    task.check_table(table, parts)
    places = calendar_columns(config.calendar)
    positions = tuple(column for column, name in enumerate(table.features) if name in places)
    return Prepared(
        table=table,
        values=repaired.values,
        splits=dict(splits),
        missing=repaired.missing,
        known_targets=repaired.targets,
        repairs=Repairs.model_validate(repairs),
        preprocessor=preprocessor,
        parts=parts,
        hidden=repaired.hidden,
        window_scale=WindowScale(positions=positions),
        problem=task.state(
            config,
            table.features,
            (str(table.label_column),) if task.roles.classes else table.targets,
            table.classes if task.roles.classes else (),
            quantiles,
            dtype=preprocessor.serving_dtype,
            units=preprocessor.units,
            step=table.step,
            zone=table.zone,
            season=config.season or usual_season(table.times),
            masked=tuple(table.features[column] for column in masked),
        ),
    )


def prepare_run(
    config: RunConfig,
    source: Source | Table,
    preprocessor: Preprocessor | None = None,
    *,
    splits: Mapping[str, Split] | None = None,
    spool: Path | None = None,
) -> Prepared:
    """Prepare the data of a run, as :func:`prepare` does; raises ConfigError where the rest does not suit them.

    Where ``normalize_window`` is auto, it is chosen by the data's rows: see :attr:`Prepared.window_scale`.
    """
    prepared = prepare(
        config.data, source, preprocessor, splits=splits, spool=spool, quantiles=config.network.quantiles
    )
    length = with_usual_length(config.training, discover().catalogue[config.architecture].item)
    check_schedule(length.schedule, total_steps(length, len(prepared.parts["train"])))
    if config.training.sample_by == "series" and prepared.table.series_column is None:
        raise ConfigError(
            f"{prepared.table.source}: `sample_by='series'` draws evenly by series, but nothing tells them apart; name"
            " the column that does with `series`, or leave it out"
        )
    if config.network.channels == "shared":
        for name, column in zip(prepared.problem.targets, prepared.problem.target_columns, strict=True):
            if column is None:
                raise ConfigError(
                    f"`channels='shared'` applies one network to each target series on its own, but target '{name}' is"
                    " no feature; add it to `features`, or take `channels='joint'`"
                )
    return normalize_windows(prepared, config.network.normalize_window, find_task(config.task).roles, spool)


def check_season(config: DataConfig, table: Table) -> None:
    """Raise ConfigError where several series are forecast, and neither settings nor times tell how long a season is.

    Their MASE hangs on it. One series is measured by the change of one row then, as are dates whose step has no usual
    season.
    """
    dated = isinstance(table.times, pd.DatetimeIndex)
    if config.season is None and len(table.series) > 1 and not dated and find_task(config.task).roles.ahead:
        times = "no times" if table.times is None else "whole numbers as times"
        raise ConfigError(
            f"{table.source}: {len(table.series):,} series with {times} do not tell how long a season is; give"
            " `season`, the rows in a season, 1 for none"
        )


def with_names(config: RunConfig, table: Table) -> RunConfig:
    """The configuration with the columns that its lists and patterns stand for in the table of the training.

    A record of them asks the same of another table.
    """
    data, found = config.data, dict[str, tuple[str, ...]]()
    targets = (str(table.label_column),) if find_task(config.task).roles.classes else table.targets
    if not set(data.target) <= set(targets):
        found["target"] = targets
    if not set(data.features) <= set(table.features):
        found["features"] = tuple(without_calendar(table.features, data.calendar))
    return config.model_copy(update={"data": data.model_copy(update=found)}) if found else config


def split_table(table: Table, config: DataConfig) -> tuple[dict[str, Split], list[str]]:
    """Split each series as the task's windows need it; see :func:`split_series`."""
    task = find_task(config.task)
    return split_series(table, config, task.layout(config), task.span(config))


def _refuse_foreign_targets(table: Table, task: str) -> None:
    """Raise ConfigError where a column to judge is no feature, so that no window would hold it."""
    for name in table.targets:
        if name not in table.features:
            raise ConfigError(
                f"`target` {name}: `task='{task}'` judges columns of the window itself, but this one is no feature; add"
                " it to `features`"
            )
