"""The keywords of ``zoo.train`` and others, made by ``python -m zoo.settings.generate``; None counts as left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from zoo.data.readers.csv_files import CsvFormat
from zoo_registry import Schedule, Task


class TableKeywords(TypedDict, total=False):
    """How a table is read."""

    time: str | None
    time_format: str | None
    zone: str | None
    series: str | None
    layout: Literal["auto", "long", "wide", "files"] | None
    short_series: Literal["error", "drop", "pad"] | None
    sort: bool | None
    resample: str | None
    aggregate: Literal["mean", "last", "sum"] | None
    gaps: Literal["error", "break", "ignore"] | None


class TrialKeywords(TableKeywords, total=False):
    """Settings that trials of a study have."""

    task: Task | Literal["forecast", "regress", "classify", "anomaly"] | None
    target: str | Sequence[str] | None
    features: str | Sequence[str] | None
    label: str | None
    weight: str | None
    delimiter: str | None
    decimal: str | None
    encoding: str | None
    comment: str | None
    thousands: str | None
    missing: Literal["error", "drop", "ffill", "interpolate", "mask"] | None
    calendar: str | Sequence[Literal["minute", "hour", "weekday", "day", "month"]] | None
    window: int | None
    horizon: int | None
    gap: int | None
    split: str | Sequence[float] | None
    split_dates: str | Sequence[str | int] | None
    split_last: str | Sequence[int] | None
    embargo: int | None
    stride: int | None
    context: bool | None
    scaler: str | None
    scaler_for: str | Sequence[str] | Mapping[str, str] | None
    target_scaler: str | None
    scaler_per_series: Literal["off", "refuse", "window"] | None
    season: int | None
    normalize_window: (
        Literal[
            "auto",
            "none",
            "last",
            "instance",
            "seasonal",
            "mean",
            "last+asinh",
            "instance+asinh",
            "seasonal+asinh",
            "mean+asinh",
        ]
        | None
    )
    channels: Literal["joint", "shared"] | None
    quantiles: str | Sequence[float] | None
    threshold: float | None
    anomaly_rate: float | None
    optimizer: Literal["adam", "adamw", "rmsprop", "sgd", "nadam", "lion"] | None
    learning_rate: float | None
    weight_decay: float | None
    momentum: float | None
    nesterov: bool | None
    clip_norm: float | None
    clip_value: float | None
    schedule: str | Mapping[str, Any] | Schedule | None
    loss: str | Mapping[str, Any] | None
    class_weights: Literal["none", "balanced"] | None
    epochs: int | None
    steps: int | None
    validate_every: int | None
    sample_by: Literal["windows", "series"] | None
    batch_size: int | None
    patience: int | None
    keep: Literal["best", "last"] | None
    seed: int | None
    checkpoint_every: int | None
    engine: Literal["auto", "keras", "fused"] | None
    batch_parts: int | None
    steps_per_execution: int | None
    xla: bool | None


class RunKeywords(TrialKeywords, total=False):
    """Settings of a run."""

    train_on_validation: bool | None
    start_from: str | None
    autotune: bool | None


class StudyKeywords(TrialKeywords, total=False):
    """Settings of a study."""

    sampler: Literal["tpe", "random", "grid"] | None
    grid_points: int | None
    pruner: Literal["median", "halving", "none"] | None
    trials: int | None
    minutes: float | None
    folds: int | None
    fold_kind: Literal["expanding", "sliding"] | None
    fold_rows: int | None
    fold_train_rows: int | None


class ReadingKeywords(TableKeywords, total=False):
    """How a bundle's table is read."""

    csv: CsvFormat
    spool: str | Path | None
