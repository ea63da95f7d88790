"""TensorFlow Serving's warm-up requests, decoded by messages that are declared here as the server declares them."""

from __future__ import annotations

import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from zoo.bundle.golden import Golden
from zoo.bundle.loading import load_bundle
from zoo.bundle.verification import verify_bundle
from zoo.export.warmup import WARMUP_FILE
from zoo_plugins.runtimes.tensorflow_session import TensorFlowSession

FIELD = descriptor_pb2.FieldDescriptorProto
# message: its fields with number, type, and whether there may be several
MESSAGES = {
    "ModelSpec": {"name": (1, "string"), "signature_name": (3, "string")},
    "Input": {"key": (1, "string"), "value": (2, "tensorflow.TensorProto")},
    "PredictRequest": {"model_spec": (1, "serving.ModelSpec"), "inputs": (2, "serving.Input", True)},
    "PredictLog": {"request": (1, "serving.PredictRequest")},
    "PredictionLog": {"predict_log": (6, "serving.PredictLog")},
}


@pytest.fixture(scope="module")
def prediction_log():
    """The class of the message."""
    declared = descriptor_pb2.FileDescriptorProto(name="serving.proto", package="serving", syntax="proto3")
    declared.dependency.append("tensorflow/core/framework/tensor.proto")
    for name, fields in MESSAGES.items():
        message = declared.message_type.add(name=name)
        for field, (number, kind, *several) in fields.items():
            label = FIELD.LABEL_REPEATED if several else FIELD.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if kind == "string":
                added.type = FIELD.TYPE_STRING
            else:
                added.type, added.type_name = FIELD.TYPE_MESSAGE, f".{kind}"
    pool = descriptor_pool.Default()  # which has TensorFlow's
    pool.AddSerializedFile(declared.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("serving.PredictionLog"))


def test_repair_24_requests_stand_where_the_server_looks(trained, prediction_log, zoo_command, tmp_path):
    done = zoo_command("export", trained.folder, "--name", "warm", "--warmup")
    assert done.exit_code == 0, done.stderr
    bundle = load_bundle(tmp_path / "exported" / "warm" / "1")
    assert (bundle.folder / "saved_model.pb").is_file()
    assert WARMUP_FILE == "assets.extra/tf_serving_warmup_requests"
    assert WARMUP_FILE in bundle.manifest.files

    golden, session = Golden.read(bundle.folder), TensorFlowSession(bundle.folder)
    records = list(tf.data.TFRecordDataset(str(bundle.folder / WARMUP_FILE)).as_numpy_iterator())
    assert len(records) == 2
    for record, size in zip(records, (1, 8), strict=True):
        log = prediction_log.FromString(record)
        assert log.SerializeToString() == record, "nothing stands in it that was not declared"
        request = log.predict_log.request
        assert (request.model_spec.name, request.model_spec.signature_name) == ("warm", "serving_default")
        (given,) = request.inputs
        assert given.key == "window"
        window = tf.make_ndarray(given.value)
        assert (window == golden.window[:size]).all()
        assert window.dtype == golden.window.dtype
        assert session.run(window)["forecast"].shape == golden.outputs["forecast"][:size].shape
    assert all(verdict.passed for verdict in verify_bundle(bundle.folder, ["onnxruntime", "tensorflow"]))


def test_only_on_request(exported):
    assert not (exported.folder / WARMUP_FILE).exists()


def test_warm_up_belongs_to_the_export(zoo_command):
    refused = zoo_command("train", "basic", "--warmup")
    assert refused.exit_code == 2
    assert refused.stderr.splitlines()[-1] == "error: --warmup is for an export, but --export was not given; add it"
