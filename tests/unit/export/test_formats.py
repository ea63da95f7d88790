"""Names, types and operators of both formats, and the converters' habits that the export is built around."""

from __future__ import annotations

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
import tf2onnx
from tensorflow.core.protobuf import saved_model_pb2

from zoo.export.formats import OPSET, write_onnx, write_saved_model
from zoo.export.inference import inference_network
from zoo_plugins.runtimes.tensorflow_session import TensorFlowSession
from zoo_registry.errors import ExportError

TYPES = {"float32": onnx.TensorProto.FLOAT, "float64": onnx.TensorProto.DOUBLE}


@pytest.fixture(scope="module")
def bundles(exported, wide):
    """A float32 and a float64 bundle."""
    return {"float32": exported, "float64": wide[1]}


@pytest.mark.parametrize("dtype", TYPES)
def test_onnx_has_one_input_and_one_output(bundles, dtype):
    bundle = bundles[dtype]
    problem = bundle.manifest.problem
    model = onnx.load(bundle.folder / "model.onnx")
    for name, tensors, shape in (
        ("window", model.graph.input, (problem.window, len(problem.features))),
        ("forecast", model.graph.output, (problem.horizon, len(problem.targets))),
    ):
        (tensor,) = tensors
        assert tensor.name == name
        assert tensor.type.tensor_type.elem_type == TYPES[dtype]
        batch, *rest = tensor.type.tensor_type.shape.dim
        assert batch.dim_param == "batch"
        assert tuple(dim.dim_value for dim in rest) == shape


@pytest.mark.parametrize("dtype", TYPES)
def test_onnx_is_one_native_portable_file(bundles, dtype):
    bundle = bundles[dtype]
    model = onnx.load(bundle.folder / "model.onnx", load_external_data=False)
    assert {part.domain: part.version for part in model.opset_import}[""] == 18
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("LSTM") == 1
    assert not {"Loop", "Scan", "If"} & set(operators)
    assert bundle.manifest.onnx.opset == 18
    assert bundle.manifest.onnx.operators == {name: operators.count(name) for name in sorted(set(operators))}


@pytest.mark.parametrize("dtype", TYPES)
def test_signatures_of_the_saved_model(bundles, dtype):
    bundle = bundles[dtype]
    problem = bundle.manifest.problem
    saved = saved_model_pb2.SavedModel.FromString((bundle.folder / "saved_model.pb").read_bytes())
    (graph,) = saved.meta_graphs
    assert list(graph.meta_info_def.tags) == ["serve"]
    assert {name for name in graph.signature_def if not name.startswith("__")} == {"serving_default", "scaled"}
    for name, expected in (("serving_default", dtype), ("scaled", "float32")):
        signature = graph.signature_def[name]
        for end, tensors, shape in (
            ("window", signature.inputs, [-1, problem.window, len(problem.features)]),
            ("forecast", signature.outputs, [-1, problem.horizon, len(problem.targets)]),
        ):
            assert list(tensors) == [end]
            assert tf.as_dtype(tensors[end].dtype) == expected
            assert [dim.size for dim in tensors[end].tensor_shape.dim] == shape


def several(shape, *stack):
    x = window = keras.Input(shape.input)
    for layer in stack:
        x = layer(x)
    x = keras.layers.Dense(shape.horizon * shape.n_targets)(x)
    return keras.Model(window, keras.layers.Reshape(shape.output)(x))


def two_layers(hp, shape):
    both = keras.layers.Bidirectional(keras.layers.LSTM(2, recurrent_dropout=0.2, return_sequences=True))
    return several(shape, both, keras.layers.LSTM(2, recurrent_dropout=0.2))


def swish(hp, shape):
    return several(shape, keras.layers.GRU(2, activation="swish"))


def gru(hp, shape):
    return several(shape, keras.layers.Bidirectional(keras.layers.GRU(2, recurrent_dropout=0.2, dropout=0.1)))


def normalized(hp, shape):
    return several(shape, keras.layers.Normalization(mean=[0.0, 0.0], variance=[1.0, 1.0]), keras.layers.LSTM(2))


def odd_names(hp, shape):
    named = [keras.layers.LSTM(2, name="forecast"), keras.layers.Dense(3, name="window")]
    return several(shape, *named)


