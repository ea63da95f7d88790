"""Checkpoints on the disk: written whole or not at all, read only where they are what was written; no pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.atomic import rename_to_free, staging_folder, undisturbed
from zoo.removal import remove
from zoo.runs.unfinished import CHECKPOINT, UnfinishedRun, is_checkpoint
from zoo.sums import check_sums, sha256_of, stage_sums
from zoo_registry.errors import RunError

ARRAYS_FILE, STATE_FILE = "arrays.npz", "checkpoint.json"


class TrainingState(BaseModel):
    """``checkpoint.json``: what is no array.

    ``history`` has one value for each of the ``epoch`` epochs that are done; ``stopped``: whether the training had
    come to its end; ``callbacks``: their counters, by name; ``generators``: those of Python and NumPy; ``seconds`` of
    training so far; ``plan``: how its steps are computed, by which it has to go on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    schema_version: int = 1
    epoch: int
    history: dict[str, list[float]]
    stopped: bool
    callbacks: dict[str, dict[str, float | int | None]]
    generators: dict[str, Any]
    seconds: float
    plan: dict[str, Any] | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """All of a training between two epochs; ``arrays`` by group and number, such as ``weights/3``."""

    state: TrainingState
    arrays: dict[str, NDArray[Any]]

    def group(self, name: str) -> list[NDArray[Any]]:
        """The arrays of one group, in their order."""
        numbers = sorted(int(key.partition("/")[2]) for key in self.arrays if key.startswith(f"{name}/"))
        return [self.arrays[f"{name}/{number}"] for number in numbers]


def write_checkpoint(run: UnfinishedRun, checkpoint: Checkpoint) -> None:
    """Bring a checkpoint to the disk; only then those before it are removed. Raises OSError, and they are left."""
    older = run.checkpoints
    place = run.folder / f"{CHECKPOINT}{checkpoint.state.epoch}"
    assert not place.exists(), "an epoch is trained once"
    with undisturbed():  # or a stop in between would leave staging, or the older ones
        with staging_folder(run.folder) as folder:
            np.savez(folder / ARRAYS_FILE, allow_pickle=False, **checkpoint.arrays)
            state = checkpoint.state.model_copy(update={"sha256": sha256_of(folder / ARRAYS_FILE)})
            # Python's own JSON: it writes each float so that the very same is read again
            (folder / STATE_FILE).write_text(json.dumps(state.model_dump()) + "\n", encoding="utf-8")
            stage_sums(folder, [ARRAYS_FILE, STATE_FILE])
            rename_to_free(folder, lambda _: place)
        for path in older:
            remove(path, run.folder, is_checkpoint)


def read_checkpoint(run: UnfinishedRun) -> Checkpoint | None:
    """Read the newest checkpoint, None where there is none; raises RunError where it is not what was written."""
    if (folder := run.checkpoint) is None:
        return None
    try:
        content = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        state = TrainingState.model_validate(content)
        check_sums(folder, [STATE_FILE], RunError)
        found = sha256_of(folder / ARRAYS_FILE)
        if found != state.sha256:
            raise ValueError(f"{ARRAYS_FILE} has the SHA-256 {found[:12]}…, expected {state.sha256[:12]}…")
        with np.load(folder / ARRAYS_FILE, allow_pickle=False) as file:
            return Checkpoint(state, {name: file[name] for name in file.files})
    except ValidationError as error:
        raise _broken(folder, f"{STATE_FILE} is not of this version ({error.errors()[0]['msg']})") from error
    except (OSError, ValueError, RunError) as error:
        raise _broken(folder, str(error)) from error


def _broken(folder: Path, reason: str) -> RunError:
    return RunError(f"{folder}: not what was written: {reason}; remove {folder.parent} and train again")
