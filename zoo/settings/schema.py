"""The configuration of a run: one typed model for the command, the API, the run folder and the manifest.

Each setting is one field; options, keywords, the estimators' parameters, the reference and the tuner's space follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
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
    SampleBy,
    ScalerPerSeries,
    ShortSeries,
    TableLayout,
)
from zoo.settings.loss_names import normal_loss
from zoo.settings.parse import (
    read_counts,
    read_listed,
    read_moments,
    read_names,
    read_pairs,
    read_parts,
    read_quantiles,
    read_schedule,
)
from zoo.settings.setting import Setting
from zoo_registry import BUILT_IN_LOSSES, SCHEDULES, Architecture, ConstantSchedule, Schedule, Search, Task, TaskName
from zoo_registry.errors import ConfigError

DEFAULT_SOURCE = "example:co2"
_MAX_ROWS = 1_000_000
_ADAMW_DECAY = 0.004
_THRESHOLD = 0.995
USUAL_EPOCHS = 100  # of an architecture without a default of its own

_Parameter = partial(Setting, estimators=True)
_Tuned = partial(Setting, estimators=True, tuned=True)
_EXAMPLES, _ARCHITECTURES = "the example's", "the architecture's"
_OF_VALUES = (Task.FORECAST, Task.REGRESS)
_EPOCHS = f"the architecture's, else {USUAL_EPOCHS}; `steps` where those take too long"
_FOUND, _TRAININGS = "found by type or name", "the training's"


def _windows(config: RunConfig, architecture: Architecture) -> Search:
    """Windows around the one that holds without a search."""
    window = config.data.window
    return Search.choice(*sorted({max(2, window // 2), window, 2 * window, 4 * window}))


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class DataConfig(_Config):
    """What is read, what is asked of it, how it is cut and how it is scaled."""

    source: Annotated[str, Setting(flag="--data")] = Field(
        DEFAULT_SOURCE,
        description="CSV, Parquet or .tsf file, a folder of files, or example:co2, example:panel or example:ticks",
    )
    task: Annotated[TaskName, Setting(takes='Task | Literal["forecast", "regress", "classify", "anomaly"]')] = Field(
        Task.FORECAST, description="What is asked of a window"
    )
    target: Annotated[
        tuple[str, ...],
        BeforeValidator(read_names),
        _Parameter(unset="the example's; for anomalies all features", many=True, metavar="COLUMN,..."),
    ] = Field(
        (),
        description="Column to forecast, or column of classes; repeat it, or separate several by commas, or give a"
        " pattern: 'load_*'; '*': all numeric columns",
    )
    features: Annotated[
        tuple[str, ...],
        BeforeValidator(read_names),
        _Parameter(unset="all numeric columns", many=True, metavar="COLUMN,..."),
    ] = Field(
        (),
        description="Input column; repeat it, or separate several by commas, with quotes around a name that has one:"
        " '\"a,b\",c'; or a pattern: 'load_*'",
    )
    label: Annotated[str | None, Setting(tasks=(Task.ANOMALY,))] = Field(
        None, description="Column of 0 and 1, used for scoring alone"
    )
    weight: Annotated[str | None, _Parameter(unset="all rows count alike", metavar="COLUMN")] = Field(
        None,
        description="Column of weights, 0 or more: a window counts in the loss by their mean over its horizon, or by"
        " its last row",
    )
    time: Annotated[str | None, _Parameter(unset=_FOUND, bundles=f"{_TRAININGS}, else {_FOUND}")] = Field(
        None, description="Column of times, or of whole numbers that count up"
    )
    time_format: Annotated[str | None, _Parameter(unset="as 2020-01-31 13:00", bundles=_TRAININGS)] = Field(
        None,
        description="How times are written: s, ms, us, ns (since 1970), yyyymmdd or a pattern such as '%d.%m.%Y %H:%M'",
    )
    zone: Annotated[str | None, _Parameter(unset="their own", bundles=_TRAININGS)] = Field(
        None, description="Time zone to convert the times to, or of times that have none, such as Europe/Berlin"
    )
    series: Annotated[str | None, Setting(unset="one series", bundles=_TRAININGS)] = Field(
        None, description="Column that tells several series apart; no window crosses them"
    )
    layout: Annotated[TableLayout, Setting(bundles="")] = Field(
        "auto",
        description="How several series lie: auto (by the table's form), long (a row for each time), wide (a line for"
        " each series) or files (a file for each)",
    )
    short_series: Annotated[ShortSeries, Setting(bundles="pad where the training's was, else error")] = Field(
        "error",
        description="Series too short for a window: error, drop (leave them out) or pad (fill windows up in front with"
        " missing rows, which a mask tells)",
    )
    delimiter: Annotated[str, Setting(bundles="")] = Field(
        ",", description="Character between the fields of a CSV file"
    )
    decimal: Annotated[str, Setting(bundles="")] = Field(".", description="Decimal sign in a CSV file")
    encoding: Annotated[str | None, Setting(unset="by its byte-order mark, else UTF-8", bundles="")] = Field(
        None, description="Encoding of a CSV file"
    )
    comment: Annotated[str | None, Setting(bundles="")] = Field(
        None, description="Skip the lines of a CSV file that begin with this character"
    )
    thousands: Annotated[str | None, Setting(bundles="")] = Field(
        None, description="Separator of thousands in a CSV file's numbers"
    )
    sort: Annotated[bool, Setting(bundles="")] = Field(False, description="Sort the rows by time")
    resample: Annotated[str | None, Setting(unset="leave them", bundles="")] = Field(
        None, description="Resample the rows to an even step, such as 15min, 1h or 1D"
    )
    aggregate: Annotated[Aggregate, Setting(bundles="")] = Field(
        "mean", description="How resampling makes one row of several"
    )
    gaps: Annotated[Gaps, Setting(bundles=_TRAININGS)] = Field(
        "error", description="Uneven steps: error, break (no window crosses one) or ignore (rows are neighbours)"
    )
    missing: Annotated[Missing, _Parameter(preset=_EXAMPLES)] = Field(
        "error",
        description="Missing values: error, drop (leave out windows), ffill, interpolate, or mask (0 in the network,"
        " and a mask beside)",
    )
    calendar: Annotated[
        tuple[CalendarField, ...], BeforeValidator(read_listed), _Parameter(many=True, metavar="FIELD,...")
    ] = Field(
        (),
        description="Calendar features: minute, hour, weekday, day or month; repeat it, or separate several by commas",
    )
    window: Annotated[int, _Tuned(preset=_EXAMPLES, searched=_windows)] = Field(
        48, ge=1, le=_MAX_ROWS, description="Rows that a forecast is made from"
    )
    reconstruct: Annotated[bool, Setting(asked=False)] = Field(
        False, description="Whether the network gives back the whole window; the architecture says so"
    )
    horizon: Annotated[int, _Parameter(preset=_EXAMPLES, tasks=(Task.FORECAST,))] = Field(
        12, ge=1, le=_MAX_ROWS, description="Rows that are forecast"
    )
    gap: Annotated[int, _Parameter(tasks=(Task.FORECAST,))] = Field(
        0, ge=0, le=_MAX_ROWS, description="Rows between the window and the first that is forecast"
    )
    split: Annotated[tuple[float, float, float], BeforeValidator(read_parts), Setting()] = Field(
        (0.7, 0.15, 0.15), description="Train, validation, test: fractions, or numbers of rows"
    )
    split_dates: Annotated[
        tuple[str, ...],
        BeforeValidator(read_moments),
        Setting(unset="as the split says", takes="str | Sequence[str | int]"),
    ] = Field(
        (),
        description="Split at these times instead, such as 2019-01-01,2020-01-01, or 100,150 where times are whole"
        " numbers: where validation begins, where test begins and, if wanted, where test ends",
    )
    split_last: Annotated[tuple[int, ...], BeforeValidator(read_counts), Setting(unset="as the split says")] = Field(
        (),
        description="Split by the last rows of each series instead, whatever its length, such as 48,48: so many for"
        " validation, and so many behind them for test",
    )
    all_rows: Annotated[bool, Setting(asked=False)] = Field(
        False, description="Whether all rows are trained on, and none validates or tests; `zoo retrain` says so"
    )
    train_on_validation: Annotated[bool, Setting(trials=False)] = Field(
        False, description="Train on the validation rows too; needs `keep='last'` and `patience=0`"
    )
    embargo: Annotated[int, Setting()] = Field(
        0, ge=0, le=_MAX_ROWS, description="Rows left out at the end of train and of validation"
    )
    stride: Annotated[int, Setting()] = Field(1, ge=1, le=_MAX_ROWS, description="Rows from one window to the next")
    context: Annotated[bool, Setting()] = Field(
        True, description="Whether windows may reach back into the rows before their part"
    )
    scaler: Annotated[str, _Tuned(), Search.choice("standard", "minmax", "robust")] = Field(
        "standard",
        description="Scaler of all columns: minmax, standard, robust, huber, maxabs, log, none, or a plugin's",
    )
    scaler_for: Annotated[
        dict[str, str],
        BeforeValidator(read_pairs),
        _Parameter(unset="that of `scaler` for all", many=True, metavar="COLUMN=SCALER"),
    ] = Field(default_factory=dict, description="Another scaler for a column; repeat it for more")
    target_scaler: Annotated[str | None, _Tuned(unset="as for features", tasks=_OF_VALUES)] = Field(
        None, description="Another scaler for the targets"
    )
    scaler_per_series: Annotated[ScalerPerSeries, Setting(tasks=(Task.FORECAST,))] = Field(
        "off",
        description="Fit the scalers to each series by itself, a table in the bundle; a series that was not in the"
        " training is refused (refuse) or scaled by its window (window); off: one for all series",
    )
    season: Annotated[int | None, Setting(unset="the example's, else by the times")] = Field(
        None, ge=1, le=_MAX_ROWS, description="Rows in a season, for the seasonal naive baseline and MASE; 1: none"
    )


class NetworkConfig(_Config):
    """What the zoo puts around an architecture's network."""

    normalize_window: Annotated[NormalizeWindow, _Tuned(unset="none, and for forecasts auto")] = Field(
        "auto",
        description="Give each window a scale of its own, undone at the output: subtract its last value (last), or its"
        " mean and divide by its deviation (instance) or its change over a season (seasonal), or divide by its mean"
        " size (mean); +asinh against heavy tails; by the train rows (auto), or not at all (none)",
    )
    channels: Annotated[Channels, _Tuned(tasks=(*_OF_VALUES, Task.ANOMALY))] = Field(
        "joint", description="One network of all columns (joint), or one for each target on its own (shared)"
    )
    quantiles: Annotated[tuple[float, ...], BeforeValidator(read_quantiles), Setting(tasks=(Task.FORECAST,))] = Field(
        (), description="Forecast these quantiles too, such as 0.1,0.5,0.9"
    )
    threshold: Annotated[float | None, Setting(unset=f"{_THRESHOLD}", tasks=(Task.ANOMALY,))] = Field(
        None, gt=0.0, lt=1.0, description="Quantile of the validation scores above which a row is flagged"
    )
    anomaly_rate: Annotated[float | None, Setting(tasks=(Task.ANOMALY,))] = Field(
        None, gt=0.0, lt=1.0, description="The expected share of anomalies, instead of `threshold`"
    )

    @property
    def threshold_quantile(self) -> float:
        """The quantile of the validation scores above which a row is flagged."""
        if self.anomaly_rate is not None:
            return 1.0 - self.anomaly_rate
        return _THRESHOLD if self.threshold is None else self.threshold


