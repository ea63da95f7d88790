"""Turn frames into numbers: which column plays which role, decided on the first frame, and what each row says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from fnmatch import fnmatchcase
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.data.calendar import calendar_columns, calendar_values
from zoo.data.column_patterns import is_pattern, matching_columns
from zoo.data.columns import MAX_CLASSES, Codes, check_classes, listed_names, one_target, parse_numbers, wrong_cell
from zoo.data.readers.reading import Reading
from zoo.data.readers.unnamed import holds_no_data, is_unnamed
from zoo.data.readers.written_numbers import to_numbers
from zoo.data.resampling import Naming, Rows
from zoo.data.roles import Roles
from zoo.data.time_columns import TIME_NAMES, find_time_column
from zoo.data.times import Times, kind_of, parse_times
from zoo_registry.errors import DataError, close_match_hint

_FLOAT32_HOLDS = ("f2", "f4", "i1", "i2", "u1", "u2", "b1")


class Parser:
    """Decides on the first frame which columns play which role, and turns each frame into numbers.

    ``text`` names the columns that were read from a file as they stand. Where it is ``lenient``, a cell that is no
    number costs its series alone, of which ``miswritten`` keeps what to raise.
    """

    def __init__(
        self,
        where: str,
        roles: Roles,
        targets: Sequence[str],
        features: Sequence[str],
        label: str | None,
        reading: Reading,
        frame: pd.DataFrame,
        text: Collection[str] = (),
        *,
        lenient: bool = False,
    ) -> None:
        self._lenient, self._miswritten = lenient, dict[int, DataError]()  # by the series' code
        if reading.lists:
            targets, features = listed_names(targets, frame.columns), listed_names(features, frame.columns)
        if roles.classes:
            label, targets = one_target(targets), ()
        self.reading, self.label, self.classes = reading, label, Codes()
        self._roles, self._text = roles, text
        named = [reading.time, reading.series, label, reading.weight]
        asked = (*targets, *features)
        patterns = {name for name in asked if reading.lists and is_pattern(name, frame.columns)}
        for name in (*asked, *(name for name in named if name is not None)):
            if name not in frame.columns and name not in patterns:
                raise DataError(
                    f"{where}: there is no column '{name}'{close_match_hint(name, map(str, frame.columns))}"
                )
        for role, names in (("target", targets), ("feature", features), ("calendar field", reading.calendar)):
            if twice := sorted({name for name in names if list(names).count(name) > 1}):
                raise DataError(f"{where}: {role} '{twice[0]}' was named more than once; name it once")
        taken = {*targets, *features, *(name for name in named[1:] if name is not None)}
        usual = [str(name) for name in frame.columns if str(name).lower() in TIME_NAMES]
        open_to_all = not features or any(fnmatchcase(name, pattern) for name in usual for pattern in patterns)
        time = find_time_column(frame, where, reading, taken, all_numeric=open_to_all)
        self.naming = Naming(where, time, reading.series)
        self._numeric: dict[str, bool] = {}
        self._texts: tuple[str, ...] = ()
        self._named = {*targets, *features} - patterns
        if patterns:
            columns, others = list(frame.columns), [time, reading.series, label, reading.weight]
            numeric = partial(self._is_numeric, frame)
            targets = matching_columns(targets, columns, others, numeric, where)
            others += targets if roles.apart else ()
            features = matching_columns(features, columns, others, numeric, where)
        self._refuse_doubled_roles(targets, features)
        if roles.apart and (both := [name for name in targets if name in features]):
            raise DataError(
                f"{where}: target '{both[0]}' is a feature too, from which the network would read it off; leave it out"
                " of `features`, or take `task='forecast'`"
            )
        self._named.update(targets, features)
        self.features = tuple(features) or self._numeric_columns(frame, targets if roles.apart else ())
        self.ignored = tuple(name for name in frame.columns if not self._numeric.get(name, True))
        self.targets = tuple(targets) if targets or not roles.judged else self.features
        self._columns = [*self.features, *(name for name in self.targets if name not in self.features)]
        self._empty = dict.fromkeys(self._columns, True)
        taken = set(calendar_columns(reading.calendar)) & {str(name) for name in frame.columns}
        if taken:
            raise DataError(
                f"{where}: `calendar` would make the column '{sorted(taken)[0]}', which is there already; rename it"
            )
        dtypes = [frame[name].dtype for name in self._columns]
        small = all(isinstance(dtype, np.dtype) and dtype.str[1:] in _FLOAT32_HOLDS for dtype in dtypes)
        self.spool_dtype = np.float32 if small else np.float64

    def parse(self, frame: pd.DataFrame, first_row: int) -> Rows:
        """Return a frame's numbers, times, series, labels and weights; ``first_row`` is its place in the file."""
        where, naming = self.naming.where, self.naming
        times = None if naming.time is None else parse_times(frame[naming.time], where, first_row, self.reading)
        series = self._series(frame, first_row)
        values = np.empty((len(frame), len(self._columns)))
        for index, name in enumerate(self._columns):
            named = name in self._named or first_row > 0
            spare = partial(self._spare, name, series) if self._lenient else None
            numbers = parse_numbers(
                frame[name], where, named=named, first_row=first_row, csv=self.reading.csv, spare=spare
            )
            assert numbers is not None
            values[:, index] = numbers
            self._empty[name] = self._empty[name] and bool(np.isnan(numbers).all())
        if first_row:  # of the first frame these are text throughout
            self._refuse_numbers_in_text(frame, first_row)
        labels = None
        if self.label is not None:
            remedy = self._roles.label_remedy
            check_classes(frame[self.label], where, first_row, remedy, written=self.label in self._text)
            labels = self.classes.encode(frame[self.label], where, first_row)
            if len(self.classes.names) > MAX_CLASSES:
                raise DataError(
                    f"{where}: column '{self.label}' has more than {MAX_CLASSES} classes, expected a few; {remedy}"
                )
        return Rows(values, times, series, labels, self._weights(frame, first_row))

    def _series(self, frame: pd.DataFrame, first_row: int) -> NDArray[np.int32] | None:
        """The code of each row's series; None of one series."""
        naming = self.naming
        if naming.series is None:
            return None
        column = frame[naming.series]
        if len(bad := np.flatnonzero(column.isna())):
            expected = "the name of a series"
            raise wrong_cell(naming.where, naming.series, first_row + bad[0], expected, "none", "fill it in")
        return naming.codes.encode(column, naming.where, first_row)

    def _spare(
        self, name: str, series: NDArray[np.int32] | None, rows: NDArray[np.intp], wrong: Callable[[int], DataError]
    ) -> None:
        """Keep what is to be raised for each series with wrong cells in a column, for the first of them."""
        codes, firsts = np.unique(np.zeros(len(rows), np.int32) if series is None else series[rows], return_index=True)
        for code, row in zip(codes.tolist(), rows[firsts].tolist(), strict=True):
            self._miswritten.setdefault(code, wrong(row))
        self._empty[name] = False

    @property
    def miswritten(self) -> dict[str, DataError]:
        """By the name of a series what to raise for its first cell that is no number."""
        names = self.naming.series_names
        return {names[code]: error for code, error in self._miswritten.items()}

    def _weights(self, frame: pd.DataFrame, first_row: int) -> NDArray[np.float64] | None:
        """How much each row counts in the loss."""
        if (name := self.reading.weight) is None:
            return None
        weights = parse_numbers(frame[name], self.naming.where, named=True, first_row=first_row, csv=self.reading.csv)
        assert weights is not None
        if len(bad := np.flatnonzero(~(weights >= 0))):
            found = "none" if np.isnan(weights[bad[0]]) else f"{weights[bad[0]]:g}"
            expected, remedy = "a weight of 0 or more", "mend it, or leave `weight` out"
            raise wrong_cell(self.naming.where, name, first_row + bad[0], expected, found, remedy)
        return weights

    def add_calendar(self, values: NDArray[np.float64], times: Times | None) -> NDArray[np.float64]:
        """Put the calendar's columns behind the features."""
        if not self.reading.calendar:
            return np.ascontiguousarray(values)
        if not isinstance(times, pd.DatetimeIndex):
            raise DataError(
                f"{self.naming.where}: `calendar` needs a column of times, found {kind_of(times)}; name it with `time`,"
                " or leave `calendar` out"
            )
        times = self._calendar_clock(times)
        computed, n_features = calendar_values(times, self.reading.calendar), len(self.features)
        return np.concatenate([values[:, :n_features], computed, values[:, n_features:]], axis=1)

    def _calendar_clock(self, times: pd.DatetimeIndex) -> pd.DatetimeIndex:
        zone = self.reading.calendar_zone
        if zone is None or (zone == "none" and times.tz is None):
            return times
        if zone == "none" or times.tz is None:
            found, expected = ("none", zone) if times.tz is None else (times.tz, "none")
            raise DataError(
                f"{self.naming.where}: the calendar features were learned from times of the zone {expected}, found"
                f" times of the zone {found}; give the times that zone"
            )
        return times.tz_convert(zone)

    def refuse_empty_columns(self) -> None:
        """Raise DataError for the first column without any value."""
        for name, empty in self._empty.items():
            if empty:
                remedy = "fill it" if name in self._named else "leave it out with `features`"
                expected = "times or numbers" if name.lower() in TIME_NAMES else "numbers"
                raise DataError(
                    f"{self.naming.where}: column '{name}' has no value at all, expected {expected}; {remedy}"
                )

    def _refuse_numbers_in_text(self, frame: pd.DataFrame, first_row: int) -> None:
        for name in self._texts:
            if len(bad := np.flatnonzero(to_numbers(frame[name], self.reading.csv).notna())):
                found = f"the number {frame[name].iloc[bad[0]]}"
                remedy = "mend it, or name the columns to use with `features`"
                expected = "text, as in the rows before"
                raise wrong_cell(self.naming.where, name, first_row + bad[0], expected, found, remedy)

    def _refuse_doubled_roles(self, targets: Sequence[str], features: Sequence[str]) -> None:
        naming = self.naming
        roles: dict[str, str] = {}
        found = (naming.time, "time column"), (naming.series, "column of series"), (self.label, "label")
        for column, role in (*found, (self.reading.weight, "weight")):
            if column is not None and column in (*targets, *features):
                raise DataError(
                    f"{naming.where}: column '{column}' is the {role}, so it can be neither target nor feature;"
                    " name another"
                )
            if column in roles:
                raise DataError(
                    f"{naming.where}: column '{column}' is the {roles[column]}, so it cannot be the {role} too;"
                    " name another for one of them"
                )
            if column is not None:
                roles[column] = role

    def _numeric_columns(self, frame: pd.DataFrame, without: Sequence[str]) -> tuple[str, ...]:
        """All columns of numbers that have no other role; those of text, and without name and data, are ignored."""
        taken = (self.naming.time, self.naming.series, self.label, self.reading.weight, *without)
        found = tuple(name for name in frame.columns if name not in taken and self._is_numeric(frame, name))
        if not found:
            where = self.naming.where
            raise DataError(f"{where}: expected at least one column of numbers for the input, found none; add one")
        return found

    def _is_numeric(self, frame: pd.DataFrame, name: str) -> bool:
        """Whether a column holds numbers, also where that is none at all, unless it has no name either."""
        if name not in self._numeric:
            named = name in self._named
            if not named and is_unnamed(name) and holds_no_data(frame[name]):
                self._numeric[name] = False
            else:
                numbers = parse_numbers(frame[name], self.naming.where, named=named, csv=self.reading.csv)
                self._numeric[name] = numbers is not None
                self._texts += () if self._numeric[name] else (name,)
        return self._numeric[name]
