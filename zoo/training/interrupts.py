"""Ctrl-C, SIGTERM and SIGHUP during a training: answered between two batches."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import keras

from zoo.atomic import ANSWERED


class Interrupts(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps a signal until the end of the batch under way, and a second one not at all.

    In the midst of TensorFlow the exception that a signal's handler raises may be dropped, as in a destructor, or be
    told as another one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._noted: int | None = None
        self._usual: dict[int, Any] = {}

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note signals meanwhile, where Python handles them; what comes after the last batch is answered at the end."""
        if threading.current_thread() is threading.main_thread():
            handlers = {number: signal.getsignal(number) for number in ANSWERED}
            self._usual = {number: handler for number, handler in handlers.items() if callable(handler)}
        for number in self._usual:
            signal.signal(number, self._note)
        try:
            yield
        finally:
            for number, handler in self._usual.items():
                signal.signal(number, handler)
            self._answer()  # also where the training failed before the end of that batch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._answer()

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._answer()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted is not None:
            self._usual[number](number, frame)
        self._noted = number

    def _answer(self) -> None:
        if self._noted is not None:
            number, self._noted = self._noted, None
            self._usual[number](number, None)
