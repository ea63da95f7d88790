"""The parameters of the estimators, made by ``python -m zoo.settings.generate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from zoo.estimators.base import SequenceEstimator
from zoo_registry import Schedule


class RegressorParameters(SequenceEstimator):
    def __init__(
        self,
        architecture: str = "basic",
        target: str | Sequence[str] | None = None,
        window: int = 48,
        horizon: int = 12,
        *,
        features: str | Sequence[str] | None = None,
        weight: str | None = None,
        time: str | None = None,
        time_format: str | None = None,
        zone: str | None = None,
        missing: Literal["error", "drop", "ffill", "interpolate"] = "error",
        calendar: str | Sequence[Literal["minute", "hour", "weekday", "day", "month"]] | None = None,
        gap: int = 0,
        scaler: str = "standard",
        scaler_for: str | Sequence[str] | Mapping[str, str] | None = None,
        target_scaler: str | None = None,
        normalize_window: Literal["none", "last", "instance"] = "none",
        channels: Literal["joint", "shared"] = "joint",
        optimizer: Literal["adam", "adamw", "rmsprop", "sgd", "nadam", "lion"] | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        momentum: float = 0.0,
        nesterov: bool = False,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        schedule: str | Mapping[str, Any] | Schedule | None = None,
        loss: str | Mapping[str, Any] | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        validate_every: int | None = None,
        batch_size: int | None = None,
        patience: int = 10,
        keep: Literal["best", "last"] = "best",
        seed: int = 0,
        engine: Literal["auto", "keras", "fused"] = "auto",
        autotune: bool = False,
        batch_parts: int | None = None,
        steps_per_execution: int | None = None,
        xla: bool | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        validation: float = 0.15,
        metric: str = "r2",
    ) -> None:
        self._set_parameters(locals())


class ClassifierParameters(SequenceEstimator):
    def __init__(
        self,
        architecture: str = "basic",
        target: str | Sequence[str] | None = None,
        window: int = 48,
        *,
        features: str | Sequence[str] | None = None,
        weight: str | None = None,
        time: str | None = None,
        time_format: str | None = None,
        zone: str | None = None,
        missing: Literal["error", "drop", "ffill", "interpolate"] = "error",
        calendar: str | Sequence[Literal["minute", "hour", "weekday", "day", "month"]] | None = None,
        scaler: str = "standard",
        scaler_for: str | Sequence[str] | Mapping[str, str] | None = None,
        normalize_window: Literal["none", "last", "instance"] = "none",
        optimizer: Literal["adam", "adamw", "rmsprop", "sgd", "nadam", "lion"] | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        momentum: float = 0.0,
        nesterov: bool = False,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        schedule: str | Mapping[str, Any] | Schedule | None = None,
        loss: str | Mapping[str, Any] | None = None,
        class_weights: Literal["none", "balanced"] = "none",
        epochs: int | None = None,
        steps: int | None = None,
        validate_every: int | None = None,
        batch_size: int | None = None,
        patience: int = 10,
        keep: Literal["best", "last"] = "best",
        seed: int = 0,
        engine: Literal["auto", "keras", "fused"] = "auto",
        autotune: bool = False,
        batch_parts: int | None = None,
        steps_per_execution: int | None = None,
        xla: bool | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        validation: float = 0.15,
        metric: str = "accuracy",
    ) -> None:
        self._set_parameters(locals())
