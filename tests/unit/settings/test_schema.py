"""What a run is configured with: whose default wins, what text is read, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.cli.show_command import spelled
from zoo.settings.parse import parse_settings
from zoo.settings.resolve import resolve
from zoo.settings.schema import DataConfig, RunConfig, TrainingConfig
from zoo.settings.setting import laid_over
from zoo_registry import (
    Architecture,
    ConstantSchedule,
    CosineSchedule,
    CyclicalSchedule,
    ExponentialSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    RecurrentHyperparameters,
    Task,
    TrainingDefaults,
)
from zoo_registry.errors import ConfigError, DataError

TABLE = {"source": "table.csv", "target": "load"}
FASTER = ExponentialSchedule(steps=100, rate=0.5)
VALUES = {
    "optimizer": st.sampled_from(["adamw", "rmsprop", "sgd", "nadam", "lion"]),
    "learning_rate": st.floats(1e-6, 10),
    "schedule": st.sampled_from([FASTER, ExponentialSchedule()]),
    "loss": st.sampled_from(["mae", "huber", "huber:delta=0.5", "asymmetric:under=3,over=0.5"]),
    "batch_size": st.integers(1, 1000),
}


def architecture(**fields):
    known = {"name": "mine", "summary": "Mine.", "build": lambda hp, shape: None}
    return Architecture(**(known | {"hyperparameters": RecurrentHyperparameters} | fields))


def resolved(given_settings, hyperparameters=(), **fields):
    return resolve("mine", architecture(**fields), dict(hyperparameters), TABLE | given_settings)


@settings(max_examples=40, deadline=None)
@given(preferred=st.fixed_dictionaries({}, optional=VALUES), chosen=st.fixed_dictionaries({}, optional=VALUES))
def test_a_setting_beats_the_architectures_default_which_beats_the_zoos(preferred, chosen):
    config = resolved(chosen, defaults=TrainingDefaults(**preferred))
    expected = TrainingConfig().model_dump() | TrainingConfig(**(preferred | chosen)).model_dump()
    assert config.training.model_dump() == expected
    for name in VALUES:
        source = next((values for values in (chosen, preferred) if name in values), vars(TrainingConfig()))
        assert getattr(config.training, name) == source[name]


def test_the_zoos_defaults():
    config = resolved({})
    assert config.training == TrainingConfig()
    assert config.data == DataConfig(source="table.csv", target=("load",))
    assert config.task is Task.FORECAST
    assert config.hyperparameters == RecurrentHyperparameters().model_dump()
    assert config.architecture == "mine"


def test_the_examples_preset_beats_the_zoo_and_a_setting_beats_the_preset():
    preset = resolve("mine", architecture(), {}, {}).data
    assert preset.source == "example:co2"
    assert (preset.target, preset.time) == (("co2",), "date")
    assert (preset.window, preset.horizon, preset.season, preset.missing) == (52, 13, 52, "interpolate")
    mixed = resolve("mine", architecture(), {}, {"window": 7, "missing": "ffill"}).data
    assert (mixed.window, mixed.horizon, mixed.missing) == (7, 13, "ffill")


@pytest.mark.parametrize("nothing", [None, (), []])
def test_nothing_counts_as_left_out(nothing):
    names = ("features", "window", "batch_size", "scaler", "season", "schedule")
    config = resolved({**dict.fromkeys(names, nothing), "patience": 0}, defaults=TrainingDefaults(batch_size=7))
    assert (config.training.batch_size, config.training.patience) == (7, 0), "0 is a value"
    assert config.data == resolved({}).data


def test_how_long_is_left_open_until_the_windows_are_counted():
    config = resolved({"epochs": None, "steps": None}, defaults=TrainingDefaults(epochs=7))
    assert (config.training.epochs, config.training.steps) == (None, None)
    config = resolved({"steps": 50}, defaults=TrainingDefaults(epochs=7))
    assert (config.training.epochs, config.training.steps) == (None, 50)


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"epochs": 3, "steps": 50}, r"`epochs` \(3\) and `steps` \(50\) both say how long to train; give one of them"),
        ({"epochs": 0, "steps": 50}, r"`epochs` \(0\) and `steps` \(50\) both say how long to train"),
        ({"epochs": 3, "validate_every": 5}, "`validate_every` divides `steps`, which were not given"),
        ({"validate_every": 5}, "`validate_every` divides `steps`, which were not given"),
        ({"steps": 4, "validate_every": 5}, "`validate_every` 5 is more than all 4 `steps`, .*; give fewer"),
        ({"steps": 0}, "setting 'steps'.*0"),
        ({"sample_by": "rows"}, "setting 'sample_by'.*rows"),
    ],
)
def test_lengths_that_rule_each_other_out(given_settings, message):
    with pytest.raises(ConfigError, match=message):
        resolved(given_settings)


def test_a_length_that_is_given_beats_the_other_one_of_a_file():
    file = {"steps": 50, "validate_every": 5, "window": 4}
    assert laid_over(file, {"epochs": 3}) == {"window": 4, "epochs": 3}
    assert laid_over(file, {"epochs": None}) == {**file, "epochs": None}
    assert laid_over(file, {"steps": 90}) == {"window": 4, "steps": 90}
    assert laid_over({"epochs": 3}, {"steps": 90}) == {"steps": 90}
    assert laid_over(file, {"validate_every": 10}) == {**file, "validate_every": 10}


def test_the_architectures_own_loss_is_its_default():
    own = {"loss": lambda hp, context: None}
    assert resolved({}, **own).training.loss == "architecture"
    assert resolved({"loss": "mae"}, **own).training.loss == "mae"
    assert resolved({}, **own, defaults=TrainingDefaults(loss="huber")).training.loss == "huber"
    with pytest.raises(ConfigError, match="architecture 'mine' has no loss of its own; take one of mse, mae, huber, "):
        resolved({"loss": "architecture"})


def test_hyperparameters_are_checked_and_filled_in():
    assert resolved({}, {"units": "8"}).hyperparameters["units"] == 8
    with pytest.raises(ConfigError, match="'unit' is unknown; did you mean 'units'"):
        resolved({}, {"unit": 8})
    with pytest.raises(ConfigError, match=r"'units'.*found 0"):
        resolved({}, {"units": 0})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer", "adm"),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("learning_rate", 11),
        ("epochs", -1),
        ("epochs", 1.5),
        ("batch_size", 0),
        ("patience", -1),
        ("seed", -1),
        ("seed", 2**31),
        ("window", 0),
        ("horizon", 0),
        ("horizon", 10**7),
        ("season", 0),
        ("missing", "guess"),
        ("task", 3),
        ("task", ["forecast"]),
        ("scaler_for", 3),
        ("scaler_for", [3]),
        ("split", "0.7,0.3"),
        ("split", "0.7,x,0.15"),
        ("schedule", "linear"),
        ("schedule", "exponential:steps=0"),
        ("schedule", "exponential:rate=1.5"),
        ("schedule", "exponential:step=5"),
        ("schedule", "constant:rate=0.5"),
        ("schedule", "cosine:warmup=-1"),
        ("schedule", "cosine:floor=1"),
        ("schedule", "cosine:restarts=maybe"),
        ("schedule", "cosine:restarts=true"),
        ("schedule", "cosine:length=3"),
        ("schedule", "cosine:kind=constant"),
        ("schedule", "cyclical:mode=square"),
        ("schedule", "cyclical:gamma=0.5"),
        ("schedule", "cyclical:low=nan"),
        ("schedule", "one-cycle:warmup=1"),
        ("schedule", "plateau:factor=1"),
        ("schedule", "plateau:patience=0"),
        ("schedule", {"steps": 5}),
        ("schedule", {"kind": 3}),
        ("schedule", 3),
        ("weight_decay", 1),
        ("momentum", 1),
        ("clip_norm", -1),
        ("clip_norm", float("inf")),
        ("clip_value", float("nan")),
    ],
)
def test_values_out_of_bounds(name, value):
    with pytest.raises(ConfigError, match=f"setting '{name}"):
        resolved({name: value})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("constant", ConstantSchedule()),
        ("exponential", ExponentialSchedule()),
        ("exponential:steps=500,rate=0.5", ExponentialSchedule(steps=500, rate=0.5)),
        ("exponential:rate=0.5", ExponentialSchedule(rate=0.5)),
        ({"kind": "exponential", "steps": 5}, ExponentialSchedule(steps=5)),
        ("cosine:steps=5000,warmup=200", CosineSchedule(steps=5000, warmup=200)),
        (
            "cosine: steps=10, restarts=true, length=1.5, height=0.5, floor=0.01",
            CosineSchedule(steps=10, restarts=True, length=1.5, height=0.5, floor=0.01),
        ),
        ("cyclical:mode=triangular2,low=0.2", CyclicalSchedule(mode="triangular2", low=0.2)),
        ("cyclical:mode=exp-range,gamma=0.99,steps=7", CyclicalSchedule(mode="exp-range", gamma=0.99, steps=7)),
        ("one-cycle", OneCycleSchedule()),
        ("one-cycle:warmup=0.5,start=0.1,end=1e-3", OneCycleSchedule(warmup=0.5, start=0.1, end=0.001)),
        (
            "plateau:factor=0.1,patience=2,floor=0,min_delta=0.5",
            PlateauSchedule(factor=0.1, patience=2, floor=0, min_delta=0.5),
        ),
    ],
)
def test_schedules_as_text(text, expected):
    config = resolved({"schedule": text})
    assert config.training.schedule == expected
    assert resolved({"schedule": spelled(expected)}) == config, "as zoo show writes it"
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("exponential:steps", "a schedule takes NAME=VALUE, found 'steps'"),
        ("exponential:=5", "a schedule takes NAME=VALUE, found '=5'"),
        ("exponential:steps=", "a schedule takes NAME=VALUE, found 'steps='"),
        ("exponential:step=5", "exponential has no parameter 'step'; did you mean 'steps'?"),
        ("cosine:warmpu=5", "cosine has no parameter 'warmpu'; did you mean 'warmup'?"),
        ("constant:rate=1", "constant has no parameter 'rate'"),
        ("cosine:kind=plateau", "cosine has no parameter 'kind'; known are: floor, height,"),
        ({"kind": "plateau", "step": 5}, "plateau has no parameter 'step'; "),
        ({"steps": 5}, "a schedule as a table is such as {kind = \"cosine\", warmup = 200}, found {'steps': 5}"),
    ],
)
def test_a_schedule_that_cannot_be_read(value, told):
    with pytest.raises(ConfigError) as caught:
        resolved({"schedule": value})
    assert str(caught.value).removeprefix("setting 'schedule': ").startswith(told)


def test_weight_decay_is_adamws_own_unless_given():
    assert resolved({"optimizer": "adamw"}).training.weight_decay == 0.004
    assert resolved({}, defaults=TrainingDefaults(optimizer="adamw")).training.weight_decay == 0.004
    assert resolved({"optimizer": "adamw", "weight_decay": 0}).training.weight_decay == 0
    assert resolved({"optimizer": "adam"}).training.weight_decay == 0


@settings(max_examples=30, deadline=None)
@given(parts=st.tuples(*[st.floats(0, 1e6, allow_nan=False)] * 3))
def test_a_split_as_text(parts):
    assert resolved({"split": ",".join(map(repr, parts))}).data.split == parts
    assert resolved({"split": parts}).data.split == parts


def test_one_name_is_a_list_of_one():
    config = resolved({"target": "OT", "features": ["a", "b"]})
    assert (config.data.target, config.data.features) == (("OT",), ("a", "b"))


def test_settings_as_text():
    for items, told in (
        *((["layers=2", item], f"takes NAME=VALUE, found '{item}'") for item in ("units", "=128", "units=", "")),
        (["units=1", "layers=2", "units =3"], ": 'units' is given more than once"),
    ):
        with pytest.raises(ConfigError, match=f"`hyperparameters` ?{told}"):
            parse_settings(items, "`hyperparameters`")
    assert parse_settings(["units=128", " name = a=b "], "`hyperparameters`") == {"units": "128", "name": "a=b"}


@settings(max_examples=30, deadline=None)
@given(chosen=st.fixed_dictionaries({}, optional=VALUES), dropout=st.floats(0, 0.99))
def test_a_configuration_survives_json(chosen, dropout):
    config = resolved(chosen, {"dropout": dropout})
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_scalers_by_column():
    for written in (["a=b=log", "c=none"], {"a=b": "log", "c": "none"}):
        assert DataConfig(target="y", scaler_for=written).scaler_for == {"a=b": "log", "c": "none"}
    for wrong, message in ((["log"], "expected COLUMN=SCALER"), (["a=log", "a=none"], "given more than once")):
        with pytest.raises(ValueError, match=message):
            DataConfig(target="y", scaler_for=wrong)


# ---------------------------------------------------------------------------------------------------------------------
# Tasks

ALL_TASKS = {"tasks": tuple(Task)}


@pytest.mark.parametrize(
    ("given_settings", "expected"),
    [
        ({"epoch": 3}, "there is no setting 'epoch'; did you mean 'epochs'"),
        ({"source": "example:co3"}, "there is no example 'co3'; did you mean 'co2'"),
        (
            {"task": "classify", "horizon": 3},
            "`horizon` is for `task='forecast'`, found it with classify; leave it out",
        ),
        ({"task": "regress", "horizon": 2}, "`horizon` is for `task='forecast'`, found it with regress; leave it out"),
        ({"task": "anomaly", "gap": 2}, "`gap` is for `task='forecast'`, found it with anomaly; leave it out"),
        ({"label": "fault"}, "`label` is for `task='anomaly'`, found it with forecast; leave it out"),
        ({"task": "classify", "label": "fault"}, "`label` is not for `task='classify'`, whose classes are named with"),
        ({"task": "classify", "target": ()}, "named for table.csv; give `target` with the column of classes"),
        ({"task": "regress", "target": ()}, "named for table.csv; give `target` with the column to forecast"),
        ({"target": None}, "no target was named for table.csv; give `target` with the column to forecast"),
        ({"task": "classify", "target_scaler": "minmax"}, "`target_scaler` is not for `task='classify'`, whose target"),
        ({"task": "anomaly", "threshold": 0.9, "anomaly_rate": 0.1}, "`threshold` and `anomaly_rate` set the same"),
        ({"threshold": 0.995}, "`threshold` is for `task='anomaly'`, found it with forecast; leave it out"),
        ({"task": "anomaly", "window": 1}, "by the rows before it; give a `window` of 2 or more"),
        ({"task": "classes"}, "there is no task 'classes'; did you mean 'classify'?"),
        ({"schedule": "cosin"}, "'cyclical', 'one-cycle' or 'plateau', found 'cosin'"),
        ({"gap": -1}, "setting 'gap'"),
        ({"calendar": "hour,second"}, "setting 'calendar"),
        ({"gaps": "fill"}, "setting 'gaps'"),
        ({"aggregate": "max"}, "setting 'aggregate'"),
        ({"short_series": "ignore"}, "setting 'short_series'"),
    ],
)
def test_settings_that_mean_nothing_for_the_task(given_settings, expected):
    table = {"source": "table.csv"} if given_settings.get("target", "") in ((), None) else TABLE
    with pytest.raises((ConfigError, DataError)) as caught:
        resolve("mine", architecture(**ALL_TASKS), {}, table | given_settings)
    assert expected in str(caught.value)


@pytest.mark.parametrize("task", ["regress", "classify", "anomaly"])
def test_only_a_forecast_has_a_horizon(task):
    assert resolved({}).data.horizon == 12
    assert resolved({"task": task}, **ALL_TASKS).data.horizon == 1
    assert resolved({"task": task, "horizon": 1, "gap": 0}, **ALL_TASKS).data.horizon == 1


def test_the_example_of_ticks_knows_its_anomalies_and_classes():
    preset = resolve("mine", architecture(**ALL_TASKS), {}, {"source": "example:ticks", "task": "anomaly"}).data
    assert (preset.target, preset.label, preset.window, preset.horizon) == ((), "anomaly", 60, 1)
    forecast = resolve("mine", architecture(), {}, {"source": "example:ticks"}).data
    assert (forecast.target, forecast.label, forecast.horizon) == (("price",), None, 10)
    classes = resolve("mine", architecture(**ALL_TASKS), {}, {"source": "example:ticks", "task": "classify"}).data
    assert (classes.target, classes.missing, classes.horizon) == (("next_move",), "drop", 1)


@pytest.mark.parametrize(
    ("settings", "quantile"), [({}, 0.995), ({"threshold": 0.9}, 0.9), ({"anomaly_rate": 0.25}, 0.75)]
)
def test_the_quantile_that_is_the_threshold(settings, quantile):
    config = resolved({"task": "anomaly", **settings}, **ALL_TASKS)
    assert config.network.threshold_quantile == quantile


def test_reconstruction_is_for_the_architecture_to_say():
    mine = architecture(**ALL_TASKS, anomaly="reconstruct")
    settings = {"source": "table.csv", "task": "anomaly"}
    assert resolve("mine", mine, {}, settings).data.reconstruct
    assert resolve("mine", mine, {}, settings | {"reconstruct": True}).data.reconstruct
    assert not resolve("mine", mine, {}, {"source": "table.csv", "target": "load"}).data.reconstruct
    with pytest.raises(ConfigError, match="reconstruct is for the architecture to say, and for 'mine' it is True"):
        resolve("mine", mine, {}, settings | {"reconstruct": False})
