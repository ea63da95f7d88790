"""Each of Keras' activations and common layers is exported, or told by name."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers, ops

from zoo.export.formats import write_onnx
from zoo.export.graph import Served
from zoo.export.inference import inference_network
from zoo.inference.answers import Answers
from zoo.outputs import FORECAST, INPUT
from zoo.settings.schema import DataConfig
from zoo.tasks import find_task
from zoo_registry.errors import ExportError

WINDOW, FEATURES = 8, 4
CONFIG = DataConfig(window=WINDOW, horizon=1)
ANSWERS = Answers(find_task("forecast").state(CONFIG, [f"x{number}" for number in range(FEATURES)], ["y"]))
SCALED = SimpleNamespace(units="scaled")  # nothing stands around the network
ACTIVATIONS = sorted(
    name
    for name in dir(keras.activations)
    if name[0] != "_" and name not in ("deserialize", "get", "serialize", "threshold")  # the last takes two numbers
)


def flat(x):
    return layers.Flatten()(x)


LAYERS = {
    "convolutions": [
        lambda x: layers.Conv1D(3, 3, padding="causal", dilation_rate=2, activation="gelu")(x),
        lambda x: layers.SeparableConv1D(3, 3)(x),
        lambda x: layers.DepthwiseConv1D(3)(x),
        lambda x: layers.Conv1DTranspose(3, 3, strides=2)(x),
        lambda x: layers.Conv2D(2, 2)(x[..., None]),
        lambda x: layers.MaxPooling1D(2)(x),
        lambda x: layers.AveragePooling1D(2)(x),
        lambda x: layers.GlobalMaxPooling1D()(x),
        lambda x: layers.GlobalAveragePooling1D()(x),
        lambda x: layers.UpSampling1D(2)(layers.Cropping1D(1)(layers.ZeroPadding1D(2)(x))),
    ],
    "normalization": [
        lambda x: layers.BatchNormalization()(x),
        lambda x: layers.LayerNormalization()(x),
        lambda x: layers.GroupNormalization(2)(x),
        lambda x: layers.RMSNormalization()(x),
        lambda x: layers.UnitNormalization()(x),
        lambda x: layers.Normalization(mean=[1.0] * FEATURES, variance=[2.0] * FEATURES)(x),
        lambda x: layers.Rescaling(2.0, 1.0)(x) * ops.linspace(0.0, 1.0, FEATURES),
        lambda x: layers.SpatialDropout1D(0.1)(layers.GaussianNoise(0.1)(layers.Dropout(0.1)(x))),
        lambda x: ops.log1p(ops.abs(x)) + ops.expm1(x) + ops.erf(x),
    ],
    "dense": [
        lambda x: layers.Dense(3)(x),
        lambda x: layers.EinsumDense("abc,cd->abd", (None, 3))(x),
        lambda x: layers.TimeDistributed(layers.Dense(3))(x),
        lambda x: layers.PReLU()(layers.LeakyReLU()(layers.ELU()(layers.ReLU(6.0)(layers.Softmax()(x))))),
        lambda x: layers.Embedding(9, 3)(ops.cast(ops.clip(ops.abs(x), 0, 8), "int32")),
        lambda x: layers.Permute((2, 1))(layers.RepeatVector(3)(flat(x))),
        lambda x: layers.Concatenate()([x, layers.Maximum()([x, -x]), layers.Multiply()([x, x])]),
        lambda x: layers.Dot(2)([x, x]),
    ],
    "attention": [
        lambda x: layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True),
        lambda x: layers.Attention()([x, x]),
        lambda x: layers.AdditiveAttention()([x, x]),
    ],
    "recurrence": [
        lambda x: layers.LSTM(3)(x),
        lambda x: layers.GRU(3)(x),
        lambda x: layers.Bidirectional(layers.LSTM(3, activation="gelu", return_sequences=True))(x),
        lambda x: layers.SimpleRNN(3)(layers.Masking()(x)),
    ],
}


@pytest.fixture
def exported(tmp_path):
    """``exported(branches)``: what ONNX and Keras make of one network of them, side by side."""

    def export(branches):
        inputs = keras.Input((WINDOW, FEATURES))
        joined = layers.Concatenate()([flat(branch(inputs)) for branch in branches])
        network = inference_network(keras.Model(inputs, joined[:, None]))
        write_onnx(Served(network, SCALED, ANSWERS, (WINDOW, FEATURES)), "float32", tmp_path)
        windows = np.random.default_rng(0).normal(size=(5, WINDOW, FEATURES)).astype(np.float32)
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        return session.run([FORECAST], {INPUT: windows})[0], np.asarray(network(windows, training=False))

    return export


def assert_equal(found):
    onnx, expected = found
    np.testing.assert_allclose(onnx, expected, rtol=1e-5, atol=1e-5)


def test_repair_04_every_activation_is_exported(exported):
    assert {"gelu", "celu", "silu"} < set(ACTIVATIONS)
    assert_equal(exported([layers.Dense(4, activation=name) for name in ACTIVATIONS]))


@pytest.mark.full
@pytest.mark.parametrize("kind", LAYERS)
def test_repair_04_every_common_layer_is_exported(kind, exported):
    assert_equal(exported(LAYERS[kind]))


REFUSED = {
    "discretization": (
        lambda x: layers.Discretization([-1.0, 0.0])(x),
        "layer 'discretization' (Discretization) cannot be exported: ONNX has nothing for TensorFlow's Bucketize; take"
        " comparisons with the bounds",
    ),
    "groups": (lambda x: layers.Conv1D(4, 3, groups=2)(x), "(Conv1D) cannot be exported: .*take groups=1"),
    "argmax": (
        lambda x: ops.cast(ops.argmax(x, axis=1), "float32"),
        "an operation of the network cannot be exported: .*Bitcast; take keras.ops.top_k",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_repair_04_what_onnx_lacks_is_told_by_its_layer(kind, exported):
    branch, told = REFUSED[kind]
    keras.utils.clear_session()
    with pytest.raises(ExportError, match=told.replace("(", r"\(").replace(")", r"\)")):
        exported([lambda x: layers.Dense(3)(x), branch])
