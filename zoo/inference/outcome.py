"""What came of a folder's files: done, skipped or failed, each of them by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zoo_registry.errors import ZooError

_NAMED = 5  # files in a sentence
_WRITTEN = ("file", "result", "rows", "outside")

State = Literal["done", "skipped", "failed"]


class ScoringError(ZooError):
    """Some files of a folder failed; the results of the others are there."""


@dataclass(frozen=True)
class FileOutcome:
    """What came of a file.

    ``file`` and ``result`` are relative to the folders of data and of results. ``rows`` are those of the result, and
    ``outside`` has a sentence for each column with values outside the training's range. ``reason`` is one sentence
    about a file that failed.
    """

    file: str
    state: State
    result: str
    rows: int = 0
    outside: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Scored:
    """What came of all files, in the order of their names; ``ignored`` are neither Parquet nor CSV files."""

    output: Path
    files: tuple[FileOutcome, ...]
    ignored: tuple[str, ...] = ()

    @property
    def done(self) -> list[FileOutcome]:
        """The files whose results were made."""
        return self._of("done")

    @property
    def skipped(self) -> list[FileOutcome]:
        """The files whose results were there, made by the same bundle of the same input in the same way."""
        return self._of("skipped")

    @property
    def failed(self) -> list[FileOutcome]:
        """The files that have no result of this bundle, input and way, each with its reason."""
        return self._of("failed")

    def raise_for_failed(self) -> None:
        """Raise ScoringError where a file failed."""
        if failed := self.failed:
            names = ", ".join(outcome.file for outcome in failed[:_NAMED]) + (", …" if len(failed) > _NAMED else "")
            raise ScoringError(
                f"{self.output}: expected a result of each of {len(self.files)} files, but {len(failed)} failed"
                f" ({names}), for reasons told with each; mend them and score again, which skips the others"
            )

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        told = {"done": _WRITTEN, "skipped": _WRITTEN, "failed": ("file", "reason")}
        outcomes = {
            state: [{name: getattr(one, name) for name in names} for one in self.files if one.state == state]
            for state, names in told.items()
        }
        return {"output": str(self.output), **outcomes, "ignored": self.ignored}

    def _of(self, state: State) -> list[FileOutcome]:
        return [one for one in self.files if one.state == state]
