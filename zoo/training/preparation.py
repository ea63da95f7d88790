"""The way of the data up to the network: table -> split -> repairs -> preprocessing -> windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns
from zoo.data.columns import shown
from zoo.data.csv_files import CsvFormat
from zoo.data.frequency import usual_season
from zoo.data.intervals import Intervals, contains, intersect, intervals
from zoo.data.labels import check_labels
from zoo.data.missing import Repaired, repair_missing
from zoo.data.reading import Reading, Source
from zoo.data.split import PARTS, Minimum, ShortPartError, Split, split_dates, split_rows
from zoo.data.storage import collect, row_blocks
from zoo.data.table import Table, read_table
from zoo.data.windows import Layout, Windows, split_windows
from zoo.options import CalendarField
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.statistics import Blocks
from zoo.training.config import DataConfig, RunConfig
from zoo.training.steps import check_schedule, total_steps
from zoo_registry import SequenceShape, Task
from zoo_registry.errors import ConfigError, DataError, close_match_hint

_NAMED = 3  # short series in a message


@dataclass(frozen=True)
class Prepared:
    """Data ready for training; ``values`` are the repaired rows in original units, (rows, table.columns).

    ``splits`` gives each series' rows of each part, without the series that are left out. ``missing`` counts missing
    values by column. Windows' targets are scaled, or the numbers of the classes.
    """

    table: Table
    values: NDArray[Any]
    splits: dict[str, Split]
    missing: dict[str, int]
    repairs: dict[str, Any]
    preprocessor: Preprocessor
    parts: dict[str, Windows]
    shape: SequenceShape
    season: int | None

    @property
    def history(self) -> NDArray[Any]:
        """The targets of all rows, (rows, n_targets), in original units."""
        return self.table.cut(self.values)[1]

    @property
    def named_targets(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The columns that are asked for and, where that is one of classes, the names of these."""
        if self.shape.task is Task.CLASSIFY:
            return (str(self.table.label_column),), self.table.classes
        return self.table.targets, ()

    def rows(self, part: str) -> list[range]:
        """The rows of a part, a range for each series."""
        return [getattr(split, part) for split in self.splits.values()]

    @property
    def positions(self) -> tuple[int, ...]:
        """The features that tell a place in the calendar, not a level."""
        calendar = calendar_columns(self.preprocessor.calendar)
        return tuple(index for index, name in enumerate(self.table.features) if name in calendar)

    def describe_split(self) -> dict[str, dict[str, Any]]:
        """For each part ``rows``, ``windows``, and its ``first`` and ``last`` row in words.

        ``rows`` are [first, after the last] of one series, else their number.
        """
        described = {}
        for part in PARTS:
            ranges = self.rows(part)
            first, last = min(rows.start for rows in ranges), max(rows.stop - 1 for rows in ranges)
            if (times := self.table.times) is not None:
                first = min((rows.start for rows in ranges), key=times.__getitem__)
                last = max((rows.stop - 1 for rows in ranges), key=times.__getitem__)
            described[part] = {
                "rows": [first, last + 1] if len(ranges) == 1 else sum(map(len, ranges)),
                "first": self.table.row_name(first),
                "last": self.table.row_name(last),
                "windows": len(self.parts[part]),
            }
        return described


def prepare(
    config: DataConfig,
    source: Source,
    preprocessor: Preprocessor | None = None,
    *,
    splits: Mapping[str, Split] | None = None,
    spool: Path | None = None,
) -> Prepared:
    """Read, check, split, repair, scale and window a source as the configuration says.

    A fitted ``preprocessor`` is used as it is; without one, one is fitted on the train rows. ``splits``, by the name
    of the series, beat the configuration's (cross-validation gives its folds so); they may have no test rows.
    ``spool`` is a folder for temporary files, through which a table goes that does not fit in memory. Raises DataError.
    """
    reading = Reading(
        csv=csv_format(config),
        time=config.time,
        series=config.series,
        sort=config.sort,
        resample=config.resample,
        aggregate=config.aggregate,
        gaps=config.gaps,
        calendar=config.calendar,
        spool=spool,
    )
    table = read_table(
        source, targets=config.target, features=config.features, task=config.task, label=config.label, reading=reading
    )
    layout, repairs = layout_of(config), dict(table.repairs)
    if splits is None:
        splits, short = _split_series(table, config, layout)
        if short:
            repairs["short_series"] = {"dropped": short}
    else:
        splits = _check_splits(splits, table)
    if config.task is Task.ANOMALY:
        _refuse_foreign_targets(table)
    repaired = repair_missing(table, list(splits.values()), config.missing, spool)
    if repaired.missing:
        repairs["missing"] = {"method": config.missing, "values": repaired.missing}
    if preprocessor is None:
        preprocessor = Preprocessor(config.scaler, config.scaler_for, config.target_scaler, config.calendar, table.zone)
        train = intervals([split.train for split in splits.values()])
        _fit(preprocessor, table, repaired, train, whole=spool is None)
    parts = split_windows(
        *_scale(preprocessor, table, repaired, config.task, spool),
        list(splits.values()),
        layout,
        stretches=table.stretches,
        known_features=repaired.features,
        known_targets=repaired.targets,
    )
    for name in PARTS:
        untested = name == "test" and not any(split.test for split in splits.values())
        if not len(parts[name]) and not untested:
            raise DataError(
                f"{table.source}: the {name} part has no window of {layout.span} rows that is free of gaps and missing"
                " values; take a smaller --window, another --split, or another --missing or --gaps"
            )
    if table.labels is not None:
        check_labels(table, config.task, parts)
    season = config.season or usual_season(table.times)
    shape = _shape(table, config.task, layout)
    return Prepared(table, repaired.values, dict(splits), repaired.missing, repairs, preprocessor, parts, shape, season)


