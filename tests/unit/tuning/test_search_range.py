"""Ranges are read, written, and give only values that lie in them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.settings.schema import TrainingConfig
from zoo.tuning.search_range import as_declared, nearest, parse_search, plain_range, read_range, spread
from zoo_registry import Search
from zoo_registry.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("window=24,48", Search.choice(24, 48)),
        ("scaler = robust , standard", Search.choice("robust", "standard")),
        ("context=true,false", Search.choice(True, False)),
        ("schedule=constant|cosine:warmup=5,floor=0.1", Search.choice("constant", "cosine:warmup=5,floor=0.1")),
        ("layers=1..3", Search.int(1, 3)),
        ("units=16..256:log", Search.int(16, 256, log=True)),
        ("units=16..256:step=16", Search.int(16, 256, step=16)),
        ("learning_rate=1e-4..1e-2:log", Search.float(1e-4, 1e-2, log=True)),
        ("stacked.layers=2..3", Search.int(2, 3)),
    ],
)
def test_ranges_as_text(text, expected):
    assert parse_search(text) == (text.partition("=")[0].strip(), expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("window", "NAME=VALUES"),
        ("=3", "NAME=VALUES"),
        ("units=3..x", "LOW..HIGH"),
        ("units=1..3:up", "LOW..HIGH"),
        ("units=9..3", "low up to high"),
        ("units=0..3:log", "a low above 0"),
        ("units=1..3:step=0", "a step above 0"),
        ("units=1..9:log:step=2", "leave one of them out"),
        ("units=1..9:pace=2", "perhaps with log or step"),
        ("dropout=0..inf", "low up to high"),
        ("window=24,24", "each value once"),
        ("window=24,,48", "to choose from"),
    ],
)
def test_what_is_no_range_is_told(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_search(text)


@pytest.mark.parametrize("value", [3, {"low": 1}, {"low": "a", "high": 3}, {"low": True, "high": 3}, [], [[1]], {}])
def test_what_toml_may_not_hold(value):
    with pytest.raises(ConfigError, match="search 'units'"):
        read_range("units", value)


def test_whole_numbers_for_a_field_of_real_ones():
    rate = TrainingConfig.model_fields["learning_rate"]
    assert as_declared(Search.int(0, 1), rate) == Search("float", 0.0, 1.0, None)
    assert as_declared(Search.int(0, 4, step=2), rate).step == 2
    assert as_declared(Search.int(1, 9), TrainingConfig.model_fields["epochs"]) == Search.int(1, 9)


finite = st.floats(1e-6, 1e6)


@st.composite
def ranges(draw: st.DrawFn) -> Search:
    kind = draw(st.sampled_from(["choice", "int", "float"]))
    if kind == "choice":
        return Search.choice(*draw(st.lists(st.integers(-99, 99) | st.text("ab", min_size=1), min_size=1, unique=True)))
    whole = kind == "int"
    low, high = sorted(draw(st.tuples(*[st.integers(1, 500) if whole else finite] * 2)))
    if draw(st.booleans()):
        return Search(kind, low, high, 1 if whole else None, True)
    step = draw(st.none() | (st.integers(1, 50) if whole else st.floats(1e-3, 1e3)))
    return Search(kind, low, high, (step or 1) if whole else step, False)


def lies_in(search: Search, value: object) -> bool:
    if search.kind == "choice":
        return value in search.choices
    steps = 0.0 if search.log or search.step is None else (value - search.low) / search.step
    whole = abs(steps - round(steps)) < 1e-6 * max(1.0, abs(steps))
    return (
        search.low <= value <= search.high * (1 + 1e-12)
        and whole
        and (search.kind == "float") is isinstance(value, float)
    )


@given(search=ranges(), value=st.integers(-1000, 1000) | finite | st.text("abc", min_size=1))
def test_the_nearest_value_lies_in_the_range(search, value):
    if search.kind != "choice" and isinstance(value, str):
        return
    found = nearest(search, value)
    assert lies_in(search, found)
    assert nearest(search, found) == found


@given(search=ranges(), points=st.integers(1, 7))
def test_spread_values_lie_in_the_range_and_none_is_there_twice(search, points):
    found = spread(search, points)
    assert all(lies_in(search, value) for value in found)
    assert len(found) == len(set(found))
    if search.kind == "choice":
        assert found == list(search.choices)
    else:
        assert 1 <= len(found) <= points


@given(search=ranges())
def test_a_range_reads_back_as_it_was(search):
    found = read_range("x", plain_range(search))
    assert (found.kind, found.choices, found.log) == (search.kind, search.choices, search.log)
    assert math.isclose(found.low, search.low)
    assert math.isclose(found.high, search.high)
    if not search.log:
        assert found.step == search.step


def test_a_grid_takes_the_ends_and_what_is_between_them():
    assert spread(Search.float(1e-4, 1e-2, log=True), 3) == pytest.approx([1e-4, 1e-3, 1e-2])
    assert spread(Search.int(1, 3), 3) == [1, 2, 3]
    assert spread(Search.int(1, 2), 5) == [1, 2]
    assert spread(Search.int(16, 64, step=16), 2) == [16, 64]
