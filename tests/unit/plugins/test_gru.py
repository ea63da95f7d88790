"""Stacked GRU."""

import pytest

from zoo_registry import TrainingDefaults
from zoo_registry.errors import ConfigError


def test_training_defaults(architecture):
    assert architecture("gru").defaults == TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_as_many_layers_as_asked_for_and_only_the_last_gives_its_last_state(layers, network, layers_of):
    model = network("gru", layers=layers, units=3, dropout=0.25)
    assert layers_of(model) == ["GRU 3"] * layers + ["Dense 8", "Reshape"]
    recurrent = model.layers[1 : layers + 1]
    assert [layer.return_sequences for layer in recurrent] == [True] * (layers - 1) + [False]
    assert {layer.dropout for layer in recurrent} == {0.25}
    assert all(layer.reset_after for layer in recurrent)


def test_two_layers_by_default(network, layers_of):
    assert layers_of(network("gru"))[:2] == ["GRU 64", "GRU 64"]


@pytest.mark.parametrize("layers", [0, 17])
def test_bounds_of_the_layers(layers, architecture):
    with pytest.raises(ConfigError, match=f"'layers': .* found {layers}"):
        architecture("gru").configure({"layers": layers})
