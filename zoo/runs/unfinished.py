"""Trainings under way, in ``runs/unfinished/<id>/``: what is recorded and known of them; no Keras, no NumPy.

Such a folder holds ``config.json``, a lock, and the newest whole checkpoint. A finished run leaves it.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator

from zoo.atomic import write_text
from zoo.locks import is_held
from zoo.migrations import migrate, upgrade_unfinished
from zoo.provenance import first_fault
from zoo.removal import ForeignError, remove, remove_emptied
from zoo.runs.record import CONFIG_FILE, RECORD_FILE, UNFINISHED, Beginning, Origin
from zoo.settings.choices import ARRAYS, FRAME
from zoo.sums import check_sums
from zoo_registry.errors import RunError

LOCK_FILE, DIVERGED_FILE, CHECKPOINT = "lock", "diverged", "checkpoint-"


class UnfinishedRecord(Beginning):
    """``config.json``: what is trained, on which data, by which versions; enough to go on with it."""

    fingerprint: str
    started_from: Origin | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_schema_1(cls, values: Any) -> Any:
        return migrate(values, upgrade_unfinished)


@dataclass(frozen=True)
class UnfinishedRun:
    """A training that has not ended; ``folder`` is its own."""

    folder: Path
    record: UnfinishedRecord

    @property
    def id(self) -> str:
        """The run's id, which the finished run keeps."""
        return self.folder.name

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.folder.parent.parent

    @property
    def finished(self) -> bool:
        """Whether the finished run is in its place, so that this folder is only a rest."""
        return (self.runs / self.id / RECORD_FILE).is_file()

    @property
    def checkpoints(self) -> list[Path]:
        """The folders of all whole checkpoints; but for a kill in the wrong moment there is one at most."""
        return [path for path in self.folder.glob(f"{CHECKPOINT}*") if is_checkpoint(path)]

    @property
    def checkpoint(self) -> Path | None:
        """The folder of the newest whole checkpoint."""
        return max(self.checkpoints, key=epoch_of, default=None)

    @property
    def epoch(self) -> int:
        """Epochs that the newest checkpoint holds; 0 where there is none."""
        return 0 if (newest := self.checkpoint) is None else epoch_of(newest)

    @property
    def command(self) -> str:
        """What goes on with it: of one that diverged, and would again, a new training from its weights.

        That is a command, or a call where the table is one of a program, which no command can read.
        """
        if self.diverged:
            return (self.folder / DIVERGED_FILE).read_text(encoding="utf-8").strip()
        if self._of_program:
            return f'zoo.resume("{self.id}", data{self._keyword})'
        return f"zoo train --resume {self.id}{self._option}"

    @property
    def diverged(self) -> bool:
        """Whether its loss or weights were not finite after the last checkpoint."""
        return (self.folder / DIVERGED_FILE).is_file()

    def set_diverged(self, learning_rate: float) -> None:
        """Note that going on as before would lead nowhere, but perhaps with a smaller rate."""
        if self._of_program:
            settings = f'start_from="{self.id}", learning_rate={learning_rate:.3g}{self._keyword}, ...'
            advice = f'zoo.train("{self.record.config.architecture}", data, {settings})'
        else:
            advice = f"zoo train --from {self.id} --learning-rate {learning_rate:.3g}{self._option}"
        write_text(self.folder / DIVERGED_FILE, advice)

    @property
    def _of_program(self) -> bool:
        return self.record.config.data.source in (FRAME, ARRAYS)

    @property
    def _option(self) -> str:
        return "" if str(self.runs) == "runs" else f" --runs {shlex.quote(str(self.runs))}"

    @property
    def _keyword(self) -> str:
        return "" if str(self.runs) == "runs" else f", runs={str(self.runs)!r}"

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``config.json``; raises RunError where it is not what was written, or not of this version."""
        check_sums(folder, [CONFIG_FILE], RunError)
        try:
            return cls(folder, UnfinishedRecord.model_validate_json((folder / CONFIG_FILE).read_bytes()))
        except ValidationError as error:
            reason = first_fault(error)
            raise RunError(f"{folder / CONFIG_FILE}: not a record of this version ({reason}); train again") from error

    def is_running(self) -> bool:
        """Whether a process holds its lock."""
        return is_held(self.folder / LOCK_FILE)

    def remove(self) -> None:
        """Remove the folder, whose lock this process holds, and the one around it where nothing else is in it."""
        with suppress(ForeignError, OSError):  # what is no longer as the zoo made it stays
            remove(self.folder, self.folder.parent, is_unfinished)
        with suppress(OSError):
            remove_emptied(self.folder.parent)


def is_unfinished(folder: Path) -> bool:
    """Whether this is the folder of an unfinished training, by its place, its lock, and the id in its configuration."""
    if folder.resolve().parent.name != UNFINISHED or not (folder / LOCK_FILE).is_file():
        return False
    try:
        return UnfinishedRun.read(folder).record.id == folder.name
    except (OSError, RunError):
        return False


def is_checkpoint(folder: Path) -> bool:
    """Whether this is a checkpoint in the folder of an unfinished training, by its name and place."""
    number = folder.name.removeprefix(CHECKPOINT)
    return number.isascii() and number.isdigit() and folder.is_dir() and folder.absolute().parents[1].name == UNFINISHED


def epoch_of(checkpoint: Path) -> int:
    """The number of epochs that a checkpoint's folder holds, by its name."""
    return int(checkpoint.name.removeprefix(CHECKPOINT))
