"""The contract of an architecture, checked when it is declared."""

import re
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_registry import (
    API_VERSION,
    SCHEDULES,
    Architecture,
    ConstantSchedule,
    ExponentialSchedule,
    Hyperparameters,
    RecurrentHyperparameters,
    Task,
    TrainingDefaults,
)
from zoo_registry.errors import ConfigError


def declare(**changes):
    fields = {"name": "mine", "summary": "A network.", "build": lambda hp, shape: None}
    return Architecture(**(fields | changes))


def test_the_rest_has_defaults():
    architecture = declare()
    assert architecture.hyperparameters is Hyperparameters
    assert architecture.tasks == (Task.FORECAST,)
    assert architecture.defaults == TrainingDefaults()
    assert (architecture.api, architecture.inputs, API_VERSION) == (1, ("window",), 2)
    assert (architecture.reference, architecture.tags, architecture.tiny) == ("", (), {})
    assert architecture.check is None
    assert architecture.loss is None


def test_frozen():
    with pytest.raises(FrozenInstanceError):
        declare().name = "other"


@pytest.mark.parametrize("name", ["a", "7", "tcn2", "custom-loss", "a-"])
def test_good_names(name):
    assert declare(name=name).name == name


@pytest.mark.parametrize(
    "name", ["", "Basic", "my_net", "my net", "-a", "a:b", "a/b", "..", "a\n", "größe", None, 3, ["a"]]
)
def test_bad_names(name):
    with pytest.raises(ValueError, match=r"made of a-z, 0-9 and '-', found " + re.escape(repr(name))):
        declare(name=name)


@given(name=st.text(max_size=6) | st.text("ab9-", max_size=6))
def test_a_name_is_taken_just_where_it_is_made_of_the_letters(name):
    letters = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    sound = bool(name) and set(name) <= letters and name[0] != "-"
    try:
        declare(name=name)
    except ValueError:
        assert not sound
    else:
        assert sound


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Mine"),
        ("summary", ""),
        ("summary", "  "),
        ("summary", None),
        ("build", None),
        ("build", "zoo_plugins.architectures.basic:build"),
        ("check", "check"),
        ("loss", "mse"),
        ("hyperparameters", dict),
        ("hyperparameters", RecurrentHyperparameters()),
        ("hyperparameters", None),
        ("reference", None),
        ("tags", "lstm"),
        ("tags", ["lstm"]),
        ("tags", (1,)),
        ("tasks", None),
        ("tasks", ()),
        ("tasks", Task.FORECAST),
        ("tasks", (3,)),
        ("anomaly", "guess"),
        ("defaults", {"epochs": 3}),
        ("tiny", None),
        ("api", 3),
        ("inputs", "window"),
        ("layers", ()),
        ("pretrained", "weights.npz"),
        ("toy", {"rows": 3}),
        ("toy", {"window": 0}),
        ("outputs_per_target", -1),
        ("decode", 2),
        ("api", None),
        ("api", True),
    ],
)
def test_a_field_of_the_wrong_kind_is_named_alone(field, value):
    with pytest.raises(ValueError, match=r".") as caught:
        declare(**{field: value})
    told = str(caught.value)
    assert told.startswith(f"architecture {value if field == 'name' else 'mine'!r}, field '{field}")
    assert told.count(", field '") == 1
    assert "\n" not in told


def test_a_field_that_is_unknown_or_left_out():
    with pytest.raises(ValueError, match="architecture 'mine', field 'sumary' is unknown; did you mean 'summary'"):
        declare(sumary="A network.")
    with pytest.raises(ValueError, match="architecture 'mine', field 'build' is required"):
        Architecture(name="mine", summary="A network.")


def test_arguments_are_named():
    with pytest.raises(TypeError):
        Architecture("mine", "A network.", lambda hp, shape: None)


def test_configure_names_the_architecture():
    architecture = declare(hyperparameters=RecurrentHyperparameters)
    assert architecture.configure({"units": "8"}) == RecurrentHyperparameters(units=8)
    with pytest.raises(
        ConfigError, match="architecture 'mine', hyperparameter 'unit' is unknown; did you mean 'units'"
    ):
        architecture.configure({"unit": 8})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("optimizer", 3),
        ("learning_rate", "fast"),
        ("schedule", "exponential"),
        ("loss", len),
        ("epochs", "100"),
        ("epochs", 1.5),
        ("batch_size", "32"),
    ],
)
def test_training_defaults_of_the_wrong_kind(field, value):
    with pytest.raises(ValueError, match=f"training defaults, field '{field}': .*found {re.escape(repr(value))}"):
        TrainingDefaults(**{field: value})


def test_training_defaults():
    schedule = ExponentialSchedule(steps=5, rate=0.5)
    defaults = TrainingDefaults(optimizer="sgd", learning_rate=1, schedule=schedule, loss="mae", epochs=2, batch_size=3)
    assert (defaults.schedule, defaults.learning_rate) == (schedule, 1)


def test_schedules():
    assert ConstantSchedule().kind == "constant"
    assert ExponentialSchedule().model_dump() == {"kind": "exponential", "steps": 10_000, "rate": 0.9}
    for values in ({"steps": 0}, {"rate": 0.0}, {"rate": 1.1}, {"step": 5}):
        with pytest.raises(ValueError, match=next(iter(values))):
            ExponentialSchedule(**values)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule(kind):
    schedule = SCHEDULES[kind]()
    assert TrainingDefaults(schedule=schedule).schedule is schedule
    assert schedule.__doc__
    with pytest.raises(ValueError, match="frozen"):
        schedule.kind = "other"
    with pytest.raises(ValueError, match="nothing"):
        SCHEDULES[kind](nothing=1)
    for name, field in SCHEDULES[kind].model_fields.items():
        assert name == "kind" or field.description, name
        if field.annotation is float:
            for value in (float("nan"), float("inf"), -1.0):
                with pytest.raises(ValueError, match=name):
                    SCHEDULES[kind](**{name: value})
        elif field.annotation is int:
            with pytest.raises(ValueError, match=name):
                SCHEDULES[kind](**{name: -1})
