"""Every scaler's four forms agree: scikit-learn, plain numbers, TensorFlow and ONNX; and the round trip."""

from __future__ import annotations

import keras
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import tensorflow as tf
import tf2onnx
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.export.formats import OP_HANDLERS, OPSET
from zoo.preprocessing.preprocessor import Preprocessor
from zoo_registry import BUILT_IN_SCALERS

LIMIT = 1e-6
MIXED = "mixed"
ROWS = 60


def fitted(scaler: str, columns: np.ndarray) -> Preprocessor:
    frame = pd.DataFrame(columns, columns=["a", "b", "c"])
    if scaler == MIXED:
        return Preprocessor("huber", {"b": "log", "a": "minmax"}).fit(frame, frame)
    return Preprocessor(scaler).fit(frame, frame)


@st.composite
def columns(draw: st.DrawFn) -> np.ndarray:
    """Three columns of a deviation near ``unit`` and an offset of at most 1e9 of them."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = 10.0 ** np.array([draw(st.floats(-3, 3)) for _ in range(3)])
    offset = np.array([draw(st.sampled_from([0, 1, -1])) * 10.0 ** draw(st.floats(-1, 9)) for _ in range(3)])
    noise = draw(st.sampled_from([random.normal, random.standard_t, random.uniform]))
    made = noise(4, size=(ROWS, 3)) if noise == random.standard_t else noise(size=(ROWS, 3))
    made = (made - made.mean(axis=0)) / made.std(axis=0)
    return unit * (offset * 0.99 + made)  # 0.99: some values lie beyond the offset


def check_agreement(scaler: str, raw: np.ndarray, forward, inverse, dtype: str) -> None:
    """``forward`` and ``inverse`` against scikit-learn; a float64 logarithm has no finer steps than its own spacing."""
    part = fitted(scaler, raw).features_
    assert part.needs_float64() == (dtype == "float64")
    ends = raw.astype(dtype)
    scaled, deviation = part.scale(ends), part.scaled_deviation
    found = np.asarray(forward(part, ends))
    assert (np.abs(found - scaled) <= LIMIT * deviation + 4 * np.spacing(np.abs(scaled))).all()
    back, expected = np.asarray(inverse(part, scaled)), part.inverse_transform(scaled)
    logarithm = np.array([name == "log" for name in part.scalers])
    limit = LIMIT * np.maximum(part.deviation, logarithm * np.abs(expected))
    assert (np.abs(back - expected) <= limit).all()
    assert (np.abs(np.asarray(inverse(part, found)) - ends) <= limit).all(), "the round trip"
    assert (np.abs(part.inverse_transform(part.scale(raw)) - raw) <= limit).all()


def graph_forward(part, dtype):
    """As in the serving graph: the input in ``dtype``, computed in float64."""

    def forward(raw):
        return part.forward(keras.ops, tf.cast(raw, tf.float64), "float64")

    return tf.function(forward, input_signature=[tf.TensorSpec((None, 3), dtype)])


def graph_inverse(part, dtype):
    def inverse(scaled):
        return tf.cast(part.inverse(keras.ops, scaled, "float64"), dtype)

    return tf.function(inverse, input_signature=[tf.TensorSpec((None, 3), "float64")])


def dtype_of(scaler: str, raw: np.ndarray) -> str:
    return "float64" if fitted(scaler, raw).features_.needs_float64() else "float32"


@pytest.mark.parametrize("scaler", [*BUILT_IN_SCALERS, MIXED])
@given(raw=columns())
@settings(max_examples=15, deadline=None)
def test_plain_numbers_agree_with_scikit_learn(scaler, raw):
    dtype = dtype_of(scaler, raw)
    check_agreement(
        scaler,
        raw,
        lambda part, values: part.forward(np, values.astype(np.float64), "float64"),
        lambda part, values: part.inverse(np, values, "float64").astype(dtype),
        dtype,
    )


@pytest.mark.parametrize("scaler", [*BUILT_IN_SCALERS, MIXED])
@given(raw=columns())
@settings(max_examples=4, deadline=None)
def test_tensorflow_agrees_with_scikit_learn(scaler, raw):
    dtype = dtype_of(scaler, raw)
    check_agreement(
        scaler,
        raw,
        lambda part, values: graph_forward(part, dtype)(values),
        lambda part, values: graph_inverse(part, dtype)(values),
        dtype,
    )


@pytest.mark.parametrize("offset", [0.0, 3.0, 1e9])
@pytest.mark.parametrize("scaler", [*BUILT_IN_SCALERS, MIXED])
def test_onnx_agrees_with_scikit_learn(scaler, offset):
    raw = np.random.default_rng(0).normal(offset, 1.0, size=(ROWS, 3)) * [1e-2, 1.0, 1e3]
    dtype = dtype_of(scaler, raw)
    assert dtype == ("float64" if offset == 1e9 else "float32")

    def run(function, values):
        model, _ = tf2onnx.convert.from_function(
            function, input_signature=function.input_signature, opset=OPSET, custom_op_handlers=OP_HANDLERS
        )
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (only,) = session.get_inputs()
        return session.run(None, {only.name: values})[0]

    check_agreement(
        scaler,
        raw,
        lambda part, values: run(graph_forward(part, dtype), values),
        lambda part, values: run(graph_inverse(part, dtype), values),
        dtype,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaler", [*BUILT_IN_SCALERS, MIXED])
def test_a_form_keeps_the_tensors_dtype(scaler, dtype):
    raw = np.random.default_rng(0).normal(2.0, 1.0, size=(ROWS, 3)).astype(dtype)
    part = fitted(scaler, raw.astype(np.float64)).features_
    scaled = part.forward(keras.ops, tf.constant(raw), dtype)
    assert scaled.dtype == dtype
    back = part.inverse(keras.ops, scaled, dtype)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, raw, atol=5e-6)
