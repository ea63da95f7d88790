"""The configuration of a run: one typed model for the command, the API, the run folder and the manifest."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from zoo.data.examples import find_example
from zoo.options import LossName, Missing, OptimizerName, ScalerName
from zoo_registry import Architecture, ConstantSchedule, Schedule, Task
from zoo_registry.errors import ConfigError
from zoo_registry.hyperparameters import validated

DEFAULT_SOURCE = "example:co2"
OWN_LOSS = "architecture"



class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(_Config):
    """What is read, how it is cut and how it is scaled."""

    source: str = DEFAULT_SOURCE
    targets: tuple[str, ...] = Field(min_length=1)
    features: tuple[str, ...] = Field((), description="empty: all numeric columns")
    time: str | None = Field(None, description="empty: found by its type or name")
    missing: Missing = "error"
    window: int = Field(48, ge=1, description="rows that a forecast is made from")
    horizon: int = Field(12, ge=1, description="rows that are forecast")
    split: tuple[float, float, float] = Field((0.7, 0.15, 0.15), description="fractions, or numbers of rows")
    scaler: ScalerName = "standard"
    season: int | None = Field(None, ge=1, description="rows in a season, for the seasonal naive baseline")

    @field_validator("window", "horizon", "season", mode="after")
    @classmethod
    def _of_sensible_size(cls, rows: int | None) -> int | None:
        if rows is not None and rows > 1_000_000:
            raise ValueError("more than a million rows")
        return rows


class TrainingConfig(_Config):
    """How the network is trained; the defaults are the zoo's, which an architecture's own beat."""

    optimizer: OptimizerName = "adam"
    learning_rate: float = Field(1e-3, gt=0.0, le=10.0)
    schedule: Schedule = ConstantSchedule()
    loss: LossName = "mse"
    epochs: int = Field(100, ge=1)
    batch_size: int = Field(32, ge=1)
    patience: int = Field(10, ge=0, description="epochs without a better validation loss until the stop; 0: never")
    seed: int = Field(0, ge=0, lt=2**31)


class RunConfig(_Config):
    """All that is needed to repeat a run."""

    architecture: str
    hyperparameters: dict[str, Any]
    task: Task = Task.FORECAST
    data: DataConfig
    training: TrainingConfig

    @model_validator(mode="after")
    def _data_fits_task(self) -> Self:
        if self.task is not Task.FORECAST:
            raise ValueError(f"expected task 'forecast', found '{self.task}'")
        return self


def resolve(
    name: str,
    architecture: Architecture,
    *,
    hyperparameters: dict[str, Any],
    data: dict[str, Any],
    training: dict[str, Any],
) -> RunConfig:
    """Fill in what the user left out (None, or an empty list of names): a flag beats the example's or the
    architecture's default, which beats the zoo's.

    Raises ConfigError for unknown names and values out of bounds.
    """
    hp = architecture.configure(hyperparameters)
    data, training = _given(data), _given(training)
    if example := find_example(data.get("source", DEFAULT_SOURCE)):
        preset: dict[str, Any] = {"targets": (example.target,), "time": example.time, "missing": example.missing}
        data = preset | {"window": example.window, "horizon": example.horizon, "season": example.season} | data
    defaults = _given(dict(vars(architecture.defaults)))
    if architecture.loss is not None:
        defaults.setdefault("loss", OWN_LOSS)
    config = RunConfig(
        architecture=name,
        hyperparameters=hp.model_dump(mode="json"),
        data=validated(DataConfig, {"targets": ()} | data, "data setting"),
        training=validated(TrainingConfig, defaults | training, "training setting"),
    )
    if config.training.loss == OWN_LOSS and architecture.loss is None:
        raise ConfigError(f"architecture '{name}' has no loss of its own; give --loss mse, mae or huber")
    return config


def parse_schedule(text: str) -> dict[str, Any]:
    """Read ``"exponential:steps=5000,rate=0.9"`` as a schedule's fields; values are checked by the configuration."""
    kind, _, rest = text.partition(":")
    return {"kind": kind} | parse_settings([item for item in rest.split(",") if item], "--schedule")


def parse_settings(items: list[str], flag: str) -> dict[str, str]:
    """Read ``["units=128"]`` as ``{"units": "128"}``; raises ConfigError for anything without a name and a value."""
    pairs = [item.partition("=") for item in items]
    for item, (key, _, value) in zip(items, pairs, strict=True):
        if not key or not value:
            raise ConfigError(f"{flag} takes NAME=VALUE, such as units=128, found '{item}'")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value != () and value != []}
