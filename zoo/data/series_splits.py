"""Which rows of each series are train, validation and test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.data.columns import shown
from zoo.data.splits import Minimum, ShortPartError, Split, split_dates, split_rows
from zoo.data.table import Table
from zoo.data.windows import Layout
from zoo.settings.schema import DataConfig
from zoo_registry.errors import ConfigError, DataError, close_match_hint


def split_series(table: Table, config: DataConfig, layout: Layout, span: str) -> tuple[dict[str, Split], list[str]]:
    """Split each series, and name those that are too short and were left out; raises DataError for the others' sake.

    A table of one series has to have the rows of a whole window in each part. Of several series each has to have a
    window in each part, which may reach back. ``span`` says in words what has to fit into a part.
    """
    padding = config.short_series == "pad"
    if padding:
        _check_padding(config, layout)
    reaching_back = padding or (table.series_column is not None and config.context)
    needed = layout.span - (layout.window - 1 if padding else 0)
    minimum = Minimum(needed, layout.owned[1] if reaching_back else layout.span, span)
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
        way_out = ", or leave such series out with `short_series='drop'`, or fill their windows up in front with 'pad'"
        way_out = way_out if splits else ""
        raise DataError(
            f"{table.source}: {len(short)} of {len(table.series)} series are too short: {table.named(list(short))}; the"
            f" first: {next(iter(short.values()))}{way_out}"
        )
    return splits, list(short)


def padded_series(splits: Mapping[str, Split], config: DataConfig, layout: Layout) -> list[str]:
    """The series whose windows begin before they do, where that is asked for: train holds no whole one."""
    if config.short_series != "pad":
        return []
    return [name for name, split in splits.items() if len(split.train) < layout.span]


def _check_padding(config: DataConfig, layout: Layout) -> None:
    """Raise ConfigError where windows cannot be filled up in front."""
    if not config.context:
        raise ConfigError("`short_series='pad'` makes windows reach back as far as they can; leave `context` at true")
    if layout.horizon > 1 and layout.lead < layout.window:
        raise ConfigError(
            "`short_series='pad'`: this architecture gives the whole window back, and of rows before a series nothing"
            " is known; take `short_series='drop'`, or an architecture that forecasts the last row"
        )


def check_splits(splits: Mapping[str, Split], table: Table) -> dict[str, Split]:
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
