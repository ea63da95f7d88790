"""Event files for TensorBoard, written by TensorFlow alone: the package tensorboard is needed only to look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zoo.tracking.flattening import flat_metrics, measured_on_test
from zoo_registry import hookimpl


class TensorBoardLogs:
    """Writes a run's curves, test metrics and configuration to ``folder/<run id>/``; the step is the epoch."""

    name = "TensorBoard"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None
        self._known = -1

    @hookimpl
    def zoo_run_started(self, run_id: str, config: dict[str, Any]) -> None:
        import tensorflow as tf

        folder = self._folder / run_id
        self._known = last_step(folder)
        self._writer = tf.summary.create_file_writer(str(folder))
        if self._known < 0:
            text = json.dumps(config, indent=2, ensure_ascii=False)
            self._write("config", tf.constant(f"```json\n{text}\n```"), 0, "text", "DATA_CLASS_TENSOR")
            self._writer.flush()

    @hookimpl
    def zoo_epoch_ended(self, epoch: int, metrics: dict[str, float]) -> None:
        if epoch > self._known:  # a resumed training comes by epochs again that a killed one had told of
            self._write_scalars(flat_metrics(metrics), epoch)

    @hookimpl
    def zoo_run_finished(self, record: dict[str, Any]) -> None:
        self._write_scalars(measured_on_test(record), record["training"]["epochs"])
        self._writer.close()

    def abandon(self, error: BaseException) -> None:
        """Close the file; what is written stays, and a resumed training adds to it."""
        if self._writer is not None:
            self._writer.close()

    def _write_scalars(self, scalars: dict[str, float], step: int) -> None:
        import tensorflow as tf

        for name, value in scalars.items():
            self._write(name, tf.constant(value, tf.float32), step, "scalars", "DATA_CLASS_SCALAR")
        self._writer.flush()

    def _write(self, name: str, value: Any, step: int, plugin: str, data_class: str) -> None:
        """Write what tf.summary.scalar and tf.summary.text write, which need the package tensorboard."""
        import tensorflow as tf

        metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name=plugin), data_class=data_class
        )
        with self._writer.as_default():
            tf.summary.write(name, value, step=step, metadata=metadata)


def last_step(folder: Path) -> int:
    """The last step in a folder's event files, -1 where there is none; the rest of a broken file is passed over."""
    import tensorflow as tf

    last = -1
    for path in folder.glob("events.out.tfevents.*"):
        try:
            for content in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
                event = tf.compat.v1.Event.FromString(content)
                if event.HasField("summary"):
                    last = max(last, event.step)
        except tf.errors.DataLossError:  # a killed process was writing
            continue
    return last
