"""Fit scikit-learn's scalers for each series by itself: side by side, as columns of one array."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import get_tags

from zoo.data.columns import shown
from zoo.data.intervals import Intervals, intersect, intervals, rows_of
from zoo.preprocessing.restoring import restore
from zoo.preprocessing.scalers import portable
from zoo.preprocessing.series_columns import SeriesColumns, SeriesGroup, scaler_with_form
from zoo_registry import BUILT_IN_SCALERS, Scaler, UnscalableColumnError
from zoo_registry.discovery import sentence_of
from zoo_registry.errors import DataError, PluginError, ZooError

# Gives the same rows at each call, (rows, n_series, n_columns) of some series at a time; NaN where one has fewer
Pivots = Callable[[], Iterable[NDArray[np.float64]]]

_VALUES = 2**22  # of a pivot, about
_SPREAD = np.linspace(-1, 1, 11)[:, None]


def fit_series(
    scalers: Sequence[str],
    pivots: Pivots,
    columns: tuple[str, ...],
    series: Sequence[str],
    *,
    where: str = "",
    rows: str,
) -> SeriesColumns:
    """Fit a scaler of each column, by name, to each series' own ``rows``, which is what messages call them.

    A column that is constant in a series is scaled as if its values were spread evenly over as much as it is large on
    either side, 1 where it is 0: it has a scale of its size. Raises DataError, naming the series, for a column without
    a value or that its scaler cannot be fitted to, and for one that is constant in each series; ConfigError for a
    scaler that cannot give itself as numbers, PluginError for one that does not do what a scaler has to.
    """
    groups = []
    for name in dict.fromkeys(scalers):
        scaler, own = scaler_with_form(name), [number for number, other in enumerate(scalers) if other == name]
        parts: list[dict[str, NDArray[np.float64]]] = []
        varies, first = np.zeros(len(own), np.bool_), 0
        for pivot in pivots():
            matrix = pivot[:, :, own].reshape(len(pivot), -1)
            try:
                numbers, varying = _numbers(scaler, matrix, empty=rows == "window")
            except UnscalableColumnError as error:
                number, column = divmod(error.column, len(own))
                named = shown(series[first + number])
                raise DataError(
                    f"{where}series {named}: column '{columns[own[column]]}' cannot be scaled by '{name}' on its own"
                    f" {rows}: {error.reason}; take another `scaler`, or leave the series out"
                ) from error
            parts.append({key: values.reshape(-1, len(own)) for key, values in numbers.items()})
            varies |= varying.reshape(-1, len(own)).any(axis=0)
            first += pivot.shape[1]
        if parts[0] and rows != "window" and not varies.all():
            column_name = columns[own[int(np.argmin(varies))]]
            raise DataError(
                f"{where}column '{column_name}' is constant in each series, and tells nothing once it is scaled in each"
                f" by itself; give it another scaler with `scaler_for` {column_name}=none, or leave it out with"
                " `features`"
            )
        numbers = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        groups.append(SeriesGroup(scaler, tuple(own), numbers))
    return SeriesColumns(columns, tuple(groups))


def _numbers(
    scaler: Scaler, matrix: NDArray[np.float64], *, empty: bool
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    """The numbers of each column of (rows, n), each (n,), and which of the columns vary.

    Raises UnscalableColumnError for a column without a value unless one may be ``empty``.
    """
    low, high = np.fmin.reduce(matrix, axis=0), np.fmax.reduce(matrix, axis=0)
    if len(nothing := np.flatnonzero(np.isnan(low))) and not empty:
        raise UnscalableColumnError(int(nothing[0]), "it has no value there")
    varying, level = low < high, np.nan_to_num(low)
    level = level[~varying]
    apart = {True: matrix[:, varying], False: level + _SPREAD * np.where(level == 0, 1.0, np.abs(level))}
    found: dict[str, NDArray[np.float64]] = {}
    for varied, values in apart.items():
        places = np.flatnonzero(varying == varied)
        if not len(places):
            continue
        try:
            numbers = _fitted(scaler, values, check=varied)
        except UnscalableColumnError as error:
            raise UnscalableColumnError(int(places[error.column]), error.reason) from error
        except (ZooError, MemoryError):
            raise
        except Exception as error:  # whatever a plugin does
            raise PluginError(
                f"scaler '{scaler.name}' cannot be used: {sentence_of(error)}; take another `scaler`"
            ) from error
        for key, own in numbers.items():
            found.setdefault(key, np.empty(matrix.shape[1]))[places] = own
    return found, varying


def _fitted(scaler: Scaler, matrix: NDArray[np.float64], *, check: bool) -> dict[str, NDArray[np.float64]]:
    """The numbers of a scaler that is fitted to columns which may have missing values."""
    transformer: Any = scaler.make()
    assert scaler.form is not None
    tags, missing = get_tags(transformer), np.isnan(matrix)
    if not tags.requires_fit:
        fitted, tried = transformer.fit(np.nan_to_num(matrix)), np.nan_to_num(matrix)
    elif missing.any() and not tags.input_tags.allow_nan:
        each = []
        for number, column in enumerate(matrix.T):
            try:
                each.append(_fitted(scaler, column[~missing[:, number], None], check=check))
            except UnscalableColumnError as error:
                raise UnscalableColumnError(number, error.reason) from error
        return {key: np.concatenate([one[key] for one in each]) for key in each[0]}
    else:
        fitted, tried = transformer.fit(matrix), matrix
    if check and scaler.check is not None:
        with np.errstate(all="ignore"):
            scaler.check(fitted, matrix, np.nanstd(matrix, axis=0))
    numbers = {
        key: np.broadcast_to(np.asarray(value, np.float64), matrix.shape[1:])
        for key, value in scaler.form.parameters(fitted).items()
    }
    if scaler.name not in BUILT_IN_SCALERS:
        by_form = scaler.form.forward(np, tried, numbers)
        if not np.allclose(by_form, fitted.transform(tried), rtol=1e-6, atol=1e-9, equal_nan=True):
            raise ValueError("its tensor form does not give what its transform gives")
    return numbers


def portable_of(part: SeriesColumns, series: Sequence[str]) -> dict[str, Any]:
    """For each series by its name scikit-learn's own objects, as :meth:`ScaledColumns.portable` gives them for all."""
    found: dict[str, Any] = {name: [] for name in series}
    kept = [group for group in part.groups if group.scaler.name in BUILT_IN_SCALERS]
    for group in kept:
        scaler, columns = group.scaler, [part.names[column] for column in group.columns]
        for number, name in enumerate(series):
            numbers = {key: values[number] for key, values in group.numbers.items()}
            fitted = restore(scaler, len(columns), numbers, None)
            if number == 0 and portable(scaler, fitted) is None:
                break
            found[name].append((columns, fitted if scaler.portable is None else scaler.portable(fitted)))
    return {name: own[0][1] if len(own) == len(part.groups) == 1 else own for name, own in found.items()}


def pivots_of(values: NDArray[Any], rows: Intervals, series: Sequence[range], columns: Sequence[int]) -> Pivots:
    """Those ``rows`` of each of the ``series``, in their order, whose values (rows, columns) these are."""

    def pivots() -> Iterator[NDArray[np.float64]]:
        for some in _chunks(series, len(columns)):
            own = rows_of(intersect(rows, intervals([(some[0].start, some[-1].stop)])))
            owners = np.searchsorted(np.array([part.start for part in some]), own, side="right") - 1
            counts = np.bincount(owners, minlength=len(some))
            places = np.arange(len(own)) - (np.cumsum(counts) - counts)[owners]
            pivot = np.full((max(1, int(counts.max())), len(some), len(columns)), np.nan)
            pivot[places, owners] = values[own][:, list(columns)]
            yield pivot

    return pivots


def _chunks(series: Sequence[range], columns: int) -> Iterator[list[range]]:
    """The series, so many at a time that they are an array of a limited size, or one alone."""
    some: list[range] = []
    longest = 0
    for rows in series:
        longest = max(longest, len(rows))
        if some and longest * (len(some) + 1) * columns > _VALUES:
            yield some
            some, longest = [], len(rows)
        some.append(rows)
    if some:
        yield some
