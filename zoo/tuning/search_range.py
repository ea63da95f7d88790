"""The range of one setting in a search: read from text and TOML, and values in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoo_registry import Search
from zoo_registry.errors import ConfigError


def parse_search(text: str) -> tuple[str, Search]:
    """Read ``window=24,48``, ``units=16..256:log``, ``layers=1..3`` or ``dropout=0..0.5:step=0.1``.

    Choices with a comma of their own stand between ``|``. Raises ConfigError.
    """
    name, _, told = (part.strip() for part in text.partition("="))
    if not name or not told:
        raise ConfigError(f"`search` takes NAME=VALUES, such as window=24,48 or units=16..256:log, found '{text}'")
    low, dots, rest = told.partition("..")
    if not dots:
        values = [part.strip() for part in told.split("|" if "|" in told else ",")]
        return name, _choice(name, [_literal(value) for value in values])
    high, *marks = rest.split(":")
    try:
        table: dict[str, Any] = {"low": _number(low), "high": _number(high)}
        for mark in marks:
            key, _, value = mark.partition("=")
            table[key.strip()] = True if key.strip() == "log" and not value else _number(value)
    except ValueError as error:
        raise ConfigError(
            f"`search` {name}: expected LOW..HIGH, perhaps with :log or :step=N, found '{told}'"
        ) from error
    return name, read_range(name, table)


def read_range(name: str, value: Any) -> Search:
    """Read a range as TOML has it: ``[24, 48]``, or ``{low = 16, high = 256, log = true, step = 16}``.

    Raises ConfigError for anything else.
    """
    if isinstance(value, (list, tuple)):
        return _choice(name, list(value))
    if not isinstance(value, Mapping) or not {"low", "high"} <= value.keys() <= {"low", "high", "log", "step"}:
        raise ConfigError(
            f"search '{name}': expected a list of values, or low and high, perhaps with log or step, found {value!r}"
        )
    low, high, step, log = value["low"], value["high"], value.get("step"), bool(value.get("log", False))
    numbers = [number for number in (low, high, step) if number is not None]
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
        raise ConfigError(f"search '{name}': expected numbers, found {dict(value)}; give a list for anything else")
    if not all(map(math.isfinite, numbers)) or low > high or (step is not None and step <= 0) or (log and low <= 0):
        raise ConfigError(
            f"search '{name}': expected low up to high, a step above 0, and of a logarithmic range a low above 0, found"
            f" {dict(value)}"
        )
    if log and step is not None:
        raise ConfigError(f"search '{name}': a range is logarithmic or has a step, found both; leave one of them out")
    if all(isinstance(number, int) for number in numbers):
        return Search.int(low, high, step=step or 1, log=log)
    return replace(Search.float(float(low), float(high), log=log), step=None if step is None else float(step))


def as_declared(search: Search, field: Any) -> Search:
    """A range of whole numbers as one of real numbers, where the field holds such: ``dropout=0..1``."""
    if search.kind == "int" and field.annotation is float:
        step = None if search.step in (None, 1) else float(search.step)
        return Search("float", float(search.low), float(search.high), step, search.log)
    return search


def plain_range(search: Search) -> Any:
    """A range as :func:`read_range` reads it."""
    if search.kind == "choice":
        return list(search.choices)
    found: dict[str, Any] = {"low": search.low, "high": search.high}
    if search.log:
        found["log"] = True
    elif search.step is not None and (search.kind, search.step) != ("int", 1):
        found["step"] = search.step
    return found


def spread(search: Search, points: int) -> list[Any]:
    """A range's choices, or ``points`` values from its low to its high, evenly, or by factors if it is logarithmic."""
    if search.kind == "choice":
        return list(search.choices)
    make = np.geomspace if search.log else np.linspace
    values = [nearest(search, float(value)) for value in make(search.low, search.high, points)] if points > 1 else []
    return list(dict.fromkeys(values)) or [nearest(search, (search.low + search.high) / 2)]


def nearest(search: Search, value: Any) -> Any:
    """The value of a range that is nearest to one that may lie outside."""
    if search.kind == "choice":
        told = _spelled(value)
        if told in search.choices or not isinstance(told, (int, float)):
            return told if told in search.choices else search.choices[0]
        numbers = [choice for choice in search.choices if isinstance(choice, (int, float))]
        return min(numbers, key=lambda choice: abs(choice - told)) if numbers else search.choices[0]
    value = min(max(value, search.low), search.high)
    if search.step is not None and not search.log:
        steps = min(round((value - search.low) / search.step), int((search.high - search.low) / search.step + 1e-9))
        value = search.low + steps * search.step
    return round(value) if search.kind == "int" else float(value)


def _choice(name: str, values: list[Any]) -> Search:
    if not values or any(not isinstance(value, (str, int, float)) or value == "" for value in values):
        raise ConfigError(f"search '{name}': expected texts, numbers or true and false to choose from, found {values}")
    if len(set(map(repr, values))) < len(values):
        raise ConfigError(f"search '{name}': expected each value once, found {values}")
    return Search.choice(*values)


def _literal(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    try:
        return _number(text)
    except ValueError:
        return text


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _spelled(value: Any) -> Any:
    """A setting's value as a search would spell it: a schedule by its kind."""
    return getattr(value, "kind", value)
