"""LSTM with attention over its states."""

import numpy as np
import pytest

WINDOWS = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)
SCORES = pytest.mark.parametrize("score", ["additive", "dot"])


def parts(model):
    """What the attention reads, its layer, and its output."""
    import keras

    layer = model.get_layer("attention")
    read = keras.Model(model.input, layer._inbound_nodes[0].input_tensors)(WINDOWS)
    return [np.asarray(value) for value in read], layer, np.asarray(keras.Model(model.input, layer.output)(WINDOWS))


@SCORES
def test_the_weights_of_all_states_sum_to_one(score, network):
    read, layer, _ = parts(network("attention", score=score, units=4, layers=2))
    _, weights = layer(read, return_attention_scores=True)
    assert weights.shape == (3, 1, 6)
    assert float(np.min(weights)) > 0
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1, rtol=0, atol=1e-6)


@SCORES
def test_the_mean_is_weighed_as_the_papers_say(score, network):
    model = network("attention", score=score, units=4)
    (query, states, *keys), layer, mean = parts(model)
    if score == "additive":
        matches = (np.tanh(query + keys[0]) * np.asarray(layer.scale)).sum(-1)
    else:
        np.testing.assert_array_equal(query[:, 0], states[:, -1])
        matches = (query * states).sum(-1)
    weights = np.exp(matches) / np.exp(matches).sum(-1, keepdims=True)
    np.testing.assert_allclose(mean[:, 0], (weights[..., None] * states).sum(1), rtol=0, atol=1e-6)


@SCORES
def test_the_head_reads_the_mean_and_the_last_state(score, network):
    import keras

    model = network("attention", score=score, units=4)
    (_, states, *_), _, mean = parts(model)
    both = np.concatenate([mean[:, 0], states[:, -1]], axis=1)
    expected = np.tanh(both @ np.asarray(model.get_layer("combination").kernel))
    found = keras.Model(model.input, model.get_layer("head").input)(WINDOWS)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
