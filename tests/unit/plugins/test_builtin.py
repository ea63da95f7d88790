"""What holds for every built-in architecture: its entry point, and what it takes from a user."""

import pkgutil
from importlib.metadata import entry_points

import numpy as np
import pytest

import zoo_plugins
from zoo_registry import RecurrentHyperparameters, Task, discover

BUILT_IN = {name: entry.item for name, entry in discover().catalogue.items() if entry.distribution == "lstm-zoo"}
ALL = sorted(BUILT_IN)
RECURRENT = [name for name in ALL if "recurrent_dropout" in BUILT_IN[name].hyperparameters.model_fields]


def test_each_module_has_its_entry_point_and_each_entry_point_its_module():
    found = [module.name for module in pkgutil.walk_packages(zoo_plugins.__path__, "zoo_plugins.")]
    one_for_all = ("losses", "runtimes", "scalers")
    modules = [f"zoo_plugins.{kind}" for kind in one_for_all]
    modules += [name for name in found if name.count(".") == 2 and name.split(".")[1] not in one_for_all]
    points = [point.value for point in entry_points(group="zoo") if point.dist.name == "lstm-zoo"]
    assert sorted(points) == sorted(modules)


def test_each_entry_point_contributes():
    points = {point.name for point in entry_points(group="zoo") if point.dist.name == "lstm-zoo"}
    entries = [entry for registry in discover().registries.values() for entry in registry.values()]
    assert {entry.plugin for entry in entries if entry.distribution == "lstm-zoo"} == points
    assert {"basic", "gru"} < set(RECURRENT) < set(ALL)


def test_none_is_broken():
    assert [failure for failure in discover().failures if failure.distribution == "lstm-zoo"] == []


@pytest.mark.parametrize("name", ALL)
def test_each_tells_what_a_user_wants_to_know(name, architecture):
    found = architecture(name)
    assert found.name == name
    assert found.summary.endswith(".")
    assert found.reference
    assert set(found.tasks) == ({Task.ANOMALY} if name == "autoencoder" else set(Task))


@pytest.mark.parametrize("name", RECURRENT)
def test_the_recurrent_hyperparameters_keep_their_bounds(name, architecture):
    model = architecture(name).hyperparameters
    properties = model.model_json_schema()["properties"]
    common = RecurrentHyperparameters.model_json_schema()["properties"]
    assert list(common) == ["units", "dropout", "recurrent_dropout", "l1", "l2"]
    for field, declared in common.items():
        for kept in ("minimum", "maximum", "exclusiveMaximum", "type"):
            assert properties[field].get(kept) == declared.get(kept)
        assert properties[field]["description"]
    assert set(model.search_space()) == set(properties)


@pytest.mark.parametrize("name", RECURRENT)
def test_the_network_maps_the_shape_without_a_bound_on_its_values(name, architecture, network, shape):
    model = network(name, **architecture(name).tiny)
    assert model.input_shape == (None, *shape.input)
    assert model.output_shape == (None, *shape.output)
    kernel, bias = model.get_layer("head").get_weights()
    for beyond in (1e6, -1e6):  # what a sigmoid, tanh or relu would cut
        model.get_layer("head").set_weights([kernel, bias + beyond])
        np.testing.assert_allclose(model(np.zeros((2, *shape.input), "float32")), beyond, rtol=1e-3)
