"""Basic LSTM."""

from zoo_registry import TrainingDefaults


def test_training_defaults(architecture):
    assert architecture("basic").defaults == TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32)
    assert architecture("basic").loss is None


def test_one_recurrent_layer_of_64_units_and_a_linear_head(network, layers_of):
    assert layers_of(network("basic")) == ["LSTM 64", "Dense 8", "Reshape"]


def test_units_and_dropout(network, layers_of):
    model = network("basic", units=7, dropout=0.25)
    assert layers_of(model) == ["LSTM 7", "Dense 8", "Reshape"]
    assert model.layers[1].dropout == 0.25