def prepare_run(
    config: RunConfig,
    source: Source,
    preprocessor: Preprocessor | None = None,
    *,
    splits: Mapping[str, Split] | None = None,
    spool: Path | None = None,
) -> Prepared:
    """Prepare the data of a run, as :func:`prepare` does; raises ConfigError where the rest does not suit them."""
    prepared = prepare(config.data, source, preprocessor, splits=splits, spool=spool)
    if quantiles := config.network.quantiles:
        prepared = replace(prepared, shape=replace(prepared.shape, quantiles=quantiles))
    check_schedule(config.training.schedule, total_steps(config.training, len(prepared.parts["train"])))
    if config.network.channels == "shared":
        for name, column in zip(prepared.table.targets, prepared.shape.target_columns, strict=True):
            if column is None:
                raise ConfigError(
                    f"--channels shared applies one network to each target series on its own, but target '{name}' is no"
                    " feature; add it to --features, or take --channels joint"
                )
    return prepared


def layout_of(config: DataConfig) -> Layout:
    """How the windows of a task lie on the rows.

    ``forecast``: the horizon comes after the window and the gap; ``regress`` and ``classify``: the target is at the
    window's last row; ``anomaly``: the window's last row is forecast from the rows before it, or the whole window is
    given back.
    """
    window, stride, context = config.window, config.stride, config.context
    if config.task is Task.FORECAST:
        return Layout(window, config.horizon, window + config.gap, stride, context)
    if config.task is Task.ANOMALY and config.reconstruct:
        return Layout(window, window, 0, stride, context, reaching_back=context)  # its last row is what is judged
    if config.task is Task.ANOMALY:
        return Layout(window - 1, 1, window - 1, stride, context)
    return Layout(window, 1, window - 1, stride, context)


def csv_format(config: DataConfig) -> CsvFormat:
    """How the configuration says that CSV files are written."""
    return CsvFormat(config.delimiter, config.decimal, config.encoding)


def _refuse_foreign_targets(table: Table) -> None:
    """Raise ConfigError where a column to watch for anomalies is no feature, so that no window would hold it."""
    for name in table.targets:
        if name not in table.features:
            raise ConfigError(
                f"--target {name}: --task anomaly judges columns of the window itself, but this one is no feature; add"
                " it to --features"
            )


def _shape(table: Table, task: Task, layout: Layout) -> SequenceShape:
    classify = task is Task.CLASSIFY
    return SequenceShape(
        task=task,
        window=layout.window,
        n_features=len(table.features),
        horizon=layout.horizon,
        n_targets=1 if classify else len(table.targets),
        target_columns=(None,) if classify else table.target_columns,
        classes=len(table.classes) if classify else 0,
    )


def _split_series(table: Table, config: DataConfig, layout: Layout) -> tuple[dict[str, Split], list[str]]:
    """Split each series, and name those that are too short and were left out; raises DataError for the others' sake.

    A table of one series has to have the rows of a whole window in each part. Of several series each has to have a
    window in each part, which may reach back.
    """
    what = "the window"
    if config.task is Task.FORECAST:
        what = "window + gap + horizon" if config.gap else "window + horizon"
    reaching_back = table.series_column is not None and config.context
    minimum = Minimum(layout.span, layout.owned[1] if reaching_back else layout.span, what)
    splits: dict[str, Split] = {}
    short: dict[str, str] = {}
    for name, rows in table.series.items():
        where = table.source if table.series_column is None else f"{table.source}, series {shown(name)}"
        limits: dict[str, Any] = {"minimum": minimum, "where": where, "embargo": config.embargo}
        try:
            if config.split_dates:
                times = None if table.times is None else table.times[rows.start : rows.stop]
                split = split_dates(times, config.split_dates, **limits)
            else:
                split = split_rows(len(rows), config.split, **limits)
        except ShortPartError as error:
            if table.series_column is None:
                raise
            short[name] = str(error).removeprefix(f"{where}: ")
        else:
            splits[name] = split.shifted(rows.start)
    if short and (config.short_series == "error" or not splits):
        way_out = ", or leave such series out with --short-series drop" if splits else ""
        named = ", ".join(f"{shown(name)} ({len(table.series[name])} rows)" for name in list(short)[:_NAMED])
        more = f" and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
        raise DataError(
            f"{table.source}: {len(short)} of {len(table.series)} series are too short: {named}{more}; the first:"
            f" {next(iter(short.values()))}{way_out}"
        )
    return splits, list(short)


