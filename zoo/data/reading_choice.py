"""How a table is read: as a configuration says, or as in the training of a run or a bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from zoo.data.calendar import calendar_columns
from zoo.data.readers.csv_files import CsvFormat
from zoo.data.readers.examples import find_example
from zoo.data.readers.long_format import VALUE
from zoo.data.readers.reading import Reading, Source, describe
from zoo.data.readers.recognition import is_wide, lacks
from zoo.provenance import DataRecord
from zoo.settings.choices import CalendarField, Missing, TableLayout
from zoo.settings.schema import DataConfig
from zoo_registry import Problem
from zoo_registry.errors import ConfigError, close_match_hint

SPOOLED_ABOVE = 64 * 2**20  # bytes of a file; a smaller one is faster in memory


def reading_of(config: DataConfig, spool: Path | None = None, source: Source | None = None) -> Reading:
    """How a configuration reads a table; ``spool`` is a folder for temporary files, through which a large one goes.

    Another ``source`` than the configuration's own lies as its own form says.
    """
    same, csv = config.model_dump(include={field.name for field in fields(Reading)}), csv_format(config)
    if source is not None and describe(source) != config.source:
        same["layout"] = likely_layout(source, csv, config.layout, config.series, (*config.features, *config.target))
    return Reading(csv=csv, lists=True, spool=spool, **same)


def csv_format(config: DataConfig) -> CsvFormat:
    """How the configuration says that CSV files are written."""
    return CsvFormat(config.delimiter, config.decimal, config.encoding, config.comment, config.thousands)


def reading_as_trained(source: Source, problem: Problem, data: DataRecord, **given: Any) -> Reading:
    """How a table is read that is like the one of a training, where ``given`` fields of Reading do not say otherwise.

    A large file goes through temporary files, so that the memory it takes is bounded; but not where its rows are to be
    sorted or resampled, which needs all of them. Raises ConfigError for a setting that is not there.
    """
    check_reading(given)
    usual = Reading(
        usual_time=data.time_column,
        time_format=data.time_format,
        zone=data.named_zone,
        series=data.series_column,
        gaps=data.gaps,
        calendar=data.calendar,
        calendar_zone=(problem.zone or "none") if data.calendar else None,
        short_series="pad" if data.repairs.padded else "error",
    )
    asked = replace(usual, **{key: value for key, value in given.items() if value is not None})
    if asked.layout == "auto":
        names = without_calendar(problem.features, data.calendar)
        asked = replace(asked, layout=likely_layout(source, asked.csv, data.layout, data.series_column, names))
    if asked.spool is None and not asked.sort and asked.resample is None and _is_large(source):
        return replace(asked, spool=Path(tempfile.gettempdir()))
    return asked


def likely_layout(
    source: Source, csv: CsvFormat, trained: TableLayout, series: str | None, names: Sequence[str]
) -> TableLayout:
    """How several series lie in a table that is like the one of a training, whose columns have these ``names``.

    A line for each series holds nothing but ``y``, so that has to be all that is read. Where each file was a series, a
    file that does not name any is one.
    """
    if not isinstance(source, (str, Path)) or find_example(source):
        return "auto"
    if Path(source).is_dir():
        return "long" if trained == "long" else "auto"
    if trained == "files" and series is not None and lacks(source, csv, series):
        return "files"
    if {*names} != {VALUE}:
        return "auto"
    return "wide" if is_wide(source, csv, names) or (trained == "wide" and lacks(source, csv, VALUE)) else "auto"


def check_reading(given: dict[str, Any]) -> None:
    """Raise ConfigError for what is no field of Reading."""
    known = [field.name for field in fields(Reading)]
    for name in given:
        if name not in known:
            raise ConfigError(f"there is no setting '{name}' of how a table is read{close_match_hint(name, known)}")


def way_to_fill(source: Source, missing: Missing | None) -> Missing:
    """How missing values are filled: as asked for, else in the example's own way, else not at all."""
    if missing is not None:
        return missing
    example = find_example(source)
    return example.missing if example else "error"


def without_calendar(features: Sequence[str], calendar: Sequence[CalendarField]) -> list[str]:
    """The features that a table has to have as columns."""
    return [name for name in features if name not in calendar_columns(calendar)]


def _is_large(source: Source) -> bool:
    if not isinstance(source, (str, Path)) or find_example(source):
        return False
    path = Path(source)
    return path.is_file() and path.stat().st_size > SPOOLED_ABOVE
