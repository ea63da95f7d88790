"""Which layers an architecture stacks, by default and as asked for, and what it prefers in training."""

import pytest

from zoo_registry import TrainingDefaults
from zoo_registry.errors import ConfigError

USUAL = TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32)
HEAD = ["Dense 8", "Reshape"]


@pytest.mark.parametrize("name", ["attention", "basic", "cnn-lstm", "encoder-decoder", "gru", "residual", "stacked"])
def test_usual_training_defaults(name, architecture):
    assert architecture(name).defaults == USUAL
    assert architecture(name).loss is None


def test_the_bidirectional_ones_training_defaults(architecture):
    expected = TrainingDefaults(optimizer="adam", loss="mae", epochs=50, batch_size=64)
    assert architecture("bidirectional").defaults == expected


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("basic", {}, ["LSTM 64"]),
        ("basic", {"units": 7}, ["LSTM 7"]),
        ("custom-loss", {}, ["LSTM 128"]),
        ("bidirectional", {}, ["Bidirectional LSTM 128", "Dropout 0.2", "Bidirectional LSTM 64"]),
        (
            "bidirectional",
            {"units": 5, "second_units": 3, "dropout": 0.4},
            ["Bidirectional LSTM 5", "Dropout 0.4", "Bidirectional LSTM 3"],
        ),
        ("gru", {}, ["GRU 64"] * 2),
        ("gru", {"layers": 1, "units": 3}, ["GRU 3"]),
        ("gru", {"layers": 4, "units": 3}, ["GRU 3"] * 4),
        ("stacked", {}, ["LSTM 64"] * 2),
        ("stacked", {"layers": 5, "units": 3}, ["LSTM 3"] * 5),
    ],
)
def test_layers_and_a_linear_head(name, values, expected, network, layers_of):
    assert layers_of(network(name, **values)) == expected + HEAD


@pytest.mark.parametrize(("name", "layers"), [("basic", 1), ("gru", 4), ("stacked", 3)])
def test_only_the_last_layer_gives_its_last_state_and_each_drops(name, layers, network, recurrent_layers_of):
    recurrent = recurrent_layers_of(network(name, dropout=0.25, **{} if name == "basic" else {"layers": layers}))
    assert [layer.return_sequences for layer in recurrent] == [True] * (layers - 1) + [False]
    assert {layer.dropout for layer in recurrent} == {0.25}
    assert all(getattr(layer, "reset_after", True) for layer in recurrent)


@pytest.mark.parametrize(
    ("name", "layers"), [("gru", 0), ("gru", 17), ("residual", 1), ("residual", 17), ("stacked", 1), ("stacked", 9)]
)
def test_bounds_of_the_layers(name, layers, architecture):
    with pytest.raises(ConfigError, match=f"'layers': .* found {layers}"):
        architecture(name).configure({"layers": layers})


def test_both_directions_are_recurrent_layers_of_one_width_and_drop_nothing_themselves(network):
    model = network("bidirectional", units=5, dropout=0.4)
    _, first, _, second, *_ = model.layers
    assert type(first.forward_layer) is type(first.backward_layer)
    assert (first.forward_layer.units, first.backward_layer.units) == (5, 5)
    assert (first.forward_layer.go_backwards, first.backward_layer.go_backwards) == (False, True)
    assert first.merge_mode == "concat"
    assert first.output.shape == (None, 6, 10)  # both directions of each step of the window
    assert second.output.shape == (None, 128)
    assert [layer.forward_layer.dropout for layer in (first, second)] == [0, 0]  # it lies between the layers alone
