"""Keras' end of the lifecycle hooks."""

from __future__ import annotations

import keras

from zoo.tracking.lifecycle import Lifecycle


class EpochHook(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells the plugins of each epoch that has ended."""

    def __init__(self, lifecycle: Lifecycle, run_id: str) -> None:
        super().__init__()
        self._lifecycle = lifecycle
        self._run_id = run_id

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self._lifecycle.epoch_ended(self._run_id, epoch + 1, metrics)
