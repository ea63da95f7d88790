"""Causal convolutions and an LSTM."""

import numpy as np
import pytest

WINDOWS = np.random.default_rng(0).normal(size=(3, 6, 3)).astype(np.float32)


@pytest.mark.parametrize("convolutions", [1, 3])
def test_as_many_convolutions_as_asked_for_that_keep_the_length(convolutions, network, layers_of):
    model = network("cnn-lstm", convolutions=convolutions, filters=7, kernel=2, units=5)
    assert layers_of(model) == ["Conv1D"] * convolutions + ["LSTM 5", "Dense 8", "Reshape"]
    assert [model.get_layer(f"convolution_{depth}").output.shape for depth in range(convolutions)] == [
        (None, 6, 7)
    ] * convolutions


@pytest.mark.parametrize("kernel", [1, 3, 8])  # one that is longer than the window, too
def test_no_convolution_sees_a_later_row_and_each_sees_those_before(kernel, network):
    import keras

    model = network("cnn-lstm", kernel=kernel, convolutions=1, filters=16)
    features = keras.Model(model.input, model.get_layer("convolution_0").output)
    other = WINDOWS.copy()
    other[:, 3] += 10
    differs = (np.asarray(features(WINDOWS)) != np.asarray(features(other))).any(axis=(0, 2))
    assert differs.tolist() == [3 <= row < 3 + kernel for row in range(6)]
