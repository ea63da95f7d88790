"""The way of the data up to the network: table -> split -> repairs -> preprocessing -> windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns
from zoo.data.frequency import usual_season
from zoo.data.imputation import repair_missing
from zoo.data.intervals import Intervals, intervals
from zoo.data.labels import check_labels
from zoo.data.readers.reading import Source
from zoo.data.reading_choice import reading_of
from zoo.data.series_splits import check_splits, layout_of, split_series
from zoo.data.splits import PARTS, TRAIN_ALONE, Split
from zoo.data.stated_problem import state_problem
from zoo.data.table import Table, read_table
from zoo.data.windows import Windows, split_windows
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.preprocessing.table_scaling import fit_preprocessor, scale_rows
from zoo.provenance import DataRecord, Part, Repairs
from zoo.settings.schema import DataConfig, RunConfig
from zoo.training.step_count import check_schedule, total_steps
from zoo_registry import Problem, SequenceShape, Task
from zoo_registry.errors import ConfigError, DataError


@dataclass(frozen=True)
class Prepared:
    """Data ready for training; ``values`` are the repaired rows in original units, (rows, table.columns).

    ``splits`` gives each series' rows of each part, without the series that are left out. ``missing`` counts missing
    values by column; ``known_targets`` are the rows, stretch by stretch, of which windows may read targets. Windows'
    targets are scaled, or the numbers of the classes. Where validation is trained on too, ``parts`` has ``TRAIN_ALONE``
    beside those of the split, for baselines to choose by.
    """

    table: Table
    values: NDArray[Any]
    splits: dict[str, Split]
    missing: dict[str, int]
    known_targets: Intervals
    repairs: Repairs
    preprocessor: Preprocessor
    parts: dict[str, Windows]
    problem: Problem
    season: int | None

    @property
    def history(self) -> NDArray[Any]:
        """The targets of all rows, (rows, n_targets), in original units."""
        return self.table.cut(self.values)[1]

    @property
    def truth(self) -> NDArray[Any]:
        """The same before missing values were filled: NaN where one is missing."""
        return self.table.cut(self.table.values[: len(self.values)])[1]

    @property
    def shape(self) -> SequenceShape:
        """The sizes of the network."""
        return self.problem.shape

    def rows(self, part: str) -> list[range]:
        """The rows of a part, a range for each series."""
        return [getattr(split, part) for split in self.splits.values()]

    @property
    def positions(self) -> tuple[int, ...]:
        """The features that tell a place in the calendar, not a level."""
        calendar = calendar_columns(self.preprocessor.calendar)
        return tuple(index for index, name in enumerate(self.table.features) if name in calendar)

    def split(self) -> dict[str, Part]:
        """What a record says of each part."""
        described = {}
        for part in PARTS:
            ranges = [rows for rows in self.rows(part) if rows]
            if not ranges:
                described[part] = Part(rows=0, windows=0)
                continue
            first, last = min(rows.start for rows in ranges), max(rows.stop - 1 for rows in ranges)
            if (times := self.table.times) is not None:
                first = min((rows.start for rows in ranges), key=times.__getitem__)
                last = max((rows.stop - 1 for rows in ranges), key=times.__getitem__)
            described[part] = Part(
                rows=(first, last + 1) if len(ranges) == 1 else sum(map(len, ranges)),
                first=self.table.row_name(first),
                last=self.table.row_name(last),
                windows=len(self.parts[part]),
            )
        return described

    def record(self, config: DataConfig, fingerprint: str | None = None) -> DataRecord:
        """What a run records of its data; ``fingerprint`` is the table's, where it is known already."""
        table = self.table
        return DataRecord.model_validate(
            {
                "source": table.source,
                "fingerprint": fingerprint or table.fingerprint(),
                "rows": len(table.values),
                "time_column": table.time_column,
                "time_format": config.time_format,
                "named_zone": config.zone,
                "series_column": table.series_column,
                "series": len(self.splits),
                "gaps": config.gaps,
                "calendar": config.calendar,
                "ignored": table.ignored,
                "repairs": self.repairs,
                "split": self.split(),
            }
        )


