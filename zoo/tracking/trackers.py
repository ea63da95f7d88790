"""The trackers that ``zoo train`` and ``zoo export`` can be asked for."""

from __future__ import annotations

from pathlib import Path

from zoo.tracking.lifecycle import Tracker
from zoo.tracking.mlflow_tracker import MlflowTracker
from zoo.tracking.tensorboard_logs import TensorBoardLogs

TENSORBOARD_FOLDER = "tensorboard"


def make_trackers(runs: Path, *, tensorboard: bool = False, mlflow: str | None = None) -> list[Tracker]:
    """Make the trackers of a run below ``runs``; MLflow is reached now, and a ConfigError says where it is not."""
    trackers: list[Tracker] = []
    if tensorboard:
        trackers.append(TensorBoardLogs(runs / TENSORBOARD_FOLDER))
    if mlflow is not None:
        trackers.append(MlflowTracker(mlflow))
    return trackers
