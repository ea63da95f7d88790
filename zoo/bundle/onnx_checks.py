"""What ``model.onnx`` may hold: standard operators and all their numbers; looked at before a runtime gets it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from zoo_registry.errors import BundleError

# Not com.microsoft: its EPContext names a file that ONNX Runtime reads. Exports use the standard operators alone.
KNOWN_DOMAINS = ("", "ai.onnx")


def check_onnx(content: bytes, path: Path, operators: Collection[str] | None = None) -> None:
    """Raise BundleError unless ``content`` is an ONNX model that refers to nothing outside itself.

    That is: no tensor in another file, no operator of another domain than ONNX' own, and no functions, which could
    redefine operators; in the bodies of loops and branches too. Where ``operators`` are given, there are no others.
    ``path`` is for the message. Needs the library onnx.
    """
    try:
        import onnx
    except ImportError as error:
        raise BundleError("checking model.onnx needs onnx, which is not installed; run: pip install onnx") from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own errors, of whichever implementation
        raise BundleError(f"{path}: not an ONNX model; export again") from error
    if len(model.functions):
        raise BundleError(f"{path}: expected no functions, found '{model.functions[0].name}'; export again")
    for message in _messages(model):
        if isinstance(message, onnx.TensorProto) and (
            len(message.external_data) or message.data_location != onnx.TensorProto.DEFAULT
        ):
            raise BundleError(
                f"{path}: expected all numbers inside, found the tensor '{message.name}' in another file; export again"
            )
        if isinstance(message, onnx.NodeProto) and message.domain not in KNOWN_DOMAINS:
            raise BundleError(
                f"{path}: expected ONNX' own operators alone, found '{message.op_type}' of the domain"
                f" '{message.domain}'; export again"
            )
    if operators is None:
        return
    for message in _messages(model):
        if isinstance(message, onnx.NodeProto) and message.op_type not in operators:
            raise BundleError(
                f"{path}: expected the operators that the manifest lists, found '{message.op_type}'; export again"
            )


def _messages(message: Any) -> Iterator[Any]:
    """The message and every message in it."""
    waiting = [message]
    while waiting:
        yield (current := waiting.pop())
        for field, value in current.ListFields():
            if field.message_type is not None:
                waiting.extend(value if _repeated(field) else (value,))


def _repeated(field: Any) -> bool:
    """Whether a field holds a list; protobuf deprecates the old way of asking in favour of the new."""
    repeated: bool = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    return repeated
