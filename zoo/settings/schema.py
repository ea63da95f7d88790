"""The configuration of a run: one typed model for the command, the API, the run folder and the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from zoo.settings.choices import (
    Aggregate,
    CalendarField,
    Channels,
    ClassWeights,
    Engine,
    Gaps,
    Keep,
    Missing,
    NormalizeWindow,
    OptimizerName,
    ShortSeries,
)
from zoo.settings.loss_names import normal_loss
from zoo.settings.parse import parse_settings
from zoo_registry import SCHEDULES, ConstantSchedule, Schedule, Task
from zoo_registry.errors import ConfigError, close_match_hint

DEFAULT_SOURCE = "example:co2"
_MAX_ROWS = 1_000_000
_ADAMW_DECAY = 0.004
_THRESHOLD = 0.995


def _names(value: Any) -> Any:
    """One name is a list of one."""
    return (value,) if isinstance(value, str) else value


def _pairs(value: Any) -> Any:
    """Read ``["volume=log"]``; the column's name may hold a '=' itself."""
    if isinstance(value, Mapping):
        return dict(value)
    items = [(item, *item.rpartition("=")) for item in ([value] if isinstance(value, str) else value)]
    pairs: dict[str, str] = {}
    for item, column, _, scaler in items:
        if not column or not scaler:
            raise ValueError(f"expected COLUMN=SCALER, found {item!r}")
        if column in pairs:
            raise ValueError(f"column '{column}' is given more than once; give it once")
        pairs[column] = scaler
    return pairs


def _parts(value: Any) -> Any:
    """Read ``"0.7,0.15,0.15"``."""
    try:
        parts = [float(part) for part in (value.split(",") if isinstance(value, str) else value)]
    except (TypeError, ValueError):
        parts = []
    if len(parts) != 3:
        raise ValueError(f"expected three numbers such as 0.7,0.15,0.15, found {value!r}")
    return tuple(parts)


def _listed(value: Any) -> Any:
    """Read ``"2019-01-01,2020-01-01"``."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _quantiles(value: Any) -> Any:
    """Read ``"0.1,0.5,0.9"``."""
    try:
        found = tuple(float(part) for part in (value.split(",") if isinstance(value, str) else value))
    except (TypeError, ValueError):
        found = (-1.0,)
    if any(not 0 < quantile < 1 for quantile in found) or sorted(set(found)) != list(found):
        raise ValueError(f"expected rising numbers between 0 and 1 such as 0.1,0.5,0.9, found {value!r}")
    return found


def _schedule(value: Any) -> Any:
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


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(_Config):
    """What is read, what is asked of it, how it is cut and how it is scaled."""

    source: str = DEFAULT_SOURCE
    task: Task = Field(Task.FORECAST, description="what the network has to say of a window")
    target: Names = Field(
        (), description="columns to forecast, or the column of classes; anomaly: empty is all features"
    )
    features: Names = Field((), description="input columns; empty: all numeric columns")
    label: str | None = Field(None, description="anomaly: column of 0 and 1, used for scoring alone")
    time: str | None = Field(None, description="column of times; empty: found by its type or name")
    time_format: str | None = Field(
        None, description="how its times are written: s, ms, us, ns since 1970, yyyymmdd, or a pattern such as %d.%m.%Y"
    )
    zone: str | None = Field(None, description="zone whose clock the times are brought to, such as Europe/Berlin")
    series: str | None = Field(None, description="column that tells several series apart")
    short_series: ShortSeries = Field("error", description="series that are too short for a window in each part")
    sort: bool = Field(False, description="whether rows that are not in the order of time are sorted")
    resample: str | None = Field(None, description="step to bring the rows to, such as 1h")
    aggregate: Aggregate = Field("mean", description="how resampling makes one row of several")
    gaps: Gaps = Field(
        "error", description="uneven steps; break: no window reaches over one; ignore: rows are neighbours"
    )
    calendar: Annotated[tuple[CalendarField, ...], BeforeValidator(_listed)] = Field(
        (), description="fields of the times that become features, as sine and cosine"
    )
    delimiter: str = Field(",", description="between the fields of a CSV file")
    decimal: str = Field(".", description="decimal sign in a CSV file")
    encoding: str | None = Field(None, description="of a CSV file; empty: by its byte-order mark, else UTF-8")
    comment: str | None = Field(None, description="sign that lines of a CSV file begin with that are skipped")
    thousands: str | None = Field(None, description="between the thousands of a CSV file's numbers")
    missing: Missing = "error"
    window: int = Field(48, ge=1, le=_MAX_ROWS, description="rows that a forecast is made from")
    reconstruct: bool = Field(
        False, description="task anomaly: the network gives back the whole window; the architecture says so"
    )
    horizon: int = Field(
        12, ge=1, le=_MAX_ROWS, description="rows that are forecast; the task forecast has more than one"
    )
    gap: int = Field(0, ge=0, le=_MAX_ROWS, description="rows between the window and the first that is forecast")
    split: Annotated[tuple[float, float, float], BeforeValidator(_parts)] = Field(
        (0.7, 0.15, 0.15), description="train, validation and test: fractions, or numbers of rows"
    )
    split_dates: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), description="first of validation, first of test and, perhaps, end of test; beats split"
    )
    train_on_validation: bool = Field(
        False, description="train on the validation rows too, which then decide nothing; needs keep last and patience 0"
    )
    embargo: int = Field(0, ge=0, le=_MAX_ROWS, description="rows left out at the end of train and of validation")
    stride: int = Field(1, ge=1, le=_MAX_ROWS, description="rows from one window to the next")
    context: bool = Field(True, description="whether windows may reach back into the rows before their part")
    scaler: str = Field("standard", description="of all columns, but for the next two")
    scaler_for: Annotated[dict[str, str], BeforeValidator(_pairs)] = Field(
        default_factory=dict, description="column -> its scaler"
    )
    target_scaler: str | None = Field(None, description="of the targets; empty: as if they were features")
    season: int | None = Field(
        None, ge=1, le=_MAX_ROWS, description="rows in a season, for the seasonal naive baseline"
    )


class NetworkConfig(_Config):
    """What the zoo puts around an architecture's network."""

    normalize_window: NormalizeWindow = Field(
        "none", description="subtract each window's last value, or its mean and deviation, and undo it at the output"
    )
    channels: Channels = Field("joint", description="shared: one network for each target series on its own")
    quantiles: Annotated[tuple[float, ...], BeforeValidator(_quantiles)] = Field(
        (), description="task forecast: quantiles to forecast, rising, such as 0.1,0.5,0.9"
    )
    threshold: float | None = Field(
        None,
        gt=0.0,
        lt=1.0,
        description="task anomaly: quantile of the validation scores above which a row is one; empty: 0.995",
    )
    anomaly_rate: float | None = Field(
        None, gt=0.0, lt=1.0, description="task anomaly: expected share of anomalies, for a threshold of 1 - rate"
    )

    @property
    def threshold_quantile(self) -> float:
        """The quantile of the validation scores above which a row is flagged."""
        if self.anomaly_rate is not None:
            return 1.0 - self.anomaly_rate
        return _THRESHOLD if self.threshold is None else self.threshold


