"""A study as a TOML file: a run's, with ``architectures``, ``only`` and the tables ``study`` and ``search`` as well."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.settings.sessions import StudySettings
from zoo.settings.toml_file import NOTHING, ConfigFile, config_of, read_toml
from zoo.tuning.search_range import read_range
from zoo_registry import Search
from zoo_registry.errors import ConfigError, close_match_hint

_RANGE = {"low", "high", "log", "step"}


@dataclass(frozen=True)
class StudyFile:
    """What a file says; ``run`` is what it says of the run."""

    architectures: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    run: ConfigFile = NOTHING
    study: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Search] = field(default_factory=dict)


def read_study(path: Path) -> StudyFile:
    """Read a TOML file; raises ConfigError for one that is none, and for unknown tables and keys.

    Ranges are ``window = [24, 48]`` and ``units = { low = 16, high = 256, log = true }``, those of one architecture
    alone in a table of its own: ``stacked.layers = [2, 3]``.
    """
    content = read_toml(path)
    names, only = content.pop("architectures", []), content.pop("only", [])
    study, search = content.pop("study", {}), content.pop("search", {})
    run = config_of(content, path)
    for key, value in (("architectures", names), ("only", only)):
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise ConfigError(f"{path}: expected '{key}' to be a list of names, found {value!r}; mend it")
    for table, value in (("study", study), ("search", search)):
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: expected '{table}' to be a table, found {value!r}; mend it")
    for key in study:
        if key not in StudySettings.model_fields:
            hint = close_match_hint(key, StudySettings.model_fields)
            raise ConfigError(f"{path}: the table 'study' has no key '{key}'{hint}")
    found: dict[str, Search] = {}
    for key, value in search.items():
        if isinstance(value, dict) and not value.keys() <= _RANGE:
            found |= {f"{key}.{name}": read_range(f"{key}.{name}", own) for name, own in value.items()}
        else:
            found[key] = read_range(key, value)
    alone = () if run.architecture is None else (run.architecture,)
    return StudyFile(tuple(names) or alone, tuple(only), run, study, found)
