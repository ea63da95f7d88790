"""Settings as text, such as NAME=VALUE or A,B: read into what the schema checks, and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from zoo_registry import SCHEDULES
from zoo_registry.errors import ConfigError, close_match_hint


def parse_settings(items: Sequence[str], where: str) -> dict[str, str]:
    """Read ``["units=128"]`` as ``{"units": "128"}``; raises ConfigError for anything without a name and a value."""
    pairs = [item.partition("=") for item in items]
    for item, (key, _, value) in zip(items, pairs, strict=True):
        if not key or not value:
            raise ConfigError(f"{where} takes NAME=VALUE, found '{item}'")
    names = [key.strip() for key, _, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"{where}: '{twice[0]}' is given more than once; give it once")
    return {key.strip(): value.strip() for key, _, value in pairs}


def spell(name: str, values: Mapping[str, Any]) -> str:
    """Write a name and its settings as text, ``"huber:delta=0.5"``, which reads back as what it was."""
    settings = ",".join(f"{key}={_spelled(value)}" for key, value in values.items())
    return f"{name}:{settings}" if settings else name


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


def read_names(value: Any) -> Any:
    """One name is a list of one."""
    return (value,) if isinstance(value, str) else value


def read_pairs(value: Any) -> Any:
    """Read ``["volume=log"]``; the column's name may hold a '=' itself."""
    if isinstance(value, Mapping):
        return dict(value)
    items = read_names(value)
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        return value
    pairs: dict[str, str] = {}
    for item, (column, _, scaler) in ((item, item.rpartition("=")) for item in items):
        if not column or not scaler:
            raise ValueError(f"expected COLUMN=SCALER, found {item!r}")
        if column in pairs:
            raise ValueError(f"column '{column}' is given more than once; give it once")
        pairs[column] = scaler
    return pairs


def read_parts(value: Any) -> Any:
    """Read ``"0.7,0.15,0.15"``."""
    try:
        parts = [float(part) for part in (value.split(",") if isinstance(value, str) else value)]
    except (TypeError, ValueError):
        parts = []
    if len(parts) != 3:
        raise ValueError(f"expected three numbers such as 0.7,0.15,0.15, found {value!r}")
    return tuple(parts)


def read_counts(value: Any) -> Any:
    """Read ``"48,48"``; nothing is no split."""
    if value in (None, (), []):
        return ()
    try:
        parts = value.split(",") if isinstance(value, str) else list(value)
        counts = [int(part) for part in parts]
        if any(count != part for count, part in zip(counts, parts, strict=True) if not isinstance(part, str)):
            counts = []  # a fraction
    except (TypeError, ValueError):
        counts = []
    if len(counts) != 2 or min(counts) < 1:
        raise ValueError(f"expected two whole numbers of rows above 0, such as 48,48, found {value!r}")
    return tuple(counts)


def read_moments(value: Any) -> Any:
    """Read ``"2019-01-01,2020-01-01"``, or several times or whole numbers, such as TOML's own."""
    if isinstance(value, (list, tuple)):
        value = [str(part) if isinstance(part, (int, date)) and not isinstance(part, bool) else part for part in value]
    return read_listed(value)


def read_listed(value: Any) -> Any:
    """Read ``"2019-01-01,2020-01-01"``, or several such texts."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        return value
    return tuple(part.strip() for text in texts for part in text.split(","))


def read_quantiles(value: Any) -> Any:
    """Read ``"0.1,0.5,0.9"``."""
    try:
        found = tuple(float(part) for part in (value.split(",") if isinstance(value, str) else value))
    except (TypeError, ValueError):
        found = (-1.0,)
    if any(not 0 < quantile < 1 for quantile in found) or sorted(set(found)) != list(found):
        raise ValueError(f"expected rising numbers between 0 and 1 such as 0.1,0.5,0.9, found {value!r}")
    return found


def read_schedule(value: Any) -> Any:
    """Read ``"cosine:steps=5000,warmup=200"``, or ``{"kind": "cosine", "steps": 5000}``."""
    kind: Any
    values: dict[str, Any]
    if isinstance(value, str):
        kind, _, rest = value.partition(":")
        kind, values = kind.strip(), dict(parse_settings([item for item in rest.split(",") if item], "a schedule"))
    elif isinstance(value, Mapping):
        kind, values = value.get("kind"), {name: setting for name, setting in value.items() if name != "kind"}
        if not isinstance(kind, str):
            raise ValueError(f'a schedule as a table is such as {{kind = "cosine", warmup = 200}}, found {dict(value)}')
    else:
        return value
    known = SCHEDULES[kind].model_fields.keys() - {"kind"} if kind in SCHEDULES else values.keys()
    for name in values:
        if name not in known:
            raise ValueError(f"{kind} has no parameter '{name}'{close_match_hint(name, known)}")
    return {**values, "kind": kind}
