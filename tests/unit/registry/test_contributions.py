"""Scalers, losses and exporters: what a plugin has to give, the hook that gives it, and what becomes of wrong ones."""

from typing import Annotated

import pytest
from pydantic import Field

from zoo_registry import (
    BUILT_IN_LOSSES,
    BUILT_IN_SCALERS,
    OWN_LOSS,
    Exporter,
    Hyperparameters,
    Loss,
    LossContext,
    Scaler,
    Task,
    TensorForm,
)
from zoo_registry.discovery import discover_from
from zoo_registry.errors import ConfigError, ExportError
from zoo_registry.registry import EXPORTERS, LOSSES, SCALERS

SOUND = {
    Scaler: {"name": "cubic", "summary": "Third root.", "make": object},
    Loss: {"name": "cubic", "summary": "Power of the error.", "make": object},
    Exporter: {"name": "cubic", "summary": "Plain numbers.", "write": print},
    TensorForm: {"formula": "raw", "parameters": dict, "forward": max, "inverse": min},
}
GIVEN = {SCALERS: "make=object", LOSSES: "make=object", EXPORTERS: "write=print"}
kinds = pytest.mark.parametrize("kind", GIVEN, ids=lambda kind: kind.plural)


class Power(Hyperparameters):
    power: Annotated[float, Field(gt=1.0, description="power of the error")] = 3.0


def plugin(kind, name, returned=None):
    contract = kind.contract.__name__
    returned = returned or f"[{contract}(name={name!r}, summary='Sound.', {GIVEN[kind]})]"
    return f"""
        from zoo_registry import {contract}, hookimpl

        @hookimpl
        def {kind.hook}():
            return {returned}
    """


def test_what_is_left_out():
    scaler, loss, exporter = (contract(**SOUND[contract]) for contract in (Scaler, Loss, Exporter))
    assert (scaler.form, scaler.portable, scaler.exportable, scaler.api) == (None, None, False, 1)
    assert (loss.reference, loss.parameters, loss.api) == ("", Hyperparameters, 1)
    assert loss.tasks == (Task.FORECAST, Task.REGRESS, Task.ANOMALY)
    assert (exporter.requires, exporter.install, exporter.fixed_batch, exporter.refuses) == ((), "", False, None)
    exporter.require()


@pytest.mark.parametrize(
    ("contract", "field", "value"),
    [
        *(
            (contract, "name", name)
            for contract in (Scaler, Loss, Exporter)
            for name in ("Cubic", "a:b", "../a", "", 3)
        ),
        *((contract, "api", 3) for contract in (Scaler, Loss, Exporter)),
        *((contract, "summary", " ") for contract in (Scaler, Loss, Exporter)),
        (Scaler, "make", None),
        (Scaler, "form", {}),
        (Scaler, "portable", "sklearn"),
        (Loss, "make", "mse"),
        (Loss, "reference", None),
        (Loss, "tasks", ()),
        (Loss, "tasks", (3,)),
        (Loss, "tasks", Task.FORECAST),
        (Loss, "parameters", {"power": 3}),
        (Loss, "parameters", int),
        (Exporter, "write", "flat"),
        (Exporter, "requires", "numpy"),
        (Exporter, "requires", ("",)),
        (Exporter, "install", None),
        (Exporter, "fixed_batch", 1),
        (Exporter, "refuses", "float64"),
        (TensorForm, "formula", " "),
        (TensorForm, "parameters", None),
        (TensorForm, "forward", 3),
        (TensorForm, "inverse", "exp"),
    ],
)
def test_a_wrong_field_is_named(contract, field, value):
    with pytest.raises(ValueError, match=rf"^[^\n]*, field '{field}(\.0)?': [^\n]*$"):
        contract(**(SOUND[contract] | {field: value}))


def test_a_losss_parameters_are_read_from_text_and_checked():
    cubic = Loss(**SOUND[Loss], parameters=Power)
    assert cubic.configure({"power": "2.5"}) == Power(power=2.5)
    for values, told in (({"power": 1}, "'power': expected greater than 1"), ({"pover": 2}, "did you mean 'power'")):
        with pytest.raises(ConfigError, match=f"loss 'cubic', parameter .*{told}"):
            cubic.configure(values)


