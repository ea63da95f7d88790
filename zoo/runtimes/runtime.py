"""What a runtime is, and the list of those that the zoo knows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from zoo_registry.errors import BundleError, RefusalError, close_match_hint

SAVED_MODEL_FILE = "saved_model.pb"
LITERT_FILE = "extra/litert/model.tflite"
OPENVINO_FILE = "extra/openvino/model.xml"
OPENVINO_FLOAT64 = "the bundle takes float64, which OpenVINO announces but computes in float32"


class Session(Protocol):
    """A loaded bundle: raw windows in, raw outputs out."""

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map windows of shape (batch, window, n_features) to outputs by name."""


@dataclass(frozen=True)
class Runtime:
    """A program library that runs one of a bundle's formats; ``distribution`` tells whether it is installed.

    ``file`` is what it needs in a bundle, and ``exporter`` the format to ask for where that is no part of every bundle.
    ``no_float64`` is the reason why it refuses float64 bundles; empty where it runs them. ``function`` in ``module``
    loads a folder. ``takes_bytes``: it takes the content of ``model.onnx`` too. ``runs_programs``: its format can
    read and write files, so that it is used on request alone.
    """

    name: str
    distribution: str
    module: str
    file: str = "model.onnx"
    function: str = "load"
    exporter: str = ""
    no_float64: str = ""
    takes_bytes: bool = False
    runs_programs: bool = False

    @property
    def version(self) -> str | None:
        """The installed version, or None."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None

    def applies_to(self, folder: Path) -> bool:
        """Whether a bundle has the file that this runtime needs."""
        return (folder / self.file).is_file()

    def check(self, folder: Path, dtype: str) -> None:
        """Raise RefusalError where a bundle, whose input has this dtype, cannot be run; reads nothing of it."""
        if not self.applies_to(folder):
            with_it = f"; export again with `formats` {self.exporter}" if self.exporter else "; export again"
            raise RefusalError(f"runtime '{self.name}': {folder} has no {self.file}{with_it}")
        if self.no_float64 and dtype == "float64":
            raise RefusalError(f"runtime '{self.name}': {self.no_float64}; use another runtime")

    def check_installed(self) -> None:
        """Raise BundleError where it is not installed."""
        if self.version is None:
            raise BundleError(f"runtime '{self.name}' is not installed; run: pip install {self.distribution}")

    def load(self, folder: Path, onnx: bytes | None = None) -> Session:
        """Load a bundle whose integrity was checked; raises BundleError where the runtime is not installed.

        ``onnx`` is the content of its ``model.onnx``, so that what was checked is what is loaded.
        """
        self.check_installed()
        load = getattr(import_module(self.module), self.function)
        session: Session = load(folder, onnx) if self.takes_bytes else load(folder)
        return session


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("onnxruntime", "onnxruntime", "zoo.runtimes.onnxruntime_session", takes_bytes=True),
        Runtime(
            "tensorflow", "tensorflow", "zoo.runtimes.tensorflow_session", file=SAVED_MODEL_FILE, runs_programs=True
        ),
        Runtime(
            "openvino",
            "openvino",
            "zoo.runtimes.openvino_session",
            no_float64=OPENVINO_FLOAT64,
            takes_bytes=True,
        ),
        Runtime(
            "openvino-savedmodel",
            "openvino",
            "zoo.runtimes.openvino_session",
            file=SAVED_MODEL_FILE,
            function="load_saved_model",
            no_float64=OPENVINO_FLOAT64,
        ),
        Runtime(
            "openvino-ir",
            "openvino",
            "zoo.runtimes.openvino_session",
            file=OPENVINO_FILE,
            function="load_ir",
            exporter="openvino",
            no_float64=OPENVINO_FLOAT64,
        ),
        Runtime("litert", "ai-edge-litert", "zoo.runtimes.litert_session", file=LITERT_FILE, exporter="litert"),
    )
}


def find_runtime(name: str) -> Runtime:
    """Return a runtime by name; raises BundleError with a close match."""
    if name not in RUNTIMES:
        raise BundleError(f"there is no runtime '{name}'{close_match_hint(name, RUNTIMES)}")
    return RUNTIMES[name]
