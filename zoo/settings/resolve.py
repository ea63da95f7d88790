"""Make a run's configuration of what the user gave: presets, defaults, and what suits the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from zoo.data.readers.examples import find_example
from zoo.settings.loss_choice import resolve_loss
from zoo.settings.schema import DEFAULT_SOURCE, DataConfig, NetworkConfig, RunConfig, TrainingConfig
from zoo.settings.setting import SPLITS, given_of, is_set, settings_of
from zoo.tasks import find_task
from zoo.tasks.base import SequenceTask
from zoo_registry import Architecture, Task, discover
from zoo_registry.errors import ConfigError, close_match_hint
from zoo_registry.hyperparameters import validated

if TYPE_CHECKING:
    from zoo.data.readers.reading import Source
    from zoo.data.readers.recognition import Form


def resolve(
    name: str, architecture: Architecture, hyperparameters: Mapping[str, Any], settings: Mapping[str, Any]
) -> RunConfig:
    """Fill in what the user left out: settings are fields of the three configurations; None counts as left out.

    A setting beats the example's or the architecture's default, which beats the zoo's. Raises ConfigError for unknown
    names and values out of bounds.
    """
    fields = settings_of(RunConfig)
    for setting in settings:
        if setting not in fields:
            raise ConfigError(f"there is no setting '{setting}'{close_match_hint(setting, fields)}")
    given = given_of(settings)
    hp = architecture.configure(hyperparameters)

    preferred = {key: value for key, value in vars(architecture.defaults).items() if value is not None}
    preferred.pop("epochs", None)  # which are settled once it is known how many windows there are
    data = resolve_data({key: value for key, value in given.items() if key in DataConfig.model_fields})
    task = find_task(data.task)
    reconstruct = task.reconstructs(architecture)
    if given.get("reconstruct", reconstruct) != reconstruct:
        raise ConfigError(
            f"reconstruct is for the architecture to say, and for '{name}' it is {reconstruct}; leave it out"
        )
    data = data.model_copy(update={"reconstruct": reconstruct})
    if data.task not in architecture.tasks:
        raise ConfigError(
            f"architecture '{name}' does not do the task '{data.task}'; its tasks: {', '.join(architecture.tasks)}"
        )
    network = validated(NetworkConfig, {k: v for k, v in given.items() if k in NetworkConfig.model_fields}, "setting")
    if network.normalize_window == "auto" and (architecture.outputs_per_target or not task.normalizes):
        network = network.model_copy(update={"normalize_window": "none"})
    if "threshold" in given and "anomaly_rate" in given:
        raise ConfigError("`threshold` and `anomaly_rate` set the same limit; give one of them")
    training = preferred | {key: value for key, value in given.items() if key in TrainingConfig.model_fields}
    training["loss"] = resolve_loss(given.get("loss"), name, architecture, task, network.quantiles)
    resolved = validated(TrainingConfig, training, "setting")
    for config in (network, resolved):
        _check_suits(task, config)
    if data.train_on_validation and (resolved.keep != "last" or resolved.patience):
        raise ConfigError(
            "`train_on_validation` leaves no rows that could tell the best epoch; give `keep='last'`, `patience=0`, and"
            " as many `epochs` as are wanted"
        )
    _check_of_architecture(name, architecture, network, resolved)
    return RunConfig(
        architecture=name,
        hyperparameters=hp.model_dump(mode="json"),
        data=data,
        network=network,
        training=resolved,
    )


def resolve_data(settings: Mapping[str, Any]) -> DataConfig:
    """Fill in what the user left out of the data's settings, by the example's preset where the source is one."""
    given = given_of(settings)
    given.setdefault("source", DEFAULT_SOURCE)
    if not isinstance(wanted := given.setdefault("task", Task.FORECAST), str):
        raise ConfigError(f"setting 'task': expected text, found {wanted!r}")
    task = find_task(wanted)
    if example := find_example(given["source"]):
        given = example.settings | task.example_settings(example) | given
    else:
        given |= form_of(given["source"], given).settings
    if not task.roles.ahead:
        given.setdefault("horizon", 1)
    config = validated(DataConfig, given, "setting")
    if not config.target and not task.roles.judged:
        raise ConfigError(f"no target was named for {config.source}; give `target` with {task.target_wanted}")
    if config.all_rows:
        raise ConfigError("`all_rows` is for zoo.retrain to say, which knows how long to train; leave it out")
    if len(cuts := [name for name in SPLITS if is_set(config, name)]) > 1:
        raise ConfigError(
            f"{' and '.join(f'`{name}`' for name in cuts)} say each where the parts begin; give one of them"
        )
    _check_suits(task, config)
    task.check_settings(config)
    for scaler in (config.scaler, *config.scaler_for.values(), config.target_scaler):
        if scaler is not None:
            discover().scalers[scaler]  # raises where there is none of that name
    return config


def form_of(source: Source, settings: Mapping[str, Any]) -> Form:
    """What the form of a table says, where the settings do not: its columns, and how it lies."""
    from zoo.data.readers.recognition import recognise

    task = find_task(str(settings.get("task") or Task.FORECAST))
    found = recognise(source, given_of(settings), ahead=task.roles.ahead)
    if task.roles.judged:  # all features are, unless the user names some
        found.settings.pop("target", None)
    return found


def _check_suits(task: SequenceTask, config: BaseModel) -> None:
    """Raise ConfigError for a setting that the task does not know, unless it is as by default."""
    for name, setting in settings_of(type(config)).items():
        if getattr(config, name) == 1 if name == "horizon" else not is_set(config, name):
            continue
        if (why := task.unsuited.get(name)) is not None:
            raise ConfigError(f"`{name}` is not for `task='{task.name}'`, {why}; leave it out")
        if not task.among(setting.mark.tasks):
            owners = " and ".join(f"`task='{owner}'`" for owner in setting.mark.tasks)
            raise ConfigError(f"`{name}` is for {owners}, found it with {task.name}; leave it out")


def _check_of_architecture(
    name: str, architecture: Architecture, network: NetworkConfig, training: TrainingConfig
) -> None:
    """Raise ConfigError for what an architecture cannot do."""
    if architecture.outputs_per_target and network.normalize_window != "none":
        raise ConfigError(
            f"`normalize_window` {network.normalize_window} cannot be undone on what architecture '{name}' gives, which"
            " it decodes itself; leave it out"
        )
    if training.epochs == 0 and architecture.pretrained is None and training.start_from is None:
        raise ConfigError(
            f"`epochs=0` trains nothing, and architecture '{name}' has no weights to begin with; give more, or the run"
            " to begin with by `start_from`"
        )
