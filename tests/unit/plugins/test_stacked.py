"""Stacked LSTM."""

import pytest

from zoo_registry import TrainingDefaults
from zoo_registry.errors import ConfigError


def test_training_defaults(architecture):
    assert architecture("stacked").defaults == TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32)


def test_two_layers_by_default(network, layers_of):
    assert layers_of(network("stacked")) == ["LSTM 64", "LSTM 64", "Dense 8", "Reshape"]


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_as_many_layers_as_asked_for_and_only_the_last_gives_its_last_state(layers, network, layers_of):
    model = network("stacked", layers=layers, units=3, dropout=0.25)
    assert layers_of(model) == ["LSTM 3"] * layers + ["Dense 8", "Reshape"]
    recurrent = model.layers[1 : layers + 1]
    assert [layer.return_sequences for layer in recurrent] == [True] * (layers - 1) + [False]
    assert {layer.dropout for layer in recurrent} == {0.25}


@pytest.mark.parametrize("layers", [1, 9])
def test_bounds_of_the_layers(layers, architecture):
    with pytest.raises(ConfigError, match=f"'layers': .* found {layers}"):
        architecture("stacked").configure({"layers": layers})