def read_data(config: DataConfig, source: Source, spool: Path | None = None) -> Table:
    """Read and check a source as the configuration says; raises DataError. What it returns may be prepared often."""
    return read_table(
        source,
        targets=config.target,
        features=config.features,
        task=config.task,
        label=config.label,
        reading=reading_of(config, spool),
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
    layout, repairs = layout_of(config), dict(table.repairs)
    if splits is None:
        splits, short = split_series(table, config, layout)
        if short:
            repairs["short_series"] = {"dropped": short}
    else:
        splits = check_splits(splits, table)
    if config.task is Task.ANOMALY:
        _refuse_foreign_targets(table)
    repaired = repair_missing(table, list(splits.values()), config.missing, spool)
    if repaired.missing:
        repairs["missing"] = {"method": config.missing, "values": repaired.missing}
    alone = splits
    if config.train_on_validation:
        splits = {name: split.with_validation() for name, split in splits.items()}
    if preprocessor is None:
        preprocessor = Preprocessor(config.scaler, config.scaler_for, config.target_scaler, config.calendar, table.zone)
        train = intervals([split.train for split in splits.values()])
        fit_preprocessor(preprocessor, table, repaired, train, whole=spool is None)
    features, targets = scale_rows(preprocessor, table, repaired, config.task, spool)

    def windows_of(cut: Mapping[str, Split]) -> dict[str, Windows]:
        return split_windows(
            features,
            targets,
            list(cut.values()),
            layout,
            stretches=table.stretches,
            known_features=repaired.features,
            known_targets=repaired.targets,
        )

    parts = windows_of(splits)
    if config.train_on_validation:
        parts[TRAIN_ALONE] = windows_of(alone)["train"]
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
    return Prepared(
        table=table,
        values=repaired.values,
        splits=dict(splits),
        missing=repaired.missing,
        known_targets=repaired.targets,
        repairs=Repairs.model_validate(repairs),
        preprocessor=preprocessor,
        parts=parts,
        problem=_problem(config, table, quantiles, preprocessor),
        season=season,
    )


def prepare_run(
    config: RunConfig,
    source: Source | Table,
    preprocessor: Preprocessor | None = None,
    *,
    splits: Mapping[str, Split] | None = None,
    spool: Path | None = None,
) -> Prepared:
    """Prepare the data of a run, as :func:`prepare` does; raises ConfigError where the rest does not suit them."""
    prepared = prepare(
        config.data, source, preprocessor, splits=splits, spool=spool, quantiles=config.network.quantiles
    )
    check_schedule(config.training.schedule, total_steps(config.training, len(prepared.parts["train"])))
    if config.network.channels == "shared":
        for name, column in zip(prepared.problem.targets, prepared.problem.target_columns, strict=True):
            if column is None:
                raise ConfigError(
                    f"--channels shared applies one network to each target series on its own, but target '{name}' is no"
                    " feature; add it to --features, or take --channels joint"
                )
    return prepared


def _refuse_foreign_targets(table: Table) -> None:
    """Raise ConfigError where a column to watch for anomalies is no feature, so that no window would hold it."""
    for name in table.targets:
        if name not in table.features:
            raise ConfigError(
                f"--target {name}: --task anomaly judges columns of the window itself, but this one is no feature; add"
                " it to --features"
            )


def _problem(config: DataConfig, table: Table, quantiles: Sequence[float], preprocessor: Preprocessor) -> Problem:
    of_classes = config.task is Task.CLASSIFY
    return state_problem(
        config,
        table.features,
        (str(table.label_column),) if of_classes else table.targets,
        table.classes if of_classes else (),
        quantiles,
        dtype=preprocessor.serving_dtype,
        units=preprocessor.units,
        step=table.step,
        zone=table.zone,
    )
