"""The contract of a runtime: what a plugin registers so that bundles can be run, and held to the parity limit."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from zoo_registry.contribution import Contribution, Sentence, contract
from zoo_registry.errors import BundleError, RefusalError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BUILT_IN_RUNTIMES = ("onnxruntime", "tensorflow", "openvino", "openvino-savedmodel", "openvino-ir", "litert")
OUTPUTS = (
    "forecast",
    "quantiles",
    "probabilities",
    "score",
    "is_anomaly",
)  # what a bundle's may be called
ONNX_FILE, SAVED_MODEL_FILE = "model.onnx", "saved_model.pb"  # in every bundle


class Session(Protocol):
    """A loaded bundle: raw windows in, raw outputs out."""

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map windows of shape (batch, window, n_features), of any number, to outputs by name."""


@contract("runtime")
class Runtime(Contribution):
    """A library that runs one of a bundle's formats.

    ``load(folder)`` returns a :class:`Session` of a bundle whose files were checked; with ``takes_bytes`` it is called
    as ``load(folder, onnx)``, where ``onnx`` is the content of ``model.onnx`` that was checked, or None. It raises
    RefusalError where the library has no such operator. ``distribution`` tells whether the library is installed.
    ``file`` is what it needs in a bundle, and ``exporter`` the format to ask for where that is no part of every bundle:
    the export then holds it to the trained network's outputs. ``no_float64`` is the reason why it refuses float64
    bundles; empty where it runs them. ``runs_programs``: its format can read and write files, so that it is used on
    request alone.
    """

    load: Callable[..., Session]
    distribution: Sentence
    file: Sentence = ONNX_FILE
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
