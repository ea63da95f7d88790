"""A progress bar for training, on standard error, quiet where that is no terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows epoch, batches, loss, validation loss and the time left; a context manager."""

    def __init__(self) -> None:
        super().__init__()
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  validation {task.fields[validation]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("training", epoch=0, epochs="?", loss="-", validation="-", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        total = self.params["epochs"] * self.params["steps"]
        self._progress.update(self._task, total=total, epochs=self.params["epochs"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._progress.update(self._task, epoch=epoch + 1, completed=epoch * self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._progress.update(self._task, advance=1, loss=f"{(logs or {}).get('loss', float('nan')):.4g}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._progress.update(self._task, validation=f"{(logs or {}).get('val_loss', float('nan')):.4g}")