def test_recurrent_dropout_stays_out_of_the_file(make_trained, served, series, tmp_path):
    trained = make_trained(series, two_layers)
    as_trained = write_onnx(served(trained), "float32", tmp_path)
    assert as_trained["operators"]["Loop"] == 3, "which is why a copy without it is exported"
    written = write_onnx(served(trained, inference_network(trained.network)), "float32", tmp_path)
    assert written["operators"]["LSTM"] == 2, "one for both directions, one for the second layer"
    assert "Loop" not in written["operators"]


def test_gru_is_native_in_onnx_and_plain_in_the_saved_model(make_trained, served, series, tmp_path):
    trained = make_trained(series, gru)
    both = served(trained, inference_network(trained.network))
    written = write_onnx(both, "float32", tmp_path)
    assert written["operators"]["GRU"] == 2
    assert "Loop" not in written["operators"]
    write_saved_model(both, "float32", tmp_path)
    saved = saved_model_pb2.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    operations = {node.op for function in functions for node in function.node_def}
    assert "PyFunc" not in operations, "the stand-in is for ONNX alone"
    window = series[["load", "temperature"]].to_numpy(np.float32)[None, :8]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (forecast,) = session.run(["forecast"], {"window": window})
    difference = np.abs(forecast - TensorFlowSession(tmp_path).run(window)["forecast"]).max()
    assert difference <= 1e-5 * trained.preprocessor.targets_.deviation.min()


def test_operators_inside_a_loop_are_counted(make_trained, served, series, tmp_path):
    trained = make_trained(series, swish)
    written = write_onnx(served(trained), "float32", tmp_path)
    (loop,) = (node for node in onnx.load(tmp_path / "model.onnx").graph.node if node.op_type == "Loop")
    assert written["operators"]["Loop"] == 1, "ONNX has no such recurrent layer"
    (body,) = (attribute.g for attribute in loop.attribute if attribute.name == "body")
    inner = [node.op_type for node in body.node]
    assert written["operators"]["Sigmoid"] == inner.count("Sigmoid") > 0


@pytest.mark.parametrize("build", [odd_names, normalized])
def test_layers_may_have_the_ends_names_and_constants(make_trained, served, series, tmp_path, build):
    write_onnx(served(make_trained(series, build)), "float32", tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [tensor.name for tensor in session.get_inputs()] == ["window"]
    assert [tensor.name for tensor in session.get_outputs()] == ["forecast"]


def test_what_the_conversion_raises_is_told(make_trained, served, series, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise KeyError("functional_1/dense_1/Odd has no shape")

    monkeypatch.setattr("tf2onnx.convert.from_function", fail)
    trained = make_trained(series, odd_names)
    with pytest.raises(ExportError, match=r"^the network cannot be converted to ONNX: KeyError: .*; take other layers"):
        write_onnx(served(trained), "float32", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_18_is_the_highest_opset_of_the_converter():
    """Why the opset is 18; once this fails, it can go up."""
    with pytest.raises(ValueError, match="Opset 19 is not supported"):
        tf2onnx.convert.from_function(tf.function(tf.identity), [tf.TensorSpec((None, 4))], opset=OPSET + 1)


def test_the_session_loader_reads_both_signatures(make_trained, served, series, tmp_path):
    trained = make_trained(series)
    write_saved_model(served(trained, inference_network(trained.network)), "float32", tmp_path)
    raw = series[["load", "temperature"]].to_numpy(np.float32)[None, :8]
    scaled = trained.preprocessor.features_.transform(raw)
    expected = trained.network(scaled).numpy()
    targets = trained.preprocessor.targets_
    np.testing.assert_allclose(TensorFlowSession(tmp_path, "scaled").run(scaled)["forecast"], expected, atol=1e-6)
    served = TensorFlowSession(tmp_path).run(raw)["forecast"]
    assert np.abs(served - targets.inverse_transform(expected)).max() <= 1e-5 * targets.deviation.min()


def test_repair_28_no_function_is_rewritten(make_trained, served, series, rewritten, tmp_path):
    trained = make_trained(series)
    write_onnx(served(trained, inference_network(trained.network)), "float32", tmp_path)
    assert rewritten == []
