"""LiteRT, formerly TensorFlow Lite: ``model.tflite``, with LiteRT's own operators alone and a fixed batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zoo_registry import ExportContext, Exporter, hookimpl
from zoo_registry.errors import ExportError


def refuses(interface: Mapping[str, Any]) -> str | None:
    """Float64 bundles: LiteRT has no float64 arithmetic."""
    if any(tensor["dtype"] == "float64" for tensor in interface["inputs"]):
        return "LiteRT computes in float32, which cannot hold the values' offset; serve this bundle as ONNX"
    return None


def write(context: ExportContext) -> None:
    """Write ``model.tflite`` with the signature ``serving_default``.

    Raises ExportError, with their names, where the graph has operators that LiteRT lacks.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(context.fixed), signature_keys=["serving_default"])
    try:
        content = converter.convert()
    except Exception as error:  # the converter's own classes are not public
        lacking = sorted(set(re.findall(r"'(tf\.\w+)' op", str(error))))
        found = ", ".join(lacking) or " ".join(str(error).split())[:160]
        raise ExportError(f"LiteRT lacks operators of this network ({found})") from error
    (context.folder / "model.tflite").write_bytes(content)


@hookimpl
def zoo_exporters() -> list[Exporter]:
    return [
        Exporter(
            name="litert",
            summary="LiteRT (TensorFlow Lite); exactly `batch` windows [default: 1].",
            write=write,
            requires=("ai-edge-litert",),
            install="lstm-zoo[litert]",
            fixed_batch=True,
            refuses=refuses,
        )
    ]
