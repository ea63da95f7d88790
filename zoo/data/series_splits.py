"""Which rows of each series are train, validation and test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from zoo.data.columns import shown
from zoo.data.splits import (
    Ends,
    Minimum,
    Rows,
    Split,
    cut_series,
    ends_at,
    ends_of_last,
    ends_of_parts,
    read_moments,
)
from zoo.data.table import Table
from zoo.data.windows import Layout
from zoo.settings.schema import DataConfig
from zoo_registry.errors import ConfigError, DataError, close_match_hint


def split_series(table: Table, config: DataConfig, layout: Layout, span: str) -> tuple[dict[str, Split], list[str]]:
    """Split each series, and name those that are too short and were left out; raises DataError for the others' sake.

    A table of one series has to have the rows of a whole window in each part. Of several series, and where rows are
    counted from the end, each has to have a window in each part, which may reach back. ``span`` says in words what has
    to fit into a part.
    """
    padding, several = config.short_series == "pad", table.series_column is not None
    if padding:
        _check_padding(config, layout)
    reaching_back = padding or (config.context and (several or bool(config.split_last)))
    later = 0 if config.all_rows else layout.owned[1] if reaching_back else layout.span
    starts = table.starts
    lengths = np.fromiter(map(len, table.series.values()), np.int64, len(starts))
    ends, remedy = _ends(table, config, starts, lengths)
    minimum = Minimum(layout.span - (layout.window - 1 if padding else 0), later, span)
    found, why = cut_series(ends, starts, lengths, minimum=minimum, embargo=config.embargo, remedy=remedy)
    splits = {name: split for name, split in zip(table.series, found, strict=True) if split is not None}
    short = [name for name, split in zip(table.series, found, strict=True) if split is None]
    if short and not several:
        raise DataError(f"{table.source}: {why}")
    if short and (config.short_series == "error" or not splits):
        way_out = (
            ", or leave such series out with `short_series='drop'`, or fill their windows up in front with"
            " `short_series='pad'`"
        )
        way_out = way_out if splits else ""
        raise DataError(
            f"{table.source}: {len(short)} of {len(table.series)} series are too short: {table.named(short)}; the"
            f" first: {why}{way_out}"
        )
    return splits, short


def _remedy_of_last(number: int, part: int) -> str:
    """Train is what the others leave of a series; they have as many rows as is said, however long it is."""
    return "give a larger `split_last`" if part else "give more rows, a smaller `split_last`"


def _ends(table: Table, config: DataConfig, starts: Rows, lengths: Rows) -> tuple[Ends, Callable[[int, int], str]]:
    """Where the parts of each series end, and what to do about the series of a number, a part of which is too short."""
    if config.all_rows:
        return np.repeat(lengths[:, None], 3, axis=1), lambda number, part: "give more rows"
    if config.split_last:
        return ends_of_last(lengths, config.split_last), _remedy_of_last
    if not config.split_dates:
        return ends_of_parts(lengths, config.split), lambda number, part: "give more rows, another `split`"
    times = table.times
    if times is None:
        raise DataError(
            f"{table.source}: a split by dates needs a column of times, found none; name it with `time`, or give"
            " `split` or `split_last`"
        )
    moments = read_moments(times, config.split_dates, str(table.time_column))

    def remedy(number: int, part: int) -> str:
        first, last = int(starts[number]), int(starts[number] + lengths[number] - 1)
        return f"give more rows, or other `split_dates` between {times[first]} and {times[last]}"

    return ends_at(times, starts, lengths, moments), remedy


def validation_share(config: DataConfig, splits: Iterable[Split]) -> float:
    """What a training on other rows gives to validation: the same share, or where rows are counted, the same number.

    That is what :func:`zoo.data.splits.train_and_validation` takes; 0 of a training that had none.
    """
    if config.split_last and not config.all_rows:
        return config.split_last[0]
    later = train = 0
    for split in splits:
        later, train = later + len(split.validation), train + len(split.train)
    return later / (later + train)


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