def test_a_context_may_be_told_less(make_shape):
    context = LossContext(shape=make_shape(), to_original=abs)
    assert (context.deviations, context.class_weights) == (None, None)


@pytest.mark.parametrize(("install", "hint"), [("lstm-zoo[flat]", "lstm-zoo[flat]"), ("", "no-such-thing")])
def test_a_missing_distribution_is_told_with_what_to_install(install, hint):
    Exporter(**SOUND[Exporter], requires=("pluggy",)).require()
    with pytest.raises(ExportError) as caught:
        Exporter(**SOUND[Exporter], requires=("pluggy", "no-such-thing"), install=install).require()
    assert str(caught.value) == (
        f"`formats` cubic: expected the distribution 'no-such-thing', which is missing; run: pip install '{hint}'"
    )


@kinds
def test_contributions_are_collected_and_broken_ones_named(kind, point):
    twins = plugin(kind, "twin").replace(")]", ")] * 2")
    found = discover_from(
        [
            point("first", plugin(kind, "cubic")),
            point("junk", plugin(kind, "x", "['cubic']")),
            point("none", plugin(kind, "x", "None")),
            point("raising", plugin(kind, "x", "[][0]")),
            point("twice", plugin(kind, "cubic")),
            point("twins", twins),
            point("wrong", plugin(kind, "A b")),
        ]
    )
    registry = found.registries[kind.hook]
    assert list(registry) == ["cubic"]
    entry = registry["cubic"]
    assert (entry.plugin, entry.distribution, entry.version) == ("first", "outsider", "1.2")
    assert isinstance(entry.item, kind.contract)
    told = {failure.name: failure.error for failure in found.failures}
    contract = kind.contract.__name__
    assert told.pop("wrong").startswith(f"ValueError: {kind.name} 'A b', field 'name'")
    assert told == {
        "junk": f"TypeError: {kind.hook} must return a list of {contract}, found ['cubic']",
        "none": f"TypeError: {kind.hook} must return a list of {contract}, found None",
        "raising": "IndexError: list index out of range",
        "twice": "ValueError: another plugin of this distribution already registers cubic",
        "twins": "ValueError: it registers twin twice",
    }


@pytest.mark.parametrize(
    ("kind", "name"),
    [*((SCALERS, name) for name in BUILT_IN_SCALERS), *((LOSSES, name) for name in (*BUILT_IN_LOSSES, OWN_LOSS))],
)
def test_built_in_names_are_reserved(kind, name, point):
    (failure,) = discover_from([point("taken", plugin(kind, name))]).failures
    assert failure.error == f"ValueError: {kind.name} '{name}' is built in; give it another name"


@kinds
def test_a_failure_of_one_hook_leaves_out_all_that_the_plugin_gives(kind, point, healthy):
    architecture = """
        from zoo_registry import Architecture

        @hookimpl
        def zoo_architectures():
            return [Architecture(name="mine", summary="Sound.", build=len)]
    """
    found = discover_from([point("both", plugin(kind, "mine") + architecture), healthy("other")])
    assert (list(found.catalogue), list(found.registries[kind.hook])) == (["mine", "other"], ["mine"])
    assert found.failures == ()
    found = discover_from([point("both", plugin(kind, "mine", "[3]") + architecture), healthy("other")])
    assert (list(found.catalogue), list(found.registries[kind.hook])) == (["other"], [])
    assert len(found.failures) == 1


@kinds
def test_a_name_of_two_distributions_has_to_be_qualified_and_an_unknown_one_is_told(kind, point):
    found = discover_from([point("a", plugin(kind, "cubic"), "one"), point("b", plugin(kind, "cubic"), "two")])
    registry = found.registries[kind.hook]
    assert found.failures == ()
    assert list(registry) == ["one:cubic", "two:cubic"]
    assert registry["two:cubic"].plugin == "b"
    sentence = f"{kind.name} 'cubic' is registered by distributions 'one' and 'two'; say one:cubic or two:cubic"
    assert registry.ambiguities == [sentence]
    assert found.warnings == [sentence]
    for name, told in (("cubic", sentence), ("one:cubci", f"there is no {kind.name} 'one:cubci'; did you mean 'one:")):
        with pytest.raises(kind.error) as caught:
            registry[name]
        assert str(caught.value).startswith(told)
    assert issubclass(kind.error, ConfigError)