class TrainingConfig(_Config):
    """How the network is trained; the defaults are the zoo's, which an architecture's own beat."""

    optimizer: Annotated[OptimizerName, _Tuned(preset=_ARCHITECTURES)] = Field("adam", description="Optimizer")
    learning_rate: Annotated[float, _Tuned(preset=_ARCHITECTURES), Search.float(1e-4, 1e-2, log=True)] = Field(
        1e-3, gt=0.0, le=10.0, description="Initial learning rate; see `schedule`"
    )
    weight_decay: Annotated[float, _Tuned(preset=f"{_ADAMW_DECAY} for adamw")] = Field(
        0.0, ge=0.0, lt=1.0, description="Weight decay, decoupled from the loss (Loshchilov & Hutter 2019)"
    )
    momentum: Annotated[float, _Tuned()] = Field(0.0, ge=0.0, lt=1.0, description="Momentum of sgd and rmsprop")
    nesterov: Annotated[bool, _Tuned()] = Field(False, description="Look ahead along sgd's momentum")
    clip_norm: Annotated[float, _Tuned(unset="no limit")] = Field(
        0.0, ge=0.0, allow_inf_nan=False, description="Largest norm of all gradients together; 0: any"
    )
    clip_value: Annotated[float, _Tuned(unset="no limit")] = Field(
        0.0, ge=0.0, allow_inf_nan=False, description="Largest absolute value of a gradient; 0: any"
    )
    schedule: Annotated[
        Schedule,
        BeforeValidator(read_schedule),
        _Tuned(preset=_ARCHITECTURES, metavar="KIND[:KEY=VALUE,...]", takes="str | Mapping[str, Any] | Schedule"),
        Search.choice("constant", "cosine"),
    ] = Field(
        ConstantSchedule(),
        description=f"How the learning rate changes: {', '.join(SCHEDULES)}; with parameters:"
        " cosine:steps=5000,warmup=200",
    )
    loss: Annotated[
        str,
        BeforeValidator(normal_loss),
        _Tuned(
            preset=_ARCHITECTURES,
            unset="the architecture's, else by the task",
            metavar="NAME[:KEY=VALUE,...]",
            takes="str | Mapping[str, Any]",
        ),
    ] = Field(
        "mse",
        description=f"Loss: {', '.join(BUILT_IN_LOSSES)}, a plugin's, or architecture (its own); with parameters:"
        " huber:delta=0.5",
    )
    class_weights: Annotated[ClassWeights, _Tuned(tasks=(Task.CLASSIFY,))] = Field(
        "none", description="Let rare classes count as much as frequent ones (balanced), or not (none)"
    )
    epochs: Annotated[int | None, _Tuned(unset=_EPOCHS)] = Field(
        None, ge=0, description="Epochs to train at most; 0: none, the weights to begin with are taken as they are"
    )
    steps: Annotated[int | None, _Tuned(unset="as `epochs` say")] = Field(
        None,
        ge=1,
        description="Optimizer steps to train at most, one for each batch, instead of `epochs`; `validate_every` steps"
        " are then an epoch",
    )
    validate_every: Annotated[int | None, _Parameter(unset="20 times in `steps`, fewer of many windows")] = Field(
        None,
        ge=1,
        description="With `steps`: steps from one validation to the next, for patience, history, checkpoints",
    )
    sample_by: Annotated[SampleBy, Setting(tuned=True)] = Field(
        "windows",
        description="Draw batches evenly over all windows, or evenly over the series and within each over its windows",
    )
    batch_size: Annotated[int, _Tuned(preset=_ARCHITECTURES), Search.choice(32, 64, 128)] = Field(
        32, ge=1, description="Windows in a batch"
    )
    patience: Annotated[int, _Tuned()] = Field(
        10, ge=0, description="Stop after so many epochs without improvement; 0: never"
    )
    keep: Annotated[Keep, _Tuned()] = Field(
        "best", description="Which epoch's weights: best (by validation loss) or last"
    )
    seed: Annotated[int, _Parameter()] = Field(
        0, ge=0, lt=2**31, description="Seed of all random numbers: the same seed gives the same result"
    )
    start_from: Annotated[str | None, Setting(flag="--from", metavar="RUN", unset="random weights", trials=False)] = (
        Field(
            None,
            description="Begin with a run's weights, finished or not; without an architecture, with its settings too",
        )
    )
    checkpoint_every: Annotated[int, Setting()] = Field(
        1, ge=0, description="Epochs from one checkpoint to the next; 0: none"
    )
    engine: Annotated[Engine, _Parameter(panel="Speed")] = Field(
        "auto",
        description="What computes recurrent layers: keras, fused (the same, quicker), or auto: fused where it can be",
    )
    autotune: Annotated[bool, _Parameter(panel="Speed", trials=False)] = Field(
        False, description="Choose the settings of this panel by a short measured trial"
    )
    batch_parts: Annotated[int | None, _Parameter(panel="Speed", unset="by a rule")] = Field(
        None, ge=1, le=1024, description="Parts of a batch that fused layers compute in parallel"
    )
    steps_per_execution: Annotated[int | None, _Parameter(panel="Speed", unset="by a rule")] = Field(
        None, ge=1, le=10_000, description="Steps in one call of the compiled function"
    )
    xla: Annotated[bool | None, _Parameter(panel="Speed", unset="by a rule")] = Field(
        None, description="With `engine='keras'`: let XLA compile a whole step"
    )

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
                f"`momentum` is for `optimizer` sgd and rmsprop, found {self.optimizer}; leave it out, or take one of"
                " them"
            )
        if self.nesterov and self.optimizer != "sgd":
            raise ConfigError(
                f"`nesterov` is for `optimizer='sgd'`, found {self.optimizer}; leave it out, or take that one"
            )
        if self.nesterov and not self.momentum:
            raise ConfigError("`nesterov` looks ahead along the momentum, but that is 0; give a `momentum` such as 0.9")
        if self.xla and self.engine != "keras":
            raise ConfigError(f"`xla` is for `engine='keras'`, found {self.engine}; fused layers use XLA themselves")
        if (self.batch_parts or 1) > 1 and self.engine == "keras":
            raise ConfigError("`batch_parts` is for fused layers, found `engine='keras'`; leave one of them out")
        if self.clip_norm and self.clip_value:
            raise ConfigError("`clip_norm` and `clip_value` bound the gradients each in its way; give one of them")
        return self

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        """Raise ConfigError where two settings say how long to train, or one is for steps that are not given."""
        if self.epochs is not None and self.steps is not None:
            raise ConfigError(
                f"`epochs` ({self.epochs}) and `steps` ({self.steps}) both say how long to train; give one of them"
            )
        if self.validate_every is not None and self.steps is None:
            raise ConfigError("`validate_every` divides `steps`, which were not given; give them too, or leave it out")
        if self.steps is not None and (self.validate_every or 0) > self.steps:
            raise ConfigError(
                f"`validate_every` {self.validate_every} is more than all {self.steps} `steps`, so that nothing would"
                " be validated; give fewer"
            )
        return self


class RunConfig(_Config):
    """All that is needed to repeat a run."""

    architecture: str
    hyperparameters: dict[str, Any]
    data: DataConfig
    network: NetworkConfig = Field(default_factory=lambda: NetworkConfig.model_validate({}))
    training: TrainingConfig

    @model_validator(mode="before")
    @classmethod
    def _as_it_was(cls, values: Any) -> Any:
        """A record without the field is of a version that normalized no window unasked."""
        if not isinstance(values, Mapping) or isinstance(network := values.get("network", {}), NetworkConfig):
            return values
        return {**values, "network": {"normalize_window": "none", **network}}

    def normalizing(self, kind: NormalizeWindow) -> Self:
        """The same with what ``normalize_window`` was resolved to."""
        return self.model_copy(update={"network": self.network.model_copy(update={"normalize_window": kind})})

    @property
    def task(self) -> str:
        """What the network has to say of a window."""
        return self.data.task
