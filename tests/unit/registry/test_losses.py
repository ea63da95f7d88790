"""Losses: what a plugin has to give, the hook that gives it, and what becomes of a plugin that does not."""

from typing import Annotated

import pytest
from pydantic import Field

from zoo_registry import BUILT_IN_LOSSES, OWN_LOSS, Hyperparameters, Loss, LossContext, Task
from zoo_registry.discovery import discover_from
from zoo_registry.errors import ConfigError, UnknownLossError


class Power(Hyperparameters):
    power: Annotated[float, Field(gt=1.0, description="power of the error")] = 3.0


def make(parameters, context):
    raise NotImplementedError


def loss(**fields):
    return Loss(**({"name": "cubic", "summary": "Power of the error.", "make": make} | fields))


def test_what_is_left_out():
    plain = loss()
    assert (plain.reference, plain.parameters, plain.api) == ("", Hyperparameters, 1)
    assert plain.tasks == (Task.FORECAST, Task.REGRESS, Task.ANOMALY)
    assert plain.configure({}) == Hyperparameters()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "Cubic"}, "a loss's name is made of a-z, 0-9 and '-', found 'Cubic'"),
        ({"name": "a:b"}, "a loss's name is made of a-z, 0-9 and '-', found 'a:b'"),
        ({"name": ""}, "a loss's name is made of"),
        ({"name": 3}, "a loss's name is made of"),
        ({"api": 3}, "loss 'cubic' is written for API version 3, this zoo has 1 to 2"),
        ({"summary": " "}, "loss 'cubic': summary must be a sentence, found ' '"),
        ({"make": "mse"}, "loss 'cubic': make must be callable, found 'mse'"),
        ({"reference": None}, "loss 'cubic': reference must be text, found None"),
        ({"tasks": ()}, "loss 'cubic': tasks must be a tuple of one or more Task, found ()"),
        ({"tasks": ("forecast",)}, "loss 'cubic': tasks must be a tuple of one or more Task, found ('forecast',)"),
        ({"tasks": Task.FORECAST}, "loss 'cubic': tasks must be a tuple of one or more Task"),
        ({"parameters": {"power": 3}}, "loss 'cubic': parameters must be a subclass of Hyperparameters, found {"),
        ({"parameters": int}, "loss 'cubic': parameters must be a subclass of Hyperparameters"),
    ],
)
def test_a_malformed_loss(fields, sentence):
    with pytest.raises(ValueError, match=r".") as caught:
        loss(**fields)
    assert str(caught.value).startswith(sentence)


def test_parameters_are_read_from_text_and_checked():
    cubic = loss(parameters=Power)
    assert cubic.configure({"power": "2.5"}) == Power(power=2.5)
    for values, sentence in (
        ({"power": 1}, "loss 'cubic', parameter 'power': expected greater than 1, found 1"),
        ({"pover": 2}, "loss 'cubic', parameter 'pover' is unknown; did you mean 'power'?"),
    ):
        with pytest.raises(ConfigError) as caught:
            cubic.configure(values)
        assert str(caught.value) == sentence


def test_a_context_may_be_told_less(make_shape):
    context = LossContext(shape=make_shape(), to_original=abs)
    assert (context.deviations, context.class_weights) == (None, None)


def plugin(name: str, returned: str | None = None) -> str:
    returned = returned or f"[Loss(name={name!r}, summary='Sound.', make=object)]"
    return f"""
        from zoo_registry import Loss, hookimpl

        @hookimpl
        def zoo_losses():
            return {returned}
    """


def test_losses_are_collected_and_broken_ones_named(point):
    found = discover_from(
        [
            point("first", plugin("cubic")),
            point("junk", plugin("x", "['cubic']")),
            point("none", plugin("x", "None")),
            point("own", plugin(OWN_LOSS)),
            point("raising", plugin("x", "[][0]")),
            point("taken", plugin("mse")),
            point("twice", plugin("cubic")),
            point("twins", plugin("x", "[Loss(name='twin', summary='Sound.', make=object)] * 2")),
            point("wrong", plugin("A b")),
        ]
    )
    assert list(found.losses) == ["cubic"]
    entry = found.losses["cubic"]
    assert (entry.plugin, entry.distribution, entry.version) == ("first", "outsider", "1.2")
    assert entry.loss.name == "cubic"
    errors = {failure.plugin: failure.error for failure in found.failures}
    expected = {
        "junk": "TypeError: zoo_losses must return a list of Loss, found ['cubic']",
        "none": "TypeError: zoo_losses must return a list of Loss, found None",
        "own": "ValueError: loss 'architecture' is built in; give it another name",
        "raising": "IndexError: list index out of range",
        "taken": "ValueError: loss 'mse' is built in; give it another name",
        "twice": "ValueError: another plugin of this distribution already registers cubic",
        "twins": "ValueError: it registers twin twice",
    }
    assert {name: errors[name] for name in expected} == expected
    assert "a loss's name is made of" in errors["wrong"]
    assert len(errors) == len(expected) + 1


@pytest.mark.parametrize("name", BUILT_IN_LOSSES)
def test_built_in_names_are_reserved(name, point):
    (failure,) = discover_from([point("taken", plugin(name))]).failures
    assert failure.error == f"ValueError: loss '{name}' is built in; give it another name"


def test_a_failure_of_one_hook_leaves_out_all_that_the_plugin_gives(point, healthy):
    both = """
        from zoo_registry import Architecture, Loss, hookimpl

        @hookimpl
        def zoo_architectures():
            return [Architecture(name="mine", summary="Sound.", build=len)]

        @hookimpl
        def zoo_losses():
            return {returned}
    """
    sound = both.format(returned="[Loss(name='mine', summary='Sound.', make=object)]")
    found = discover_from([point("both", sound), healthy("other")])
    assert (list(found.catalogue), list(found.losses), found.failures) == (["mine", "other"], ["mine"], ())
    found = discover_from([point("both", both.format(returned="[3]")), healthy("other")])
    assert (list(found.catalogue), list(found.losses)) == (["other"], [])
    assert len(found.failures) == 1


def test_one_loss_of_two_distributions_has_to_be_qualified(point):
    found = discover_from([point("a", plugin("cubic"), "one"), point("b", plugin("cubic"), "two")])
    assert found.failures == ()
    assert list(found.losses) == ["one:cubic", "two:cubic"]
    assert found.losses["two:cubic"].plugin == "b"
    sentence = "loss 'cubic' is registered by distributions 'one' and 'two'; say one:cubic or two:cubic"
    assert found.losses.ambiguities == [sentence]
    with pytest.raises(UnknownLossError) as caught:
        found.losses["cubic"]
    assert str(caught.value) == sentence
    assert "cubic" not in found.losses


def test_an_unknown_loss_gets_its_close_match(point):
    found = discover_from([point("a", plugin("cubic"))])
    with pytest.raises(UnknownLossError, match="there is no loss 'cubci'; did you mean 'cubic'"):
        found.losses["cubci"]
    assert issubclass(UnknownLossError, ConfigError)
