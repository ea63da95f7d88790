"""The manifest: what a bundle is, and the size and SHA-256 of every file in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zoo_registry.errors import BundleError

MANIFEST_FILE = "manifest.json"
SCHEMA_VERSION = 1
MAX_MANIFEST_BYTES = 16 * 2**20


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tensor(_Part):
    """An input or output of the graph; ``shape`` is without the batch axis, which is first, dynamic and named batch."""

    name: str
    dtype: Literal["float32", "float64", "bool"]
    shape: tuple[int, ...]


class Interface(_Part):
    """What a caller must know; all versions of one model share it."""

    task: str
    units: Literal["raw", "scaled"] = "raw"
    window: int
    horizon: int
    quantiles: tuple[float, ...] = Field((), description="levels of the output quantiles, along its last axis")
    gap: int = Field(0, description="rows between the window and the first of the horizon")
    features: tuple[str, ...] = Field(description="columns of the input, in order")
    targets: tuple[str, ...] = Field(description="columns of the output, in order; classes: the column of classes")
    classes: tuple[str, ...] = Field((), description="names of the classes, in the order of the output probabilities")
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class FileEntry(_Part):
    """A file's size in bytes and its SHA-256, in hexadecimal."""

    size: int
    sha256: str


class Manifest(_Part):
    """Everything about a bundle, in one JSON file that is written last."""

    schema_version: int = SCHEMA_VERSION
    model: str
    created: str
    run: str
    architecture: dict[str, str]
    hyperparameters: dict[str, Any]
    training: dict[str, Any]
    interface: Interface
    data: dict[str, Any]
    metrics: dict[str, Any]
    parity_unit: dict[str, float] = Field(
        description="for each target the train targets' standard deviation, in the interface's units; of forecasts"
    )
    threshold: float | None = Field(None, description="anomalies: score above which is_anomaly is true")
    parity: dict[str, dict[str, Any]] = Field(
        description="for each runtime its version and largest difference, in units"
    )
    onnx: dict[str, Any]
    versions: dict[str, str]
    files: dict[str, FileEntry]
    checksum: str = Field("", description="SHA-256 of this manifest's canonical JSON with an empty checksum")

    def canonical_checksum(self) -> str:
        """SHA-256 over sorted, compact JSON with the checksum left empty."""
        content = self.model_dump(mode="json") | {"checksum": ""}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write the manifest, sealed with its checksum, into the folder."""
        sealed = self.model_copy(update={"checksum": self.canonical_checksum()})
        text = json.dumps(sealed.model_dump(mode="json"), indent=2, allow_nan=False)
        (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check a manifest, and nothing else of the bundle; raises BundleError."""
        path = folder / MANIFEST_FILE
        if path.is_symlink() or not path.is_file():
            raise BundleError(
                f"{folder}: expected a bundle, found no {MANIFEST_FILE}; give a folder such as exported/NAME/1"
            )
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise BundleError(f"{path}: larger than {MAX_MANIFEST_BYTES} bytes, so it is no manifest; export again")
        try:
            content = json.loads(path.read_bytes(), object_pairs_hook=_no_doubles, parse_constant=_no_constants)
            if (found := content.get("schema_version")) != SCHEMA_VERSION:
                raise BundleError(
                    f"{path}: expected schema version {SCHEMA_VERSION}, found {found!r}; use the lstm-zoo that wrote it"
                )
            manifest = cls.model_validate(content)
            checksum = manifest.canonical_checksum()
        except (ValueError, AttributeError, RecursionError) as error:
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise BundleError(
                f"{path}: not a valid manifest ({reason}); the bundle was changed, export again"
            ) from error
        if manifest.checksum != checksum:
            raise BundleError(f"{path}: its checksum does not hold; the manifest was changed, export again")
        return manifest


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice")
    return content


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
