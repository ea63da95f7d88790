"""A run's configuration as a TOML file: read with close matches for unknown keys, written to repeat the run."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from zoo.settings.schema import RunConfig
from zoo.settings.setting import sections_of, settings_of
from zoo_registry.errors import ConfigError, close_match_hint


@dataclass(frozen=True)
class ConfigFile:
    """What a file says: an architecture's name, hyperparameters, and settings of all sections together."""

    architecture: str | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


NOTHING = ConfigFile()


def read_config(path: Path) -> ConfigFile:
    """Read a TOML file with ``architecture`` and the tables hyperparameters, data, network and training.

    All of them may be left out. Raises ConfigError for a file that is no TOML, and for unknown tables and keys.
    """
    return config_of(read_toml(path), path)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file as it is; raises ConfigError for one that is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read ({reason}); give a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not a TOML file ({error}); mend it") from error


def config_of(content: Mapping[str, Any], path: Path, schema: type[RunConfig] = RunConfig) -> ConfigFile:
    """What the content of the file ``path`` says of a run; raises ConfigError for unknown tables and keys."""
    sections = sections_of(schema)
    keys = ("architecture", "hyperparameters", *sections)
    for key, value in content.items():
        if key not in keys:
            raise ConfigError(f"{path}: there is no table '{key}'{close_match_hint(key, keys)}")
        if not isinstance(value, str if key == "architecture" else dict):
            kind = "a name" if key == "architecture" else "a table"
            raise ConfigError(f"{path}: expected '{key}' to be {kind}, found {value!r}; mend it")
    settings: dict[str, Any] = {}
    for section, model in sections.items():
        for key, value in content.get(section, {}).items():
            if key not in model.model_fields:
                hint = close_match_hint(key, model.model_fields)
                raise ConfigError(f"{path}: the table '{section}' has no key '{key}'{hint}")
            settings[key] = value
    return ConfigFile(content.get("architecture"), content.get("hyperparameters", {}), settings)


def config_text(config: RunConfig) -> str:
    """Write a resolved configuration as TOML that :func:`read_config` reads."""
    return tomli_w.dumps(plain(config), multiline_strings=False)


def as_file(config: RunConfig) -> ConfigFile:
    """A resolved configuration as if it had been read from a file."""
    content = plain(config)
    settings = {key: value for section in sections_of(type(config)) for key, value in content[section].items()}
    return ConfigFile(config.architecture, config.hyperparameters, settings)


def plain(config: RunConfig) -> dict[str, Any]:
    """A resolved configuration as plain data, without what is None and what the architecture says."""
    sections = sections_of(type(config)).items()
    unasked = {
        name: {found.name for found in settings_of(section).values() if not found.mark.asked}
        for name, section in sections
    }
    if config.data.split_dates or config.data.split_last:  # which beat it
        unasked["data"].add("split")
    return config.model_dump(mode="json", exclude_none=True, exclude=unasked)
