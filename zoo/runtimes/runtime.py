"""What a runtime is, and the list of those that the zoo knows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from zoo_registry.errors import BundleError, close_match_hint


class Session(Protocol):
    """A loaded bundle: raw windows in, raw outputs out."""

    def run(self, window: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Map windows of shape (batch, window, n_features) to outputs by name."""


@dataclass(frozen=True)
class Runtime:
    """A program library that runs one of a bundle's formats; ``distribution`` tells whether it is installed."""

    name: str
    distribution: str
    module: str

    @property
    def version(self) -> str | None:
        """The installed version, or None."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None

    def load(self, folder: Path) -> Session:
        """Load a bundle whose integrity was checked; raises BundleError where the runtime is not installed."""
        if self.version is None:
            raise BundleError(f"runtime '{self.name}' is not installed; run: pip install {self.distribution}")
        session: Session = import_module(self.module).load(folder)
        return session


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("onnxruntime", "onnxruntime", "zoo.runtimes.onnxruntime_session"),
        Runtime("tensorflow", "tensorflow", "zoo.runtimes.tensorflow_session"),
    )
}


def find_runtime(name: str) -> Runtime:
    """Return a runtime by name; raises BundleError with a close match."""
    if name not in RUNTIMES:
        raise BundleError(f"there is no runtime '{name}'{close_match_hint(name, RUNTIMES)}")
    return RUNTIMES[name]
