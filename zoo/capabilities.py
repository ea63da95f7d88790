"""What the conformance kit found that an architecture can do; read by ``zoo list``, so it imports no array library.

Of the built-ins a generated file comes with the zoo. Of others it is what ``zoo plugin check`` found on this machine,
in a folder for caches (``$ZOO_CACHE``).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.atomic import make_folder, write_text
from zoo_registry import BUILT_IN_RUNTIMES, discover
from zoo_registry.errors import ConfigError, close_match_hint

FORMATS = ("savedmodel", "onnx")  # of every bundle, held to the trained network by the export itself
EXPORTS = (*FORMATS, *BUILT_IN_RUNTIMES)  # what it can be had as; plugins may have more runtimes
EQUAL, REFUSED, DIFFERS, NOT_INSTALLED = "equal", "refused", "differs", "not installed"
NATIVE, LOOP, NONE = "native", "loop", "none"
PACKAGED_FILE = "capabilities.json"
CACHE_VARIABLE = "ZOO_CACHE"


class TaskCapabilities(BaseModel):
    """What a bundle of one task can do.

    ``formats`` are those of :data:`FORMATS` that equal the trained network. ``recurrence`` is how the ONNX graph
    computes it: ``native`` nodes, a ``loop``, or ``none``. ``runtimes`` says of each runtime that it gives
    ``equal`` outputs or ones that it ``differs`` in, ``refused`` the bundle, or was ``not installed``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    formats: tuple[str, ...] = ()
    recurrence: str = NONE
    runtimes: dict[str, str] = {}

    def exports(self, name: str) -> bool | None:
        """Whether it is had in one of :data:`FORMATS` or on a runtime; None where that was not tried."""
        if name in FORMATS:
            return name in self.formats
        found = self.runtimes.get(name, NOT_INSTALLED)
        return None if found == NOT_INSTALLED else found == EQUAL


class Capabilities(BaseModel):
    """What the kit found of one architecture, in a version of its distribution.

    ``parameters`` counts the weights with default hyperparameters at :data:`zoo.testing.bench.STATED`, None where
    those do not fit together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    architecture: str
    distribution: str
    version: str
    tasks: dict[str, TaskCapabilities] = {}
    parameters: int | None = None

    def exports(self, name: str) -> bool | None:
        """Whether every task is had in one of :data:`FORMATS` or on a runtime; None where that was not tried."""
        found = [task.exports(name) for task in self.tasks.values()]
        return False if False in found else None if None in found or not found else True

    @property
    def exported(self) -> tuple[str, ...]:
        """The formats and runtimes that every task is had as."""
        names = dict.fromkeys((*EXPORTS, *(name for task in self.tasks.values() for name in task.runtimes)))
        return tuple(name for name in names if self.exports(name))


def check_exports(names: Sequence[str]) -> None:
    """Raise ConfigError, with a close match, for a name that is neither a format nor a runtime."""
    known = (*FORMATS, *discover().runtimes)
    for name in names:
        if name not in known:
            raise ConfigError(f"`exports`: there is no format or runtime '{name}'{close_match_hint(name, known)}")


def known_capabilities(distribution: str, architecture: str, version: str) -> Capabilities | None:
    """What is known of an architecture in this version of its distribution, or None."""
    found = packaged().get((distribution, architecture)) or _cached(distribution, architecture)
    return found if found is not None and found.version == version else None


@cache
def packaged() -> Mapping[tuple[str, str], Capabilities]:
    """Those that come with the zoo, by distribution and architecture."""
    file = files("zoo") / PACKAGED_FILE
    return read(file.read_text(encoding="utf-8")) if file.is_file() else {}


def read(text: str) -> dict[tuple[str, str], Capabilities]:
    """Read what :func:`written` gave."""
    found = [Capabilities.model_validate(one) for one in json.loads(text)]
    return {(one.distribution, one.architecture): one for one in found}


def written(found: Sequence[Capabilities]) -> str:
    """JSON of them, in the order of distribution and name."""
    ordered = sorted(found, key=lambda one: (one.distribution, one.architecture))
    return json.dumps([one.model_dump(mode="json") for one in ordered], indent=1, ensure_ascii=False) + "\n"


def remember(found: Capabilities) -> Path | None:
    """Keep what a check found for later ``zoo list``, whole or not at all; None where the folder cannot be written."""
    path = _cache_path(found.distribution, found.architecture)
    try:
        make_folder(path.parent)
        write_text(path, found.model_dump_json(indent=1) + "\n")
    except (OSError, ConfigError):  # a cache is no reason to fail
        return None
    return path


def forget(found: Capabilities) -> None:
    """Keep nothing of an architecture any longer."""
    with suppress(OSError):
        _cache_path(found.distribution, found.architecture).unlink()


def cache_folder() -> Path:
    """``$ZOO_CACHE``, else ``lstm-zoo`` in ``$XDG_CACHE_HOME``, ``~/.cache``, or on macOS ``~/Library/Caches``."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "lstm-zoo"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lstm-zoo"


def _cache_path(distribution: str, architecture: str) -> Path:
    return cache_folder() / "capabilities" / distribution / f"{architecture}.json"


def _cached(distribution: str, architecture: str) -> Capabilities | None:
    try:
        return Capabilities.model_validate_json(_cache_path(distribution, architecture).read_bytes())
    except (OSError, ValidationError, RuntimeError):  # none, another zoo's, or no home
        return None
