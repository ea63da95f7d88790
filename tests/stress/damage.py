"""Ways to damage a bundle, and how to see that it is refused before a parser runs; for tests and ``make stress``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from zoo.bundle.loading import load_bundle
from zoo.bundle.verification import verify_bundle
from zoo_registry.errors import BundleError

MANIFEST, SIGNATURE = "manifest.json", "model.sig"
SEAL_LENGTH = 85
PARSERS = (
    "zoo.bundle.verification.replay_apart",  # the way to the others, in a process of its own
    "onnxruntime.InferenceSession",
    "onnx.load",
    "onnx.load_model_from_string",
    "zipfile.ZipFile",
    "numpy.load",
    "joblib.load",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "zoo_plugins.runtimes.tensorflow_session.TensorFlowSession.__init__",
)
RUNTIMES = ("onnxruntime", "tensorflow")


class ParserReached(BaseException):
    """Raised in place of any parser; no ``except Exception`` can hide it."""


@dataclass(frozen=True)
class Mutation:
    """What was done, to which file, and how to undo it."""

    kind: str
    name: str
    undo: Callable[[], object]


def files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def mutate(folder: Path, draw: random.Random, kinds: Sequence[str] = ()) -> Mutation:
    """Damage a bundle in one way; the result always differs from the bundle."""
    kind = draw.choice(kinds or [*KINDS])
    while True:
        name = draw.choice(files_of(folder))
        if (undo := KINDS[kind](folder, name, draw)) is not None:
            return Mutation(kind, name, undo)


def _rewrite(path: Path, content: bytes) -> Callable[[], object] | None:
    before = path.read_bytes()
    if content == before:
        return None
    path.write_bytes(content)
    return lambda: path.write_bytes(before)


def _flip(folder: Path, name: str, draw: random.Random) -> Callable[[], object] | None:
    content = bytearray((folder / name).read_bytes())
    if not content:
        return None
    for _ in range(draw.choice((1, 1, 1, 2, 8))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return _rewrite(folder / name, bytes(content))


def _truncate(folder: Path, name: str, draw: random.Random) -> Callable[[], object] | None:
    content = (folder / name).read_bytes()
    left = draw.choice((0, len(content) - 1, draw.randrange(len(content) + 1)))
    return _rewrite(folder / name, content[: max(left, 0)])


def _append(folder: Path, name: str, draw: random.Random) -> Callable[[], object] | None:
    extra = draw.choice((b"\0", b"\n", b" ", draw.randbytes(draw.randrange(1, 100))))
    return _rewrite(folder / name, (folder / name).read_bytes() + extra)


def _delete(folder: Path, name: str, draw: random.Random) -> Callable[[], object] | None:
    path, content = folder / name, (folder / name).read_bytes()
    path.unlink()
    return lambda: path.write_bytes(content)


def _add(folder: Path, name: str, draw: random.Random) -> Callable[[], object] | None:
    new = (folder / name).parent / draw.choice(
        ("extra", ".hidden", "model.xml", "x.onnx", "a b", "\u00e9", name[-3:] + "2")
    )
    if new.exists():
        return None
    new.write_bytes(draw.choice((b"", (folder / name).read_bytes())))
    return new.unlink


def _rename(folder: Path, name: str, draw: random.Random) -> Callable[[], object] | None:
    path = folder / name
    new = path.with_name(draw.choice((path.name + "x", path.name.swapcase(), "." + path.name, path.stem)))
    if new.exists():
        return None
    path.rename(new)
    return lambda: new.rename(path)


def _swap(folder: Path, name: str, draw: random.Random) -> Callable[[], object] | None:
    one, other = folder / name, folder / draw.choice(files_of(folder))
    contents = one.read_bytes(), other.read_bytes()
    if contents[0] == contents[1]:
        return None
    one.write_bytes(contents[1])
    other.write_bytes(contents[0])
    return lambda: (one.write_bytes(contents[0]), other.write_bytes(contents[1]))


KINDS: dict[str, Callable[[Path, str, random.Random], Callable[[], object] | None]] = {
    "bits flipped": _flip,
    "cut": _truncate,
    "bytes appended": _append,
    "deleted": _delete,
    "added": _add,
    "renamed": _rename,
    "swapped": _swap,
}


def reseal(folder: Path, name: str, draw: random.Random) -> Callable[[], object] | None:
    """Change a file, enter its hash in the manifest and seal it anew: what a signature alone can tell."""
    if name in (MANIFEST, SIGNATURE):
        return None
    undo = _flip(folder, name, draw)
    if undo is None:
        return None
    path, before = folder / MANIFEST, (folder / MANIFEST).read_bytes()
    content = json.loads(before)
    content["files"][name]["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    del content["checksum"]
    body = json.dumps(content, indent=2).removesuffix("\n}").encode()
    path.write_bytes(body + f',\n  "checksum": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode())
    return lambda: (undo(), path.write_bytes(before))


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Every parser of a bundle's files raises :class:`ParserReached`."""
    with contextlib.ExitStack() as stack:
        for parser in PARSERS:
            stack.enter_context(mock.patch(parser, side_effect=ParserReached))
        yield


def refused(folder: Path, draw: random.Random, keys: Sequence[Path] = ()) -> bool:
    """Whether a bundle is refused in one sentence and with no parser reached; the parsers must be watched."""
    try:
        if draw.random() < 0.5:
            load_bundle(folder, runtime=draw.choice(RUNTIMES), require_signature=keys)
        else:
            verify_bundle(folder, RUNTIMES, require_signature=keys)
    except BundleError as error:
        return "\n" not in str(error)
    except ParserReached:
        return False
    return False
