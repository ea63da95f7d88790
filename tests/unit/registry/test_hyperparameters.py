"""Hyperparameters: one declaration gives validation, search ranges and a JSON Schema."""

import math
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from zoo_registry import (
    L1,
    Dropout,
    Hyperparameters,
    Layers,
    RecurrentDropout,
    RecurrentHyperparameters,
    Search,
    Units,
)
from zoo_registry.errors import ConfigError, UnknownLossError
from zoo_registry.hyperparameters import validated


class Wider(RecurrentHyperparameters):
    units: Units = 128
    kernel: Annotated[str, Field(description="kernel"), Search.choice("small", "large")] = "small"
    note: str = ""


def configured(values, model=RecurrentHyperparameters):
    return validated(model, values, "hyperparameter")


def complaint(values, model=RecurrentHyperparameters):
    with pytest.raises(ConfigError) as caught:
        configured(values, model)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"unit": 3}, ["hyperparameter 'unit' is unknown; did you mean 'units'?"]),
        ({"zzz": 3}, ["known are: dropout, l1, l2, recurrent_dropout, units"]),
        ({"units": 0}, ["'units': expected greater than or equal to 1, found 0"]),
        ({"units": 4097}, ["'units': expected less than or equal to 4096, found 4097"]),
        ({"units": 2.5}, ["'units'", "found 2.5"]),
        ({"units": "many"}, ["'units': expected a valid integer, found 'm"]),
        ({"units": None}, ["'units'", "found None"]),
        ({"dropout": 1.0}, ["'dropout': expected less than 1, found 1.0"]),
        ({"recurrent_dropout": 1}, ["'recurrent_dropout': expected less than 1, found 1"]),
        ({"recurrent_dropout": -0.1}, ["'recurrent_dropout': expected greater than or equal to 0, found -0.1"]),
        ({"l1": -1}, ["'l1': expected greater than or equal to 0, found -1"]),
        ({"l2": "inf"}, ["'l2': expected a finite number, found 'inf'"]),
        ({"l1": math.nan}, ["'l1': expected a finite number, found nan"]),
        ({"units": 0, "drop": 1}, ["'units'", "; hyperparameter 'drop' is unknown"]),
    ],
)
def test_what_is_wrong_is_told_with_its_bound(values, words):
    told = complaint(values)
    assert all(word in told for word in words)


class Inner(Hyperparameters):
    steps: int = 1


class Outer(Hyperparameters):
    inner: Inner = Inner()
    stepz: int = 1


class Broken(Hyperparameters):
    units: Units = 0


class Required(Hyperparameters):
    kernel: int


class Spelled(Hyperparameters):
    pooling: Annotated[str, Field(pattern="^(mean|max)$")] = "mean"


class Refusing(RecurrentHyperparameters):
    units: Units = 1

    @model_validator(mode="after")
    def _refuse(self):
        raise UnknownLossError("there is no loss 'x'") if self.units == 1 else ValueError("no multiple of heads")


@pytest.mark.parametrize(
    ("model", "values", "kind", "sentence"),
    [
        (Required, {}, ConfigError, "hyperparameter 'kernel' is required"),
        (Broken, {}, ConfigError, "hyperparameter 'units': expected greater than or equal to 1, found 0"),
        (
            Spelled,
            {"pooling": "sum"},
            ConfigError,
            "hyperparameter 'pooling': String should match pattern '^(mean|max)$', found 'sum'",
        ),
        (Outer, {"inner": {"stepz": 2}}, ConfigError, "hyperparameter 'inner.stepz' is unknown"),
        (Refusing, {"units": 2}, ConfigError, "hyperparameter: no multiple of heads"),
        (Refusing, {}, UnknownLossError, "there is no loss 'x'"),
    ],
)
def test_repair_26_a_validators_own_error_stays_what_it_is(model, values, kind, sentence):
    with pytest.raises(kind) as told:
        configured(values, model)
    assert (type(told.value), str(told.value)) == (kind, sentence)


def test_frozen():
    hp = configured({})
    with pytest.raises(ValidationError, match="frozen"):
        hp.units = 3
    assert hp == configured({})
    assert hash(hp) == hash(configured({}))


def test_redeclaring_with_the_alias_keeps_bounds_description_and_range():
    assert configured({}, Wider).units == 128
    assert "greater than or equal to 1" in complaint({"units": 0}, Wider)
    schema = Wider.model_json_schema()["properties"]["units"]
    expected = RecurrentHyperparameters.model_json_schema()["properties"]["units"] | {"default": 128}
    assert schema == expected
    assert Wider.search_space()["units"] == RecurrentHyperparameters.search_space()["units"]


def test_search_space():
    assert RecurrentHyperparameters.search_space() == {
        "units": Search.int(16, 256, log=True),
        "dropout": Search.float(0.0, 0.5),
        "recurrent_dropout": Search.float(0.0, 0.5),
        "l1": Search.float(1e-8, 1e-3, log=True),
        "l2": Search.float(1e-8, 1e-3, log=True),
    }
    assert Wider.search_space()["kernel"].choices == ("small", "large")
    assert "note" not in Wider.search_space()


@pytest.mark.parametrize("alias", [Units, Layers, Dropout, RecurrentDropout, L1])
def test_every_alias_has_bounds_a_description_and_a_range_within_the_bounds(alias):
    class Model(Hyperparameters):
        value: alias

    field = Model.model_json_schema()["properties"]["value"]
    assert field["description"]
    assert "minimum" in field
    search = Model.search_space()["value"]
    for end in (search.low, search.high):
        assert configured({"value": end}, Model).value == end


@given(dropout=st.floats() | st.floats(-0.5, 1.5), l2=st.floats() | st.floats(-1e-3, 1))
def test_a_float_is_taken_just_where_it_is_finite_and_within_the_bounds(dropout, l2):
    sound = 0 <= dropout < 1 and 0 <= l2 < math.inf
    try:
        hp = configured({"dropout": dropout, "l2": l2})
    except ConfigError:
        assert not sound
    else:
        assert sound
        assert (hp.dropout, hp.l2) == (dropout, l2)


@given(units=st.integers(), text=st.booleans())
def test_a_whole_number_is_taken_just_where_it_is_within_the_bounds(units, text):
    try:
        hp = configured({"units": str(units) if text else units})
    except ConfigError:
        assert not 1 <= units <= 4096
    else:
        assert hp.units == units
        assert 1 <= units <= 4096
