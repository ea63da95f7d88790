"""Losses by name: what is written, what it becomes, what is refused, and the default for each task."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from zoo.settings import loss_choice, loss_names
from zoo.settings.loss_choice import losses_for, resolve_loss
from zoo.settings.loss_names import choose_loss, normal_loss
from zoo.settings.resolve import resolve
from zoo.settings.schema import TrainingConfig
from zoo.tasks import find_task
from zoo_registry import (
    BUILT_IN_LOSSES,
    Architecture,
    Entry,
    Hyperparameters,
    Loss,
    Registry,
    Task,
    TrainingDefaults,
    discover,
)
from zoo_registry.errors import ConfigError, UnknownLossError
from zoo_registry.registry import LOSSES as KIND

TABLE = {"source": "table.csv", "target": "load"}


class Kind(StrEnum):
    SOFT = "soft"
    HARD = "hard"


class Many(Hyperparameters):
    power: Annotated[int, Field(ge=1)]
    soft: bool = False
    note: str = ""
    kind: Kind = Kind.SOFT
    levels: tuple[float, ...] = ()
    floor: float | None = 0.0


def entry(name, distribution, **fields):
    made = Loss(**({"name": name, "summary": "A loss.", "make": lambda parameters, context: None} | fields))
    return Entry(made, plugin="losses", distribution=distribution, version="1.0")


@pytest.fixture
def plugins(monkeypatch):
    """The losses ``many`` (with parameters), ``grades`` (of classes), and ``twin`` of two distributions."""
    registry = Registry(
        KIND,
        [
            *discover().losses.values(),
            entry("many", "outsider", parameters=Many),
            entry("grades", "outsider", tasks=(Task.CLASSIFY,)),
            entry("twin", "outsider"),
            entry("twin", "other"),
        ],
    )
    found = discover()
    replaced = replace(found, registries={**found.registries, KIND.hook: registry})
    for module in (loss_names, loss_choice):
        monkeypatch.setattr(module, "discover", lambda: replaced)


def complaint(call, *arguments):
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("mse", "mse"),
        (" mse ", "mse"),
        ("huber:delta=1", "huber"),
        ("huber:delta=1.0", "huber"),
        ("huber: delta = 0.5 ", "huber:delta=0.5"),
        ("huber:delta=2", "huber:delta=2"),
        ("huber:delta=1e-9", "huber:delta=1e-09"),
        ("asymmetric:over=3,under=2", "asymmetric:over=3"),
        ("asymmetric:over=3,under=1", "asymmetric:under=1,over=3"),
        ({"kind": "huber", "delta": 0.5}, "huber:delta=0.5"),
        ({"delta": "0.5", "kind": "huber"}, "huber:delta=0.5"),
        ({"kind": "mae"}, "mae"),
    ],
)
def test_a_spelling_becomes_canonical(written, text):
    assert choose_loss(written).text == normal_loss(written) == TrainingConfig(loss=written).loss == text
    assert choose_loss(text) == choose_loss(written)


@given(delta=st.floats(0, 1e30, exclude_min=True))
def test_numbers_come_back_as_they_were(delta):
    text = choose_loss({"kind": "huber", "delta": delta}).text
    assert choose_loss(text).parameters.delta == delta
    assert normal_loss(text) == text


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("hubr", "there is no loss 'hubr'; did you mean 'huber'?"),
        ("hubr:delta=0.5", "there is no loss 'hubr'; did you mean 'huber'?"),
        ("huber=3", "there is no loss 'huber=3'; did you mean 'huber'?"),
        ("", "there is no loss ''; known are: architecture, "),
        ("outsider:mse", "there is no loss 'outsider:mse'"),
        ("huber:", "loss 'huber' takes NAME=VALUE, found ''"),
        ("huber:delta", "loss 'huber' takes NAME=VALUE, found 'delta'"),
        ("huber:delta=", "loss 'huber' takes NAME=VALUE, found 'delta='"),
        ("huber:=2", "loss 'huber' takes NAME=VALUE, found '=2'"),
        ("huber:delta=1,", "loss 'huber' takes NAME=VALUE, found ''"),
        ("huber:delta=1,delta=2", "loss 'huber': 'delta' is given more than once; give it once"),
        ("huber:delat=1", "loss 'huber', parameter 'delat' is unknown; did you mean 'delta'?"),
        ("huber:delta=0", "loss 'huber', parameter 'delta': expected greater than 0, found '0'"),
        ("huber:delta=inf", "loss 'huber', parameter 'delta': expected a finite number, found 'inf'"),
        ("huber:delta=x", "loss 'huber', parameter 'delta': expected a valid number, found 'x'"),
        ("quantile:q=1", "loss 'quantile', parameter 'q': expected less than 1, found '1'"),
        ("weighted-mse:decay=1.1", "loss 'weighted-mse', parameter 'decay': expected less than or equal to 1"),
        ("mse:delta=1", "loss 'mse', parameter 'delta' is unknown"),
        ({"delta": 1}, """a loss as a table is such as {kind = "huber", delta = 0.5}, found {'delta': 1}"""),
        ({"kind": 3}, "a loss as a table is such as"),
        (3, "a loss is a name, or one with parameters such as huber:delta=0.5, found 3"),
        (["mse"], "a loss is a name, or one with parameters such as huber:delta=0.5, found ['mse']"),
    ],
)
def test_what_is_refused(written, sentence):
    assert complaint(choose_loss, written).startswith(sentence)


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("many:power=3", "many:power=3"),
        ("outsider:many:power=3", "outsider:many:power=3"),
        ("many:power=3,soft=yes,note=a:b", "many:power=3,soft=true,note=a:b"),
        ("many:kind=hard,power=2,floor=0.5", "many:power=2,kind=hard,floor=0.5"),
        ("many:kind=soft,power=2,floor=0", "many:power=2"),
        ({"kind": "grades"}, "grades"),
        ("other:twin", "other:twin"),
    ],
)
def test_a_plugins_loss(written, text):
    assert choose_loss(written).text == text
    assert choose_loss(text) == choose_loss(written)
    assert normal_loss(text) == text


@pytest.mark.usefixtures("plugins")
def test_a_plugins_loss_that_is_refused():
    assert complaint(choose_loss, "many") == "loss 'many', parameter 'power' is required"
    assert complaint(choose_loss, "mny:power=1") == "there is no loss 'mny'; did you mean 'many'?"
    assert "twin' is registered by distributions 'outsider' and 'other'; say" in complaint(choose_loss, "twin")
    for key, value in (("note", "a,b"), ("note", " "), ("levels", [1.0]), ("floor", None)):
        with pytest.raises(ConfigError, match=f"loss 'many', parameter '{key}': expected a number, a flag or a text"):
            _ = choose_loss({"kind": "many", "power": 1, key: value}).text


def test_a_plugins_loss_is_read_where_its_plugin_is_not():
    for text in ("many:power=3", "outsider:many:power=3,soft=true", "gone"):
        assert TrainingConfig(loss=text).loss == text
    with pytest.raises(UnknownLossError, match="there is no loss 'gone'"):
        choose_loss("gone")


@pytest.mark.usefixtures("plugins")
def test_the_losses_of_a_task():
    assert losses_for(find_task("classify")) == ["cross-entropy", "focal", "grades"]
    assert losses_for(find_task("forecast")) == [*BUILT_IN_LOSSES[:-2], "many", "outsider:twin", "other:twin"]
    assert set(losses_for(find_task("forecast"))) - set(losses_for(find_task("regress"))) == {"weighted-mse"}
    assert set(losses_for(find_task("regress"))) - set(losses_for(find_task("anomaly"))) == {"directional"}


# ---------------------------------------------------------------------------------------------------------------------
# By task

OWN = {"loss": lambda hp, context: None}
LEVELS = {"quantiles": (0.1, 0.9)}


@pytest.fixture
def resolved():
    def call(chosen, task, quantiles=(), preferred=None, tasks=tuple(Task), **fields):
        defaults = TrainingDefaults(loss=preferred)
        architecture = Architecture(name="mine", summary="Mine.", build=len, defaults=defaults, tasks=tasks, **fields)
        return resolve_loss(chosen, "mine", architecture, find_task(task), quantiles)

    return call


@pytest.mark.parametrize(
    ("chosen", "task", "arguments", "expected"),
    [
        (None, "forecast", {}, "mse"),
        (None, "regress", {}, "mse"),
        (None, "anomaly", {}, "mse"),
        (None, "classify", {}, "cross-entropy"),
        (None, "forecast", LEVELS, "quantile"),
        (None, "forecast", LEVELS | {"preferred": "mae"}, "quantile"),
        (None, "forecast", LEVELS | OWN, "quantile"),
        (None, "forecast", {"preferred": "huber:delta=0.50"}, "huber:delta=0.5"),
        (None, "anomaly", {"preferred": "mae"}, "mae"),
        (None, "classify", {"preferred": "mae"}, "cross-entropy"),
        (None, "classify", {"preferred": "focal:gamma=1"}, "focal:gamma=1"),
        (None, "forecast", {"preferred": "focal"}, "mse"),
        (None, "regress", {"preferred": "weighted-mse"}, "mse"),
        (None, "forecast", OWN, "architecture"),
        (None, "anomaly", OWN, "architecture"),
        (None, "classify", OWN, "cross-entropy"),
        (None, "classify", {**OWN, "tasks": (Task.CLASSIFY,)}, "architecture"),
        (None, "forecast", {**OWN, "preferred": "mae"}, "mae"),
        ("mae", "forecast", OWN, "mae"),
        ("mae", "forecast", {"preferred": "huber"}, "mae"),
        ({"kind": "architecture"}, "regress", OWN, "architecture"),
        ("architecture", "classify", {**OWN, "tasks": (Task.CLASSIFY,)}, "architecture"),
        ("focal:gamma=2", "classify", {}, "focal"),
        ("quantile:q=0.9", "forecast", {}, "quantile:q=0.9"),
        ("quantile", "forecast", LEVELS, "quantile"),
    ],
)
def test_what_is_chosen_beats_the_architectures_default_which_beats_the_tasks(
    resolved, chosen, task, arguments, expected
):
    assert resolved(chosen, task, **arguments) == expected


@pytest.mark.parametrize(
    ("chosen", "task", "arguments", "words"),
    [
        ("architecture", "classify", OWN, "'architecture' does not serve the task 'classify'; those that do: cross"),
        ("mse", "classify", {}, "'mse' does not serve the task 'classify'; those that do: cross-entropy, focal"),
        ("focal:gamma=1", "forecast", {}, "'focal' does not serve the task 'forecast'; those that do: mse, mae, huber"),
        ("directional", "anomaly", {}, "'directional' does not serve the task 'anomaly'; those that do: mse, "),
        ("architecture", "forecast", {}, "'mine' has no loss of its own; take one of mse, mae, huber, "),
        ("architecture", "classify", {}, "'mine' has no loss of its own; take one of cross-entropy, "),
        ("architecture:under=2", "forecast", OWN, "'architecture' has no parameters, found under"),
        ("mae", "forecast", LEVELS, "0.1,0.9 are trained with `loss='quantile'`, found `loss` mae"),
        ("architecture", "forecast", LEVELS | OWN, "with `loss='quantile'`, found `loss` architecture"),
        ("quantile:q=0.5", "forecast", LEVELS, "0.1,0.9 says which quantiles, and `loss` quantile another one"),
        (None, "forecast", {"preferred": "rmse"}, "there is no loss 'rmse'; did you mean 'mse'?"),
        (None, "forecast", {"preferred": "architecture"}, "'mine' has no loss of its own"),
    ],
)
def test_what_does_not_go_together(resolved, chosen, task, arguments, words):
    assert words in complaint(lambda: resolved(chosen, task, **arguments))


def test_a_configuration_holds_the_canonical_text():
    plain = Architecture(name="mine", summary="Mine.", build=len)
    every = replace(plain, tasks=tuple(Task))
    for settings, expected in (
        ({}, "mse"),
        ({"loss": {"kind": "huber", "delta": 0.5}}, "huber:delta=0.5"),
        ({"loss": "huber:delta=1"}, "huber"),
        ({"task": "classify"}, "cross-entropy"),
        ({"task": "classify", "loss": "focal:gamma=0.5"}, "focal:gamma=0.5"),
    ):
        assert resolve("mine", every, {}, TABLE | settings).training.loss == expected
    assert "does not serve" in complaint(resolve, "mine", every, {}, TABLE | {"loss": "mse", "task": "classify"})
    assert "does not do the task" in complaint(resolve, "mine", plain, {}, TABLE | {"loss": "mse", "task": "classify"})


def test_names_are_checked_without_keras():
    program = """
import sys
from zoo.settings.resolve import resolve
from zoo_registry import discover
from zoo_registry.errors import ConfigError
basic = discover().catalogue["basic"].item
resolve("basic", basic, {}, {"loss": "smape:guard=0.2"})
for wrong in ("smpae", "huber:delta=0", "focal"):
    try:
        resolve("basic", basic, {}, {"loss": wrong})
    except ConfigError:
        continue
    raise AssertionError(wrong)
print(*{"keras", "tensorflow"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