def _check_splits(splits: Mapping[str, Split], table: Table) -> dict[str, Split]:
    """Splits from elsewhere in the table's order; raises ConfigError unless each lies within the rows of its series."""
    for name, split in splits.items():
        if name not in table.series:
            raise ConfigError(f"splits: there is no series {shown(name)}{close_match_hint(name, table.series)}")
        known, ends = table.series[name], [end for _, rows in split.items() for end in (rows.start, rows.stop)]
        if ends != sorted(ends) or ends[0] < known.start or ends[-1] > known.stop:
            raise ConfigError(
                f"splits: expected train, validation and test of series {shown(name)} one after the other in the rows"
                f" {known.start} to {known.stop}, found {split}; see Split.shifted"
            )
    return {name: splits[name] for name in table.series if name in splits}


def _fit(preprocessor: Preprocessor, table: Table, repaired: Repaired, train: Intervals, *, whole: bool) -> None:
    """Fit on the train rows that windows may read."""
    features, targets = list(range(len(table.features))), [table.columns.index(name) for name in table.targets]
    feature_rows, target_rows = intersect(train, repaired.features), intersect(train, repaired.targets)
    if repaired.missing and not (len(feature_rows) and len(target_rows)):
        worst = max(repaired.missing, key=repaired.missing.__getitem__)
        raise DataError(
            f"{table.source}: no train row is left without a missing value, of which column '{worst}' has the most"
            f" ({repaired.missing[worst]}); fill it, leave it out, or take another --missing or --split"
        )
    _refuse_constant_calendar(table, preprocessor.calendar, feature_rows)
    preprocessor.fit_blocks(
        _blocks(repaired.values, feature_rows, features, whole=whole),
        _blocks(repaired.values, target_rows, targets, whole=whole),
        table.features,
        table.targets,
        where=table.source,
        whole=whole,
    )


def _refuse_constant_calendar(table: Table, calendar: Sequence[CalendarField], rows: Intervals) -> None:
    """Raise DataError for a calendar field that is the same in all train rows; no --features would leave it out."""
    for field in calendar:
        for name in calendar_columns([field]):
            column = table.values[:, table.features.index(name)]
            blocks = (block for start, stop in rows.tolist() for block in row_blocks(start, stop))
            if all((column[block] == column[rows[0, 0]]).all() for block in blocks):
                raise DataError(
                    f"{table.source}: the calendar feature '{field}' is the same in all train rows, expected one that"
                    " changes; leave it out of --calendar, or take another --split"
                )


def _blocks(values: NDArray[Any], rows: Intervals, columns: list[int], *, whole: bool) -> Blocks:
    def pieces() -> Iterator[NDArray[np.float64]]:
        for block in row_blocks(int(rows[0, 0]), int(rows[-1, 1])):
            if (inside := contains(rows, np.arange(block.start, block.stop))).any():
                yield np.ascontiguousarray(values[block][inside][:, columns], dtype=np.float64)

    if not whole:
        return pieces
    together = np.concatenate([np.empty((0, len(columns))), *pieces()])
    return lambda: [together]


def _scale(
    preprocessor: Preprocessor, table: Table, repaired: Repaired, task: Task, spool: Path | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """All rows as the network sees them: features (rows, n_features), targets (rows, n_targets) or labels (rows, 1).

    The targets of anomalies are columns of the scaled features, as they are compared with a window's last row.
    """
    values = repaired.values
    rows = len(values)

    def scaled(part: int, names: tuple[str, ...]) -> NDArray[Any]:
        transform = (preprocessor.transform, preprocessor.transform_targets)[part]

        def blocks() -> Iterator[NDArray[np.float32]]:
            for block in row_blocks(0, rows):
                raw = table.cut(values[block])[part]
                yield _checked_scaled(transform(raw), raw, names, table, block.start)

        return collect(blocks(), (rows, len(names)), np.float32, spool)

    features = scaled(0, table.features)
    if table.labels is not None and not table.targets:
        labels = (table.labels[block, None] for block in row_blocks(0, rows))
        return features, collect(labels, (rows, 1), np.int32, spool)
    if task is Task.ANOMALY:
        chosen = [table.features.index(name) for name in table.targets]
        if chosen == list(range(len(table.features))):
            return features, features
        picked = (features[block][:, chosen] for block in row_blocks(0, rows))
        return features, collect(picked, (rows, len(chosen)), np.float32, spool)
    return features, scaled(1, table.targets)


def _checked_scaled(
    block: NDArray[np.float32], raw: NDArray[Any], names: tuple[str, ...], table: Table, first_row: int
) -> NDArray[np.float32]:
    """Return scaled rows; raises DataError for a value that is too far from the train rows' for a network's numbers."""
    if len(bad := np.argwhere(~np.isfinite(block))):
        row, column = map(int, bad[0])
        raise DataError(
            f"{table.source}: column '{names[column]}', {table.row_name(first_row + row)}: expected a number that"
            f" float32 holds once it is scaled by the train rows, found {raw[row, column]:g}; mend it, or take another"
            " --scaler"
        )
    return block
