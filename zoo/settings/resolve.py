"""Make a run's configuration of what the user gave: presets, defaults, and what suits the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.data.readers.examples import find_example
from zoo.preprocessing.names import check_scaler
from zoo.settings.loss_names import resolve_loss
from zoo.settings.schema import DEFAULT_SOURCE, DataConfig, NetworkConfig, RunConfig, TrainingConfig
from zoo_registry import Architecture, Task
from zoo_registry.errors import ConfigError, close_match_hint
from zoo_registry.hyperparameters import validated


def resolve(
    name: str, architecture: Architecture, hyperparameters: Mapping[str, Any], settings: Mapping[str, Any]
) -> RunConfig:
    """Fill in what the user left out: settings are fields of the three configurations; None counts as left out.

    A setting beats the example's or the architecture's default, which beats the zoo's. Raises ConfigError for unknown
    names and values out of bounds.
    """
    fields = {**DataConfig.model_fields, **NetworkConfig.model_fields, **TrainingConfig.model_fields}
    for setting in settings:
        if setting not in fields:
            raise ConfigError(f"there is no setting '{setting}'{close_match_hint(setting, fields)}")
    given = {key: value for key, value in settings.items() if value is not None and value not in ((), [], {})}
    hp = architecture.configure(hyperparameters)

    preferred = {key: value for key, value in vars(architecture.defaults).items() if value is not None}
    data = resolve_data({key: value for key, value in given.items() if key in DataConfig.model_fields})
    reconstruct = data.task is Task.ANOMALY and architecture.anomaly == "reconstruct"
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
    _check_of_task(data.task, given)
    training = preferred | {key: value for key, value in given.items() if key in TrainingConfig.model_fields}
    training["loss"] = resolve_loss(given.get("loss"), name, architecture, data.task, network.quantiles)
    resolved = validated(TrainingConfig, training, "setting")
    _check_train_on_validation(data, resolved)
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
    given = {key: value for key, value in settings.items() if value is not None and value not in ((), [], {})}
    given.setdefault("source", DEFAULT_SOURCE)
    if example := find_example(given["source"]):
        given = example.settings(str(given.get("task", Task.FORECAST))) | given
    if given.get("task", Task.FORECAST) != Task.FORECAST:
        given.setdefault("horizon", 1)
    config = validated(DataConfig, given, "setting")
    _check_task(config)
    for scaler in (config.scaler, *config.scaler_for.values(), config.target_scaler):
        if scaler is not None:
            check_scaler(scaler)
    return config


# Settings that have no meaning for other tasks; those of the data are checked by _check_task
_OF_TASK = {
    "quantiles": Task.FORECAST,
    "class_weights": Task.CLASSIFY,
    "threshold": Task.ANOMALY,
    "anomaly_rate": Task.ANOMALY,
}


def _check_of_task(task: Task, given: Mapping[str, Any]) -> None:
    """Raise ConfigError where a setting was given that is another task's, unless it is as by default."""
    fields = {**NetworkConfig.model_fields, **TrainingConfig.model_fields}
    for name, own in _OF_TASK.items():
        if name in given and task is not own and given[name] != fields[name].default:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{option} is for --task {own}, found it with {task}; leave it out")
    if "threshold" in given and "anomaly_rate" in given:
        raise ConfigError("--threshold and --anomaly-rate set the same limit; give one of them")
    if given.get("channels") == "shared" and task is Task.CLASSIFY:
        raise ConfigError(
            "--channels shared gives an output for each target series, and --task classify has one of all; leave it out"
        )


def _check_of_architecture(
    name: str, architecture: Architecture, network: NetworkConfig, training: TrainingConfig
) -> None:
    """Raise ConfigError for what an architecture cannot do."""
    if architecture.outputs_per_target and network.normalize_window != "none":
        raise ConfigError(
            f"--normalize-window {network.normalize_window} cannot be undone on what architecture '{name}' gives, which"
            " it decodes itself; leave it out"
        )
    if not training.epochs and architecture.pretrained is None and training.start_from is None:
        raise ConfigError(
            f"--epochs 0 trains nothing, and architecture '{name}' has no weights to begin with; give more, or the run"
            " to begin with: --from"
        )


def _check_train_on_validation(data: DataConfig, training: TrainingConfig) -> None:
    """Raise ConfigError where rows that are trained on would decide when training stops, or what an anomaly is."""
    if not data.train_on_validation:
        return
    if training.keep != "last" or training.patience:
        raise ConfigError(
            "--train-on-validation leaves no rows that could tell the best epoch; give --keep last --patience 0, and as"
            " many --epochs as are wanted"
        )
    if data.task is Task.ANOMALY:
        raise ConfigError(
            "--train-on-validation is not for --task anomaly, whose threshold is set by rows that were not trained on;"
            " leave it out"
        )


def _check_task(config: DataConfig) -> None:
    """Raise ConfigError where a setting has no meaning for the task."""
    task = config.task
    if not config.target and task is not Task.ANOMALY:
        column = "the column of classes" if task is Task.CLASSIFY else "the column to forecast"
        raise ConfigError(f"no target was named for {config.source}; give --target with {column}")
    if config.label is not None and task is not Task.ANOMALY:
        raise ConfigError("--label is for --task anomaly; classes are named with --target")
    if task is not Task.FORECAST and (config.gap or config.horizon != 1):
        raise ConfigError(f"--horizon and --gap are for --task forecast, found one with {task}; leave it out")
    if task is Task.ANOMALY and config.target_scaler is not None:
        raise ConfigError(
            "--target-scaler is not for --task anomaly, which compares a window's last row with what the network makes"
            " of the same columns; take --scaler or --scaler-for"
        )
    if task is Task.CLASSIFY and config.target_scaler is not None:
        raise ConfigError(
            "--target-scaler is not for --task classify, whose target is a column of classes; leave it out"
        )
    if task is Task.ANOMALY and config.window < 2:
        raise ConfigError(
            "--task anomaly judges a window's last row by the rows before it; give a --window of 2 or more"
        )
