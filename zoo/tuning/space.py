"""What a study searches: for each architecture the ranges of its hyperparameters and of the run's own settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from zoo.settings.resolve import resolve
from zoo.settings.schema import RunConfig
from zoo.settings.setting import Described, laid_over, settings_of
from zoo.settings.toml_file import as_file
from zoo.tasks import find_task
from zoo.tuning.search_range import as_declared, nearest, spread
from zoo_registry import Architecture, Search
from zoo_registry.errors import ConfigError, close_match_hint

Ranges = dict[str, Search]  # by the name of a setting or a hyperparameter
ARCHITECTURE = "architecture"

_MOST_POINTS = 100_000  # of a grid


@dataclass(frozen=True)
class Point:
    """What a trial tries: an architecture, and values of hyperparameters and settings."""

    architecture: str
    hyperparameters: dict[str, Any]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Space:
    """The ranges of each architecture of a study; ``own`` are those of them that are hyperparameters."""

    ranges: dict[str, Ranges]
    own: dict[str, tuple[str, ...]]

    @property
    def architectures(self) -> tuple[str, ...]:
        """Their names, in the order given."""
        return tuple(self.ranges)

    def parameter(self, architecture: str, name: str) -> str:
        """A range's name in the study: its own, or with the architecture's before it where others have another range.

        Nothing searches over one name in two ranges.
        """
        known = {repr(ranges[name]) for ranges in self.ranges.values() if name in ranges}
        return name if len(known) == 1 else f"{architecture}.{name}"

    def parameters(self, architecture: str) -> Ranges:
        """An architecture's ranges by their names in the study."""
        return {self.parameter(architecture, name): search for name, search in self.ranges[architecture].items()}

    def point(self, parameters: Mapping[str, Any]) -> Point:
        """A trial's parameters, by their names in the study, as what they set."""
        architecture = str(parameters.get(ARCHITECTURE, self.architectures[0]))
        values = {
            name: parameters[self.parameter(architecture, name)]
            for name in self.ranges[architecture]
            if self.parameter(architecture, name) in parameters
        }
        own = self.own[architecture]
        return Point(
            architecture,
            {name: value for name, value in values.items() if name in own},
            {name: value for name, value in values.items() if name not in own},
        )

    def defaults(self, configs: Mapping[str, RunConfig]) -> list[dict[str, Any]]:
        """For each architecture the parameters that are nearest to its own defaults, as a first trial to compare with.

        ``configs`` are the configurations without a search.
        """
        found = []
        for architecture, ranges in self.ranges.items():
            config = configs[architecture]
            values = {**vars(config.data), **vars(config.network), **vars(config.training), **config.hyperparameters}
            parameters = {self.parameter(architecture, name): nearest(ranges[name], values[name]) for name in ranges}
            found.append({ARCHITECTURE: architecture, **parameters})
        return found

    def grid(self, points: int) -> list[dict[str, Any]]:
        """All combinations of the choices, and of ``points`` values spread over each range, architecture by another."""
        found: list[dict[str, Any]] = []
        for architecture in self.architectures:
            combined: list[dict[str, Any]] = [{ARCHITECTURE: architecture}]
            for name, search in self.parameters(architecture).items():
                combined = [{**one, name: value} for one in combined for value in spread(search, points)]
                if len(combined) > _MOST_POINTS:
                    raise ConfigError(
                        f"`sampler='grid'`: more than {_MOST_POINTS:,} combinations of {architecture}; search less with"
                        " `only`, give fewer `grid_points`, or take `sampler='random'`"
                    )
            found += combined
        return found


def default_settings(config: RunConfig, architecture: Architecture) -> Ranges:
    """The ranges of the run's own settings that a search begins with, given the configuration without one."""
    task, settings = find_task(config.task), settings_of(type(config))
    found = {name: mine.search(config, architecture) for name, mine in settings.items() if task.among(mine.mark.tasks)}
    declared = {name: search for name, search in found.items() if search is not None}
    return declared | task.searched(config, architecture)


