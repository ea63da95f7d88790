"""The embedded examples."""

import pytest

from zoo.data.readers.examples import EXAMPLES, find_example
from zoo_registry.errors import DataError


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_has_the_columns_that_it_names(name: str):
    example = find_example(f"example:{name}")
    frame = example.load()
    assert {example.target, example.time} <= set(frame.columns)
    rows = len(frame) if example.series is None else frame.groupby(example.series).size().min()
    assert rows * 0.15 > example.horizon
    assert rows * 0.7 > example.window + example.horizon


@pytest.mark.parametrize("source", ["co2", "data/co2.csv", None, 3])
def test_anything_else_is_no_example(source: object):
    assert find_example(source) is None


def test_an_unknown_example_is_told_with_the_close_match():
    with pytest.raises(DataError, match=r"there is no example 'co'; did you mean 'co2'\?"):
        find_example("example:co")
