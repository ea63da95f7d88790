"""A registry: names, ``distribution:name``, ambiguous names and close matches."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_registry import Architecture, Entry, Registry
from zoo_registry.errors import UnknownArchitectureError, UnknownScalerError, ZooError
from zoo_registry.registry import ARCHITECTURES, SCALERS


def entry(name, distribution="lstm-zoo"):
    architecture = Architecture(name=name, summary="A network.", build=lambda hp, shape: None)
    return Entry(architecture, plugin=name, distribution=distribution, version="1.0")


@pytest.fixture
def catalogue():
    return Registry(ARCHITECTURES, [entry("stacked"), entry("basic"), entry("gru", "outsider")])


@pytest.fixture
def ambiguous():
    return Registry(ARCHITECTURES, [entry("basic"), entry("basic", "outsider"), entry("stacked")])


def complaint(catalogue, name):
    with pytest.raises(UnknownArchitectureError) as caught:
        catalogue[name]
    return str(caught.value)


def test_a_mapping_sorted_by_name(catalogue):
    assert isinstance(catalogue, Mapping)
    assert list(catalogue) == ["basic", "gru", "stacked"]
    assert len(catalogue) == 3
    assert catalogue["gru"].distribution == "outsider"
    assert [name for name, _ in catalogue.items()] == list(catalogue)
    assert catalogue.get("nothing") is None


def test_an_empty_one():
    empty = Registry(ARCHITECTURES, [])
    assert len(empty) == 0
    assert complaint(empty, "basic") == "there is no architecture 'basic'"


def test_a_qualified_name_can_always_be_asked_for(catalogue):
    assert catalogue["lstm-zoo:basic"] is catalogue["basic"]
    assert catalogue["basic"].qualified_name == "lstm-zoo:basic"
    assert "lstm-zoo:basic" in catalogue
    assert catalogue.get("outsider:gru") is catalogue["gru"]


def test_an_unknown_name_gets_its_close_match(catalogue):
    assert complaint(catalogue, "stakced") == "there is no architecture 'stakced'; did you mean 'stacked'?"


def test_an_unknown_name_far_from_all_gets_the_list(catalogue):
    assert complaint(catalogue, "zzz") == "there is no architecture 'zzz'; known are: basic, gru, stacked"


def test_a_hint_never_repeats_a_name():
    with pytest.raises(UnknownScalerError, match=r"^there is no scaler 'standard'; it is built in, .*zoo plugin list$"):
        Registry(SCALERS)["standard"]


@pytest.mark.parametrize("name", ["outsider:basic", "lstm-zoo:gru", ":basic", "basic:", "lstm-zoo:", ":", "", "a:b:c"])
def test_what_no_distribution_registers(catalogue, ambiguous, name):
    assert f"there is no architecture '{name}'" in complaint(catalogue, name)
    if name != "outsider:basic":
        assert f"there is no architecture '{name}'" in complaint(ambiguous, name)


@pytest.mark.parametrize("name", [None, 3, ("basic",)])
def test_what_is_no_name(catalogue, name):
    assert name not in catalogue
    with pytest.raises(KeyError):
        catalogue[name]


def test_the_error_is_a_lookup_error_and_the_zoos(catalogue):
    with pytest.raises(KeyError):
        catalogue["nothing"]
    with pytest.raises(ZooError) as caught:
        catalogue["nothing"]
    assert caught.value.exit_code == 2


def test_an_ambiguous_name_names_both_distributions(ambiguous):
    sentence = "architecture 'basic' is registered by distributions 'lstm-zoo' and 'outsider'; say lstm-zoo:basic or"
    assert complaint(ambiguous, "basic") == f"{sentence} outsider:basic"
    assert ambiguous.ambiguities == [f"{sentence} outsider:basic"]
    assert "basic" not in ambiguous


def test_an_ambiguous_name_is_listed_qualified(ambiguous):
    assert list(ambiguous) == ["lstm-zoo:basic", "outsider:basic", "stacked"]
    assert ambiguous["outsider:basic"].distribution == "outsider"
    assert ambiguous["lstm-zoo:basic"].distribution == "lstm-zoo"
    assert ambiguous["stacked"].distribution == "lstm-zoo"


def test_no_ambiguities(catalogue):
    assert catalogue.ambiguities == []


NAMES = st.sampled_from(["a", "b", "c"])
OWNERS = st.sampled_from(["x", "y", "z"])


@given(pairs=st.sets(st.tuples(OWNERS, NAMES)), asked=st.text("abcxyz:", max_size=4))
def test_nothing_is_lost_and_membership_means_that_it_can_be_asked_for(pairs, asked):
    catalogue = Registry(ARCHITECTURES, [entry(name, owner) for owner, name in sorted(pairs)])
    assert len(catalogue) == len(list(catalogue)) == len(pairs)
    assert {(found.distribution, found.item.name) for found in catalogue.values()} == pairs
    for owner, name in pairs:
        assert catalogue[f"{owner}:{name}"].distribution == owner
    try:
        found = catalogue[asked]
    except UnknownArchitectureError:
        assert asked not in catalogue
    else:
        assert asked in catalogue
        assert asked in (found.item.name, found.qualified_name)
