"""A progress bar for training, on standard error, quiet where that is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

NEWEST = 0.5  # weight of the last epoch's seconds: the first one compiles the graph and is soon forgotten


class TimeLeft:
    """Seconds until the last epoch ends: from whole epochs, validation and checkpoints included, once there is one."""

    def __init__(self) -> None:
        self._began = 0.0
        self._epoch_seconds: float | None = None

    def epoch_begins(self, now: float) -> None:
        """An epoch begins, at this second."""
        self._began = now

    def epoch_ends(self, now: float) -> None:
        """It has ended, and the next one begins."""
        seconds, known = now - self._began, self._epoch_seconds
        self._began = now
        self._epoch_seconds = seconds if known is None else NEWEST * seconds + (1 - NEWEST) * known

    def seconds(self, now: float, part: float, epochs: int) -> float:
        """Seconds left, at most, as it may stop early; ``part`` of this epoch is done, ``epochs`` follow."""
        elapsed = now - self._began
        each = elapsed / part if self._epoch_seconds is None else self._epoch_seconds
        return max(each - elapsed, each * (1 - part) / 2, 0.0) + each * epochs


class ProgressBar(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows epoch, batches, loss, validation loss, learning rate and the time left; a context manager.

    ``total`` are the steps of the whole training, where its last epoch may be a shorter one.
    """

    def __init__(self, total: int | None = None) -> None:
        super().__init__()
        self._total = total
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  validation {task.fields[validation]}  rate {task.fields[rate]}"),
            TextColumn("at most {task.fields[left]} left"),
            console=console,
            disable=not console.is_terminal,
        )
        self._time = TimeLeft()
        self._epoch = 0
        self._task = self._progress.add_task(
            "training", epoch=0, epochs="?", loss="-", validation="-", rate="-", left="-", total=None
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self._total is None:
            self._total = self.params["epochs"] * self.params["steps"]
        self._progress.update(self._task, total=self._total, epochs=self.params["epochs"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch + 1
        self._time.epoch_begins(time.monotonic())
        self._progress.update(self._task, epoch=self._epoch, completed=epoch * self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = _figure((logs or {}).get("loss"))
        part = min(batch + 1, self.params["steps"])  # several steps may be made at once, up to the epoch's end
        done = min((self._epoch - 1) * self.params["steps"] + part, self._total or 0)
        self._progress.update(self._task, completed=done, loss=loss, left=self._left(part / self.params["steps"]))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._time.epoch_ends(time.monotonic())
        found = logs or {}
        validation, rate = _figure(found.get("val_loss")), _figure(found.get("learning_rate"))
        self._progress.update(self._task, validation=validation, rate=rate, left=self._left(1.0))

    def _left(self, part: float) -> str:
        seconds = round(self._time.seconds(time.monotonic(), part, self.params["epochs"] - self._epoch))
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
