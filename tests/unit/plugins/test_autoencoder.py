"""LSTM autoencoder."""

import numpy as np
import pytest

from zoo_registry import Task, TrainingDefaults

WINDOWS = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model(network):
    return network("autoencoder", units=16, task=Task.ANOMALY, horizon=6)


def test_it_detects_anomalies_alone_and_by_reconstruction(architecture):
    found = architecture("autoencoder")
    assert (found.tasks, found.anomaly) == ((Task.ANOMALY,), "reconstruct")
    assert found.defaults == TrainingDefaults(optimizer="adam", loss="mse", epochs=100, batch_size=32)


def test_the_decoder_writes_the_last_row_first(model):
    import keras

    written = np.asarray(keras.Model(model.input, model.get_layer("head").output)(WINDOWS))
    np.testing.assert_array_equal(model(WINDOWS), written[:, ::-1])


def test_the_decoder_knows_of_the_window_what_the_encoder_remembers(model):
    """With an encoder of weights 0, which remembers nothing, all windows are reconstructed alike."""
    encoder = model.get_layer("encoder")
    kept = encoder.get_weights()
    assert np.ptp(np.asarray(model(WINDOWS)), axis=0).max() > 1e-3
    encoder.set_weights([np.zeros_like(value) for value in kept])
    assert np.ptp(np.asarray(model(WINDOWS)), axis=0).max() == 0
    encoder.set_weights(kept)


@pytest.mark.full
def test_it_learns_to_give_windows_back(model):
    import keras

    targets = WINDOWS[:, :, [0, 2]]
    model.compile(keras.optimizers.Adam(0.02), loss="mse")
    model.fit(WINDOWS, targets, epochs=300, verbose=0)
    assert float(np.square(np.asarray(model(WINDOWS)) - targets).mean()) < 0.05 * targets.var()
