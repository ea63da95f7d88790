"""Names of columns with wildcards, such as load_*, and which columns they stand for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Sequence
from fnmatch import fnmatchcase

from zoo_registry.errors import DataError, close_match_hint

_WILDCARDS = frozenset("*?[")


def is_pattern(name: object, columns: Container[str]) -> bool:
    """Whether a name has wildcards; what is a column's own name is none."""
    return isinstance(name, str) and name not in columns and bool(_WILDCARDS & set(name))


def matching_columns(
    names: Sequence[str],
    columns: Collection[str],
    taken: Collection[str | None],
    usable: Callable[[str], bool],
    where: str,
) -> tuple[str, ...]:
    """Put the columns that are ``usable``, and not ``taken`` by another role, in the place of each pattern.

    They stand in the table's order, and no column twice, unless its own name does. Raises DataError for a pattern that
    stands for none.
    """
    exact = [name for name in names if not is_pattern(name, columns)]
    found: list[str] = []
    for name in names:
        if not is_pattern(name, columns):
            found.append(name)
            continue
        matches = [column for column in columns if fnmatchcase(str(column), name)]
        free = [column for column in matches if column not in taken]
        chosen = [column for column in free if column in exact or usable(column)]
        if not chosen:
            raise DataError(f"{where}: {_why_none(name, columns, matches, free)}")
        found.extend(column for column in chosen if column not in exact and column not in found)
    return tuple(found)


def _why_none(name: str, columns: Iterable[str], matches: Sequence[str], free: Sequence[str]) -> str:
    if not matches:
        return f"no column matches '{name}'{close_match_hint(name, map(str, columns))}"
    if not free:
        return f"'{name}' matches column '{matches[0]}' alone, which has another role; name other columns"
    return f"'{name}' matches column '{free[0]}' and no column of numbers; name other columns"
