"""The manifest: what a bundle is, and the size and SHA-256 of every file in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError

from zoo.bundle.regular_files import read_regular
from zoo.migrations import SCHEMA_VERSION, migrate, upgrade_manifest
from zoo.provenance import DataRecord, Evaluation, Provenance, Record, Retrained, first_fault
from zoo.texts import printable
from zoo_registry import Problem
from zoo_registry.errors import BundleError

MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "model.sig"
MAX_MANIFEST_BYTES = 16 * 2**20
MAX_NAME = 512

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+=@-]*")
_SEAL = re.compile(rb',\n  "checksum": "([0-9a-f]{64})"\n}\n')
_SEAL_LENGTH = 85


class FileEntry(Record):
    """A file's size in bytes and its SHA-256, in hexadecimal."""

    size: int = Field(ge=0, strict=True)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Parity(Record):
    """A runtime's version and its largest difference, less the roundings, in units."""

    version: str
    difference: float


class OnnxRecord(Record):
    """The opset of ``model.onnx``, and how often each operator stands in it."""

    opset: int
    operators: Annotated[dict[str, int], Field(min_length=1)]


class ExtraRecord(Record):
    """Who made another format, the only batch that it takes, or null, and what its maker says of it."""

    distribution: str
    version: str
    batch: int | None
    facts: dict[str, Any] = Field(default_factory=dict)


class Manifest(Record):
    """Everything about a bundle, in one JSON file that is written last."""

    schema_version: Literal[2] = SCHEMA_VERSION
    model: str
    version: int | None = Field(None, ge=1, strict=True, description="the number that it was published as")
    config_sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="SHA-256 of config.pbtxt, which all versions of the model share"
    )
    created: str
    run: str
    architecture: Provenance
    hyperparameters: dict[str, Any]
    training: dict[str, Any] = Field(description="the settings, as the run's configuration has them")
    network: dict[str, Any] = Field(default_factory=dict, description="what stands around the network, likewise")
    problem: Problem
    data: DataRecord
    metrics: Evaluation | None = Field(description="None where all rows were trained on")
    retrained_from: Retrained | None = Field(None, description="the run that this one trained again")
    parity_unit: dict[str, float] = Field(
        description="for each target the train targets' standard deviation, in the problem's units; of forecasts"
    )
    parity_roundings: Literal[0, 4] = Field(
        0, description="roundings of float32 at a forecast's size, each 2^-24 of it, that come off each difference"
    )
    threshold: float | None = Field(None, description="anomalies: score above which is_anomaly is true")
    parity: dict[str, Parity] = Field(description="by runtime")
    onnx: OnnxRecord
    extra: dict[str, ExtraRecord] = Field(default_factory=dict, description="other formats, by their folder in extra/")
    versions: dict[str, str]
    files: dict[str, FileEntry]
    checksum: str = Field("", description="SHA-256 of all bytes before the comma that precedes it")

    def write(self, folder: Path) -> None:
        """Write the manifest, sealed with its checksum, into the folder."""
        text = json.dumps(self.model_dump(mode="json", exclude={"checksum"}), indent=2, allow_nan=False)
        body = text.removesuffix("\n}").encode()
        seal = f',\n  "checksum": "{hashlib.sha256(body).hexdigest()}"\n}}\n'
        (folder / MANIFEST_FILE).write_bytes(body + seal.encode())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check a manifest, and nothing else of the bundle; raises BundleError."""
        return cls.parse(read_manifest(folder), folder / MANIFEST_FILE)

    @classmethod
    def parse(cls, content: bytes, path: Path) -> Self:
        """Check a manifest's bytes: checksum, strict JSON, schema version, fields and names of files, in this order.

        The checksum covers every byte, so that no other spelling of the same content passes either. Raises BundleError
        that names ``path``.
        """
        seal = _SEAL.fullmatch(content, max(0, len(content) - _SEAL_LENGTH))
        if seal is None:
            raise BundleError(f"{path}: not a valid manifest (it does not end with a checksum); export again")
        if hashlib.sha256(content[:-_SEAL_LENGTH]).hexdigest().encode() != seal[1]:
            raise BundleError(f"{path}: its checksum does not hold; the manifest was changed, export again")
        try:
            values = json.loads(content, object_pairs_hook=_no_doubles, parse_constant=_no_constants)
            if (found := values.get("schema_version")) not in (1, SCHEMA_VERSION):
                raise BundleError(
                    f"{path}: expected schema version {SCHEMA_VERSION} or 1, found {found!r}; use the lstm-zoo that"
                    " wrote it"
                )
            manifest = cls.model_validate(migrate(values, upgrade_manifest))
            check_names(manifest.files)
        except (ValueError, AttributeError, RecursionError) as error:
            reason = first_fault(error) if isinstance(error, ValidationError) else error
            raise BundleError(
                f"{path}: not a valid manifest ({printable(str(reason))}); the bundle was changed, export again"
            ) from error
        return manifest


def read_manifest(folder: Path) -> bytes:
    """The bytes of a folder's manifest; raises BundleError where there is none, or it is no file or too large."""
    path = folder / MANIFEST_FILE
    if path.is_symlink() or not path.is_file():
        raise BundleError(
            f"{folder}: expected a bundle, found no {MANIFEST_FILE}; give a folder such as exported/NAME/1"
        )
    return read_regular(path, MAX_MANIFEST_BYTES)


def check_names(names: Iterable[str]) -> None:
    """Raise ValueError unless all names are relative, normalized paths that mean different files everywhere.

    Their parts consist of ASCII letters, digits and ``_.+=@-``, and do not begin with a dot or a sign: that leaves no
    ``..``, no drives, no backslashes and no two spellings of one name; capitals tell no two names apart. Manifest and
    signature are not among them.
    """
    seen: set[str] = set()
    for name in names:
        if len(name) > MAX_NAME or not all(_PART.fullmatch(part) for part in name.split("/")):
            raise ValueError(f"'{name[:MAX_NAME]}' is no relative, normalized path of plain letters")
        if name in (MANIFEST_FILE, SIGNATURE_FILE) or name.casefold() in seen:
            raise ValueError(f"'{name}' stands twice, or lists what no manifest lists")
        seen.add(name.casefold())


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice")
    return content


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
