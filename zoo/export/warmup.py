"""TensorFlow Serving's warm-up requests, which it answers to itself before it takes a version into service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from zoo.outputs import INPUT

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
BATCHES = (1, 8)


def write_warmup(folder: Path, model: str, windows: NDArray[Any]) -> None:
    """Write a request of one window and one of eight, beside ``saved_model.pb`` where the server looks for them.

    The file is a TFRecord of PredictionLog messages. These are written field by field: the package that has them,
    tensorflow-serving-api, brings gRPC along and is needed for nothing else.
    """
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for size in BATCHES:
            file.write(_prediction_log(model, windows[:size]))


def _prediction_log(model: str, windows: NDArray[Any]) -> bytes:
    """A request for these windows; the fields' numbers are those of the files in tensorflow_serving/apis."""
    tensor = tf.make_tensor_proto(windows).SerializeToString()
    model_spec = _field(1, model.encode()) + _field(3, b"serving_default")
    inputs = _field(1, INPUT.encode()) + _field(2, tensor)  # an entry of a map
    predict_request = _field(1, model_spec) + _field(2, inputs)
    predict_log = _field(1, predict_request)
    return _field(6, predict_log)


def _field(number: int, content: bytes) -> bytes:
    """A string, bytes or a message as a field of a protocol buffer."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all bytes but the last have the eighth bit."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
