"""OpenVINO's own format, ``model.xml`` and ``model.bin``, made from ``model.onnx``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo_registry import ExportContext, Exporter, hookimpl
from zoo_registry.errors import ExportError


def refuses(interface: Mapping[str, Any]) -> str | None:
    """Float64 bundles: OpenVINO announces float64 and computes in float32."""
    if any(tensor["dtype"] == "float64" for tensor in interface["inputs"]):
        return "OpenVINO computes in float32, which cannot hold the values' offset; serve this bundle as ONNX"
    return None


def write(context: ExportContext) -> None:
    """Write ``model.xml`` and ``model.bin``, float32, for any number of windows or for ``context.batch``.

    Raises ExportError where OpenVINO cannot read the ONNX file.
    """
    import openvino

    try:
        model = openvino.Core().read_model(context.bundle / "model.onnx")
        if context.batch is not None:
            model.reshape([context.batch, *context.interface["inputs"][0]["shape"]])
        openvino.save_model(model, context.folder / "model.xml", compress_to_fp16=False)
    except RuntimeError as error:
        raise ExportError(f"OpenVINO cannot read model.onnx ({' '.join(str(error).split())[-160:]})") from error


@hookimpl
def zoo_exporters() -> list[Exporter]:
    return [
        Exporter(
            name="openvino",
            summary="OpenVINO IR; any number of windows, or `batch` of them.",
            write=write,
            requires=("openvino",),
            install="lstm-zoo[openvino]",
            refuses=refuses,
        )
    ]