class TrainingConfig(_Config):
    """How the network is trained; the defaults are the zoo's, which an architecture's own beat."""

    optimizer: OptimizerName = "adam"
    learning_rate: float = Field(1e-3, gt=0.0, le=10.0)
    weight_decay: float = Field(
        0.0, ge=0.0, lt=1.0, description="decoupled from the loss (Loshchilov & Hutter 2019); adamw: 0.004 unless given"
    )
    momentum: float = Field(0.0, ge=0.0, lt=1.0, description="of sgd and rmsprop")
    nesterov: bool = Field(False, description="whether sgd looks ahead along its momentum")
    clip_norm: float = Field(
        0.0, ge=0.0, allow_inf_nan=False, description="largest norm of all gradients together; 0: any"
    )
    clip_value: float = Field(
        0.0, ge=0.0, allow_inf_nan=False, description="largest absolute value of a gradient; 0: any"
    )
    schedule: Annotated[Schedule, BeforeValidator(_schedule)] = ConstantSchedule()
    loss: Annotated[str, BeforeValidator(normal_loss)] = Field(
        "mse", description="name, or name:key=value,...; architecture: its own"
    )
    class_weights: ClassWeights = Field(
        "none", description="task classify; balanced: rare classes weigh as much in the loss as frequent ones"
    )
    epochs: int = Field(100, ge=0, description="0: none, the weights to begin with are taken as they are")
    batch_size: int = Field(32, ge=1)
    patience: int = Field(10, ge=0, description="epochs without a better validation loss until the stop; 0: never")
    keep: Keep = Field("best", description="the epoch whose weights are kept: best by validation loss, or last")
    seed: int = Field(0, ge=0, lt=2**31)
    start_from: str | None = Field(None, description="run whose weights the training begins with")
    checkpoint_every: int = Field(1, ge=0, description="epochs from one checkpoint to the next; 0: none")
    engine: Engine = Field("auto", description="what computes recurrent layers; auto: fused where that is the same")
    autotune: bool = Field(False, description="whether engine and the next three are chosen by a short trial")
    batch_parts: int | None = Field(None, ge=1, le=1024, description="parts of a batch side by side; empty: by a rule")
    steps_per_execution: int | None = Field(None, ge=1, le=10_000, description="steps in one call; empty: by a rule")
    xla: bool | None = Field(None, description="engine keras: whether XLA compiles a whole step; empty: by a rule")

    @model_validator(mode="before")
    @classmethod
    def _fill_weight_decay(cls, values: Any) -> Any:
        """Without a decay adamw would be adam, so that it has Keras' default."""
        if isinstance(values, Mapping) and values.get("optimizer") == "adamw":
            return {"weight_decay": _ADAMW_DECAY, **values}
        return values

    @model_validator(mode="after")
    def _check_optimizer(self) -> Self:
        """Raise ConfigError for a setting that the optimizer does not know, or that another one rules out."""
        if self.momentum and self.optimizer not in ("sgd", "rmsprop"):
            raise ConfigError(
                f"--momentum is for --optimizer sgd and rmsprop, found {self.optimizer}; leave it out, or take one of"
                " them"
            )
        if self.nesterov and self.optimizer != "sgd":
            raise ConfigError(
                f"--nesterov is for --optimizer sgd, found {self.optimizer}; leave it out, or take that one"
            )
        if self.nesterov and not self.momentum:
            raise ConfigError("--nesterov looks ahead along the momentum, but that is 0; give a --momentum such as 0.9")
        if self.xla and self.engine != "keras":
            raise ConfigError(f"--xla is for --engine keras, found {self.engine}; fused layers use XLA themselves")
        if (self.batch_parts or 1) > 1 and self.engine == "keras":
            raise ConfigError("--batch-parts is for fused layers, found --engine keras; leave one of them out")
        if self.clip_norm and self.clip_value:
            raise ConfigError("--clip-norm and --clip-value bound the gradients each in its way; give one of them")
        return self


class RunConfig(_Config):
    """All that is needed to repeat a run."""

    architecture: str
    hyperparameters: dict[str, Any]
    data: DataConfig
    network: NetworkConfig = Field(default_factory=lambda: NetworkConfig.model_validate({}))
    training: TrainingConfig

    @property
    def task(self) -> Task:
        """What the network has to say of a window."""
        return self.data.task
