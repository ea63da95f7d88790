"""Event files, read back with TensorFlow alone."""

from __future__ import annotations

import pytest
import tensorflow as tf

from zoo.tracking.tensorboard_logs import TensorBoardLogs, last_step

RECORD = {"training": {"epochs": 3}, "evaluation": {"network": {"scaled": {"mae": 0.25}}, "baselines": {}}}


def read(folder):
    """(plugin, name, step) -> the values of all files."""
    found = {}
    for path in sorted(folder.iterdir()):
        for content in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(content)
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                found.setdefault((plugin, value.tag, event.step), []).append(tf.make_ndarray(value.tensor).item())
    return found


def told(logs, epochs, finished=False):
    logs.zoo_run_started(run_id="run-1", config={"architecture": "basic"})
    for epoch in epochs:
        logs.zoo_epoch_ended(epoch=epoch, metrics={"loss": 1 / epoch, "val_loss": 2.0, "learning_rate": 0.5})
    if finished:
        logs.zoo_run_finished(record=RECORD)


def test_a_run(tmp_path):
    told(TensorBoardLogs(tmp_path), [1, 2, 3], finished=True)
    found = read(tmp_path / "run-1")
    (text,) = found.pop(("text", "config", 0))
    assert text.startswith(b'```json\n{\n  "architecture": "basic"')
    assert [found["scalars", "loss", epoch] for epoch in (1, 2, 3)] == [[1.0], [0.5], [pytest.approx(1 / 3)]]
    assert found["scalars", "test/network/scaled/mae", 3] == [0.25]
    assert len(found) == 3 * 3 + 1


def test_a_resumed_training_adds_and_doubles_nothing(tmp_path):
    killed = TensorBoardLogs(tmp_path)
    told(killed, [1, 2])
    killed.abandon(KeyboardInterrupt())
    (path,) = (tmp_path / "run-1").iterdir()
    path.write_bytes(path.read_bytes() + b"\x18\x00\x00")  # it was killed while it wrote
    assert last_step(tmp_path / "run-1") == 2
    told(TensorBoardLogs(tmp_path), [2, 3], finished=True)
    path.write_bytes(path.read_bytes()[:-3])  # which is not read
    found = read(tmp_path / "run-1")
    assert sorted(step for plugin, name, step in found if name == "loss") == [1, 2, 3]
    assert all(len(values) == 1 for values in found.values())


def test_no_logs(tmp_path):
    assert last_step(tmp_path / "nothing") == -1
    TensorBoardLogs(tmp_path).abandon(ValueError())
    assert list(tmp_path.iterdir()) == []
