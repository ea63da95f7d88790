"""Every scaler's four forms agree: scikit-learn, plain numbers, TensorFlow and ONNX; and the round trip."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
import tf2onnx
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.export.formats import OPSET
from zoo.export.operators import HANDLERS
from zoo.preprocessing.preprocessor import Preprocessor
from zoo_plugins.runtimes.tensorflow_session import TensorFlowSession
from zoo_registry import BUILT_IN_SCALERS

LIMIT = 1e-6
MIXED = "mixed"
ROWS = 60


def fitted(scaler: str, columns: np.ndarray) -> Preprocessor:
    chosen = ("huber", {"b": "log", "a": "minmax"}) if scaler == MIXED else (scaler,)
    names = ("a", "b", "c")
    return Preprocessor(*chosen).fit(lambda: [columns], lambda: [columns], names, names, where="table")


@st.composite
def columns(draw: st.DrawFn) -> np.ndarray:
    """Three columns of a deviation near ``unit`` and an offset of at most 1e9 of them."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = 10.0 ** np.array([draw(st.floats(-3, 3)) for _ in range(3)])
    most = draw(st.sampled_from([1, 9]))  # float32 serves at offsets of a few deviations alone
    offset = np.array([draw(st.sampled_from([0, 1, -1])) * 10.0 ** draw(st.floats(-1, most)) for _ in range(3)])
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


def graphs_of(part, dtype):
    """As in the serving graph: the ends in ``dtype``, computed in float64."""

    def forward(raw):
        return {"out": part.forward(keras.ops, tf.cast(raw, tf.float64), "float64")}

    def inverse(scaled):
        return {"out": tf.cast(part.inverse(keras.ops, scaled, "float64"), dtype)}

    return {
        "forward": tf.function(forward, input_signature=[tf.TensorSpec((None, 3), dtype)]),
        "inverse": tf.function(inverse, input_signature=[tf.TensorSpec((None, 3), "float64")]),
    }


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


@pytest.mark.parametrize("scaler", [*(pytest.param(name, marks=pytest.mark.full) for name in BUILT_IN_SCALERS), MIXED])
@given(raw=columns())
@settings(max_examples=20, deadline=None)
def test_saved_models_and_onnx_agree_with_scikit_learn(scaler, raw):
    """Both files, written as the export writes them, and read by the runtimes that serve them."""
    dtype = dtype_of(scaler, raw)
    graphs = graphs_of(fitted(scaler, raw).features_, dtype)
    with tempfile.TemporaryDirectory() as folder:
        archive = keras.export.ExportArchive()
        archive.track(tf.Variable(0.0, trainable=False))
        for name, graph in graphs.items():
            archive.add_endpoint(name, graph, graph.input_signature)
        archive.write_out(folder, verbose=False)
        saved = {name: TensorFlowSession(Path(folder), name) for name in graphs}
    onnx = {name: onnx_session(graph) for name, graph in graphs.items()}
    for runtime in (lambda name, values: saved[name].run(values)["out"], lambda name, values: onnx[name](values)):
        check_agreement(
            scaler,
            raw,
            lambda part, values, run=runtime: run("forward", values),
            lambda part, values, run=runtime: run("inverse", values),
            dtype,
        )


def onnx_session(graph):
    model, _ = tf2onnx.convert.from_function(
        graph, input_signature=graph.input_signature, opset=OPSET, custom_op_handlers=HANDLERS
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (only,) = session.get_inputs()
    return lambda values: session.run(None, {only.name: values})[0]


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
