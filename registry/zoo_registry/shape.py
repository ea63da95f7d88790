"""What a network must map: the task and the sizes of its input and output."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

WINDOW = "window"
HELPED = (WINDOW,)  # named inputs that ``sequence_inputs`` and ``head`` take care of


class Task(StrEnum):
    """The built-in tasks; a task is its name, so that others are possible."""

    FORECAST = "forecast"
    REGRESS = "regress"
    CLASSIFY = "classify"
    ANOMALY = "anomaly"


TaskName = Annotated[Task | str, Field(union_mode="left_to_right")]  # of a built-in one the member, else its name


@dataclass(frozen=True, kw_only=True)
class SequenceShape:
    """Sizes of a network's input and output, both on scaled values and without the batch axis.

    ``target_columns`` gives, for each target, its column among the features, or None where it is not one of them.
    ``classes`` is their number where the task tells classes, else 0.
    ``masked`` are the features that may be missing, before their masks are joined: an architecture is asked for a
    network of more features, of which the last are masks, 1 where a value was observed, and ``mask_columns`` gives for
    each target the column of its mask; it is empty without masks.
    ``inputs`` are the named ends that the network is told. ``outputs_per_target`` is how many numbers an architecture
    that decodes them itself gives for each target and step; 0: what the task asks for.
    """

    task: str
    window: int
    n_features: int
    horizon: int
    n_targets: int
    target_columns: tuple[int | None, ...]
    classes: int = 0
    quantiles: tuple[float, ...] = ()
    masked: tuple[int, ...] = ()
    mask_columns: tuple[int, ...] = ()
    inputs: tuple[str, ...] = (WINDOW,)
    outputs_per_target: int = 0

    def __post_init__(self) -> None:
        for name in ("window", "n_features", "horizon", "n_targets"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if len(self.target_columns) != self.n_targets:
            raise ValueError(f"target_columns must name {self.n_targets} target(s), found {len(self.target_columns)}")
        if self.classes and self.classes < 2:
            raise ValueError(f"expected two or more classes, or 0 of a task that tells none, found {self.classes}")

    @property
    def input(self) -> tuple[int, int]:
        """(window, n_features)."""
        return (self.window, self.n_features)

    @property
    def output(self) -> tuple[int, ...]:
        """(horizon, n_targets), with a third axis for quantiles or an architecture's own numbers, or (n_classes,)."""
        if self.classes:
            return (self.classes,)
        last = self.outputs_per_target or len(self.quantiles)
        return (self.horizon, self.n_targets, last) if last else (self.horizon, self.n_targets)
