"""Bidirectional LSTM."""

from zoo_registry import TrainingDefaults


def test_training_defaults(architecture):
    expected = TrainingDefaults(optimizer="adam", loss="mae", epochs=50, batch_size=64)
    assert architecture("bidirectional").defaults == expected


def test_128_then_dropout_then_64_by_default(network, layers_of):
    model = network("bidirectional")
    assert layers_of(model) == ["Bidirectional LSTM 128", "Dropout 0.2", "Bidirectional LSTM 64", "Dense 8", "Reshape"]
    _, first, _, second, *_ = model.layers
    assert first.output.shape == (None, 6, 256)  # both directions of each step of the window
    assert second.output.shape == (None, 128)


def test_both_directions_are_recurrent_layers_of_one_width(network):
    first = network("bidirectional", units=5).layers[1]
    assert type(first.forward_layer) is type(first.backward_layer)
    assert (first.forward_layer.units, first.backward_layer.units) == (5, 5)
    assert (first.forward_layer.go_backwards, first.backward_layer.go_backwards) == (False, True)
    assert first.merge_mode == "concat"


def test_widths_and_dropout(network, layers_of):
    model = network("bidirectional", units=5, second_units=3, dropout=0.4)
    assert layers_of(model)[:3] == ["Bidirectional LSTM 5", "Dropout 0.4", "Bidirectional LSTM 3"]
    assert [model.layers[i].forward_layer.dropout for i in (1, 3)] == [0, 0]  # it lies between the layers alone
