"""Encoder and decoder."""

import numpy as np
import pytest

from zoo_registry import Task

WINDOWS = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)


@pytest.mark.parametrize("layers", [1, 3])
def test_each_decoding_layer_begins_where_the_encoding_layer_of_its_depth_ended(layers, network):
    import keras

    model = network("encoder-decoder", layers=layers, units=5)
    for depth in range(layers):
        encoder, decoder = (model.get_layer(f"{kind}_{depth}") for kind in ("encoder", "decoder"))
        ended = keras.Model(model.input, encoder.output[1:])(WINDOWS)
        node = decoder._inbound_nodes[0]
        begins = keras.Model(model.input, node.arguments.kwargs["initial_state"])(WINDOWS)
        for one, other in zip(ended, begins, strict=True):
            np.testing.assert_array_equal(one, other)
        assert decoder.output.shape == (None, 4, 5)  # a state for each step of the horizon


def test_a_longer_horizon_begins_with_the_shorter_one(network):
    short, long = (network("encoder-decoder", units=5, horizon=rows) for rows in (3, 17))  # longer than the window, too
    long.set_weights(short.get_weights())
    np.testing.assert_allclose(long(WINDOWS)[:, :3], short(WINDOWS), rtol=0, atol=1e-6)
    assert np.ptp(np.asarray(long(WINDOWS)), axis=1).min() > 1e-4  # steps differ


def test_a_classification_is_decoded_in_one_step(network):
    classes = {"task": Task.CLASSIFY, "horizon": 1, "n_targets": 1, "target_columns": (None,), "classes": 5}
    model = network("encoder-decoder", units=4, **classes)
    assert model.get_layer("decoder_0").output.shape == (None, 1, 4)
    assert model.output_shape == (None, 5)