def make_space(
    configs: Mapping[str, RunConfig],
    architectures: Mapping[str, Architecture],
    *,
    given: Iterable[str] = (),
    search: Mapping[str, Search] | None = None,
    only: Iterable[str] = (),
    longest: int | None = None,
) -> Space:
    """The space of a study: what architectures and settings declare, less what is ``given`` a value, and as asked for.

    ``configs`` are the configurations without a search, by architecture. ``search`` has ranges that replace or add to
    the declared ones, and ``only`` names those that are searched beside them, all others being as in the
    configurations. Names are those of settings and hyperparameters, or ``ARCHITECTURE.NAME`` for one architecture
    alone. ``longest`` window is what the folds have room for. Raises ConfigError for unknown names, for settings that
    cannot be searched, and where nothing is left to search.
    """
    search, only, given = dict(search or {}), set(only), set(given)
    settings = settings_of(RunConfig)
    _check_names({*search, *only}, architectures, settings)
    ranges: dict[str, Ranges] = {}
    for name, architecture in architectures.items():
        config, hyperparameters = configs[name], architecture.hyperparameters
        declared = default_settings(config, architecture) | hyperparameters.search_space()
        if longest is not None:
            kept = tuple(rows for rows in declared["window"].choices if rows <= longest)
            declared["window"] = replace(declared["window"], choices=kept or (config.data.window,))
        own = {
            key: found
            for key, found in declared.items()
            if not {key, f"{name}.{key}"} & given and (not only or {key, f"{name}.{key}"} & only)
        }
        for key, found in search.items():
            target, _, short = key.rpartition(".")
            if target in ("", name) and (short in settings or short in hyperparameters.model_fields):
                own[short] = as_declared(found, hyperparameters.model_fields.get(short) or settings[short].field)
        ranges[name] = own
    if not any(ranges.values()):
        raise ConfigError("there is nothing to search, as every setting is given a value; leave some of them out")
    _check_context(configs, ranges)
    own_names = {name: tuple(found.hyperparameters.model_fields) for name, found in architectures.items()}
    return Space(ranges, own_names)


def check_values(space: Space, configs: Mapping[str, RunConfig], architectures: Mapping[str, Architecture]) -> None:
    """Raise ConfigError for the end of a range, or a choice, that no configuration can have on its own."""
    for name, ranges in space.ranges.items():
        for key, search in ranges.items():
            values = search.choices if search.kind == "choice" else (search.low, search.high)
            for value in values:
                point = space.point({ARCHITECTURE: name, space.parameter(name, key): value})
                try:
                    configure(configs[name], architectures[name], point, configs[name].training.seed)
                except ConfigError as error:
                    raise ConfigError(f"`search` {key}: {value!r} is out of bounds; {error}") from error


def configure(base: RunConfig, architecture: Architecture, point: Point, seed: int) -> RunConfig:
    """The configuration of a trial: the study's own with the point's values, checked; raises ConfigError."""
    settings = laid_over(as_file(base).settings, point.settings | {"seed": seed})
    if "loss" not in point.settings and base.training.loss == "architecture":
        settings["loss"] = base.training.loss
    hyperparameters = {**base.hyperparameters, **point.hyperparameters}
    return resolve(base.architecture, architecture, hyperparameters, settings)


def _check_names(names: set[str], architectures: Mapping[str, Architecture], settings: Mapping[str, Described]) -> None:
    """Raise ConfigError for a name that is neither a setting to search nor a hyperparameter of some architecture."""
    searchable = {name for name, found in settings.items() if found.mark.tuned}
    hyperparameters = {key for found in architectures.values() for key in found.hyperparameters.model_fields}
    for name in sorted(names):
        target, _, short = name.rpartition(".")
        if target and target not in architectures:
            raise ConfigError(
                f"`search` {name}: '{target}' is no architecture of this study{close_match_hint(target, architectures)}"
            )
        known = set(architectures[target].hyperparameters.model_fields) if target else hyperparameters
        if short in known or short in searchable:
            continue
        if short in settings:
            raise ConfigError(
                f"`search` {name}: it has to be the same in all trials, or their errors could not be compared; give it"
                " a value, or leave it out"
            )
        raise ConfigError(
            f"`search` {name}: there is no such setting or hyperparameter" + close_match_hint(short, known | searchable)
        )


def _check_context(configs: Mapping[str, RunConfig], ranges: Mapping[str, Ranges]) -> None:
    """Raise ConfigError where windows of other lengths would be measured on other rows."""
    for name, config in configs.items():
        if not config.data.context and "window" in ranges[name]:
            raise ConfigError(
                "`context=False` measures longer windows on fewer rows, so that their errors cannot be compared; give a"
                " `window`, or leave `context=False` out"
            )
