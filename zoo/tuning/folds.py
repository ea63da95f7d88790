"""Folds of cross-validation that respect time: each has train, validation and test rows of every series, in order.

All of them lie before the run's own test rows, which no search may see.
"""

from __future__ import annotations

from typing import Any, get_args

from sklearn.model_selection import TimeSeriesSplit

from zoo.data.columns import shown
from zoo.data.readers.reading import Source
from zoo.data.series_splits import validation_share
from zoo.data.splits import PARTS, Split, fold_splits
from zoo.data.table import Table
from zoo.settings.choices import FoldKind
from zoo.settings.schema import RunConfig
from zoo.tasks import find_task
from zoo.training.preparation import read_data, split_table
from zoo_registry.errors import ConfigError, DataError

Fold = dict[str, Split]  # by the name of the series, as zoo.training.preparation.prepare takes it


def time_folds(
    config: RunConfig,
    source: Source | Table | None = None,
    *,
    folds: int = 3,
    kind: FoldKind = "expanding",
    horizon_rows: int | None = None,
    train_rows: int | None = None,
    gap: int | None = None,
    splitter: Any = None,
) -> list[Fold]:
    """Cut the rows before the run's test rows into folds, each series by its own rows.

    ``folds``, ``horizon_rows`` (test rows of each fold), ``train_rows`` (at most so many before them) and ``gap`` (rows
    left out before validation and before test; the configuration's embargo unless given) are those of scikit-learn's
    TimeSeriesSplit: ``n_splits``, ``test_size``, ``max_train_size`` and ``gap``. A kind ``expanding`` trains on all
    rows from the first on, ``sliding`` on as many as the first fold has, or ``train_rows``. Any other ``splitter`` of
    scikit-learn's interface that keeps the order of time, ``split(X)``, may be given instead of these; ``gap`` rows are
    left out of its folds at least. The end of each fold's train rows, by :func:`validation_share`, is its
    validation, for early stopping.

    ``source`` is the configuration's unless given. Raises ConfigError for settings that do not suit each other, and
    DataError where a series is too short; such series are left out with ``--short-series drop``.
    """
    table = (
        source
        if isinstance(source, Table)
        else read_data(config.data, config.data.source if source is None else source)
    )
    gap = config.data.embargo if gap is None else gap
    _check(kind, folds=folds, horizon_rows=horizon_rows, train_rows=train_rows, gap=gap)
    splits, _ = split_table(table, config.data)
    found: dict[str, list[Split]] = {}
    short: dict[str, DataError] = {}
    for name, own in splits.items():
        where = table.source if table.series_column is None else f"{table.source}, series {shown(name)}"
        rows = range(own.train.start, own.validation.stop)
        validation = validation_share(config.data, [own])
        try:
            chosen = splitter or _time_series_split(len(rows), folds, kind, horizon_rows, train_rows, gap, where)
            cut = fold_splits(chosen, len(rows), validation=validation, embargo=gap)
            _check_rows(cut, config, where)
        except DataError as error:
            if table.series_column is None or config.data.short_series != "drop":
                raise
            short[name] = error
        else:
            found[name] = [split.shifted(rows.start) for split in cut]
    if not found:
        raise next(iter(short.values()))
    counts = {name: len(cut) for name, cut in found.items()}
    if len(set(counts.values())) > 1 or not min(counts.values()):
        told = ", ".join(f"{count} of series {shown(name)}" for name, count in list(counts.items())[:3])
        raise ConfigError(f"{splitter!r}: expected as many folds of each series, found {told}; take another splitter")
    return [{name: cut[number] for name, cut in found.items()} for number in range(min(counts.values()))]


def _check(kind: str, **numbers: int | None) -> None:
    if kind not in get_args(FoldKind):
        raise ConfigError(f"folds are expanding or sliding, found '{kind}'; take one of them")
    for name, number in numbers.items():
        least = {"folds": 2, "gap": 0}.get(name, 1)
        if number is not None and number < least:
            raise ConfigError(f"{name.replace('_', ' ')}: expected {least} or more, found {number}; give another")
    if kind == "expanding" and numbers["train_rows"] is not None:
        raise ConfigError("train rows are for sliding folds, as expanding ones take all; leave one of them out")


def _time_series_split(
    n_rows: int, folds: int, kind: FoldKind, horizon_rows: int | None, train_rows: int | None, gap: int, where: str
) -> TimeSeriesSplit:
    """Scikit-learn's splitter; raises DataError where the rows are too few for it."""
    size = n_rows // (folds + 1) if horizon_rows is None else horizon_rows
    first = n_rows - folds * size - gap
    if size < 1 or first < 1:
        raise DataError(
            f"{where}: {folds} folds of {max(size, 1)} test rows and a gap of {gap} need more than"
            f" {folds * max(size, 1) + gap} rows before the run's test part, found {n_rows}; give fewer folds, or fewer"
            " rows for each"
        )
    most = None if kind == "expanding" else train_rows or first
    return TimeSeriesSplit(folds, max_train_size=most, test_size=size, gap=gap)


def _check_rows(cut: list[Split], config: RunConfig, where: str) -> None:
    """Raise DataError where a part of a fold has no room for a window."""
    layout = find_task(config.task).layout(config.data)
    later = layout.owned[1] if config.data.context else layout.span
    for number, split in enumerate(cut, start=1):
        for name in PARTS:
            rows, needed = getattr(split, name), layout.span if name == "train" else later
            if len(rows) < needed:
                raise DataError(
                    f"{where}: the {name} part of fold {number} has {len(rows)} rows, but a window needs {needed};"
                    " give fewer folds, another horizon for each, a smaller gap, or a smaller `window`"
                )
