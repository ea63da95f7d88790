"""Learning-rate schedules: what they are called, what can be set, and the formula that each of them means.

In every formula ``rate`` is the learning rate that was asked for, and ``t`` the number of optimizer steps that are
done: 0 at the first. ``steps = 0`` stands for the whole training, all epochs, whether it is stopped early or not.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_MOST_STEPS = 10**9


class BaseSchedule(BaseModel):
    """What all schedules share: they are frozen, their numbers finite, and unknown names forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ConstantSchedule(BaseSchedule):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"


class ExponentialSchedule(BaseSchedule):
    """``rate * factor ** (t / steps)``, smoothly; ``factor`` is the field ``rate`` (Keras' ``ExponentialDecay``)."""

    kind: Literal["exponential"] = "exponential"
    steps: int = Field(10_000, ge=1, le=_MOST_STEPS, description="optimizer steps for one factor of rate")
    rate: float = Field(0.9, gt=0.0, le=1.0, description="factor for each that many steps")


class CosineSchedule(BaseSchedule):
    """Half a wave down, after a warm-up, once or again and again (SGDR: Loshchilov & Hutter 2017, arXiv:1608.03983).

    In the warm-up, ``t < warmup``: ``rate * t / warmup``. After it, with ``u = t - warmup``::

        rate * (floor + (1 - floor) * height ** i * (1 + cos(pi * p)) / 2)

    Without restarts ``i = 0`` and ``p = min(u / steps, 1)``; ``steps = 0`` is what the warm-up leaves of the training.
    With them the i-th cycle has ``steps * length ** i`` steps, of which ``p`` is the share that is done.
    """

    kind: Literal["cosine"] = "cosine"
    steps: int = Field(
        0, ge=0, le=_MOST_STEPS, description="optimizer steps after the warm-up, or of the first cycle; 0: all"
    )
    warmup: int = Field(0, ge=0, le=_MOST_STEPS, description="optimizer steps of the straight way up from 0")
    restarts: bool = Field(False, description="whether each descent is followed by another")
    length: float = Field(2.0, ge=1.0, le=100.0, description="with restarts: each cycle's length over the one before")
    height: float = Field(1.0, gt=0.0, le=1.0, description="with restarts: each cycle's height over the one before")
    floor: float = Field(0.0, ge=0.0, lt=1.0, description="lowest rate, as a fraction of the learning rate")

    @model_validator(mode="after")
    def _check(self) -> Self:
        fields = type(self).model_fields
        if self.restarts and not self.steps:
            raise ValueError("restarts need steps, the length of the first cycle; give steps too")
        if not self.restarts and (self.length != fields["length"].default or self.height != fields["height"].default):
            raise ValueError("length and height are those of restarts; give restarts=true too, or leave them out")
        return self


class CyclicalSchedule(BaseSchedule):
    """Up and down in straight lines between a low rate and the learning rate (Smith 2017, arXiv:1506.01186).

    With ``cycle = floor(1 + t / (2 * steps))`` and ``x = abs(t / steps - 2 * cycle + 1)``::

        rate * (low + (1 - low) * max(0, 1 - x) * scale)

    where ``scale`` is 1 (triangular), ``1 / 2 ** (cycle - 1)`` (triangular2) or ``gamma ** t`` (exp-range). In Smith's
    exp_range the low rate falls too; here it stays, as in PyTorch's ``CyclicLR``.
    """

    kind: Literal["cyclical"] = "cyclical"
    mode: Literal["triangular", "triangular2", "exp-range"] = Field(
        "triangular", description="peaks that stay, are halved with each cycle, or fall with each step"
    )
    low: float = Field(0.1, ge=0.0, lt=1.0, description="lowest rate, as a fraction of the learning rate")
    steps: int = Field(2000, ge=1, le=_MOST_STEPS, description="optimizer steps of half a cycle; Smith: 2 to 10 epochs")
    gamma: float = Field(0.9999, gt=0.0, le=1.0, description="exp-range: factor of the peaks for each step")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mode != "exp-range" and self.gamma != type(self).model_fields["gamma"].default:
            raise ValueError("gamma is that of mode exp-range; give mode=exp-range too, or leave it out")
        return self


class OneCycleSchedule(BaseSchedule):
    """Once up and far down (Smith & Topin 2018, arXiv:1708.07120), in two half waves, as fastai and PyTorch do it.

    With ``up = warmup * steps``, and ``wave(a, b, p) = b + (a - b) * (1 + cos(pi * p)) / 2`` from a to b::

        rate * wave(start, 1, t / up)                          where t < up
        rate * wave(1, end, min((t - up) / (steps - up), 1))   after it

    The paper moves the momentum against the learning rate; here it is left alone.
    """

    kind: Literal["one-cycle"] = "one-cycle"
    steps: int = Field(0, ge=0, le=_MOST_STEPS, description="optimizer steps of the cycle; 0: the whole training")
    warmup: float = Field(0.3, ge=0.0, lt=1.0, description="share of the steps on the way up")
    start: float = Field(0.04, ge=0.0, le=1.0, description="first rate, as a fraction of the learning rate")
    end: float = Field(4e-6, ge=0.0, le=1.0, description="last rate, as a fraction of the learning rate")


class PlateauSchedule(BaseSchedule):
    """The rate is multiplied by ``factor`` whenever the validation loss has not improved for ``patience`` epochs.

    An improvement is one of more than ``min_delta`` over the best loss so far; the rate never falls below
    ``floor * rate``. This is Keras' ``ReduceLROnPlateau`` without a cooldown. The training's own patience, which ends
    it, should be the longer one.
    """

    kind: Literal["plateau"] = "plateau"
    factor: float = Field(0.5, gt=0.0, lt=1.0, description="of the learning rate, at each plateau")
    patience: int = Field(4, ge=1, le=_MOST_STEPS, description="epochs without improvement that make a plateau")
    floor: float = Field(1e-3, ge=0.0, le=1.0, description="smallest rate, as a fraction of the learning rate")
    min_delta: float = Field(1e-4, ge=0.0, description="least fall of the validation loss that counts")


Schedule = Annotated[
    ConstantSchedule | ExponentialSchedule | CosineSchedule | CyclicalSchedule | OneCycleSchedule | PlateauSchedule,
    Field(discriminator="kind"),
]
SCHEDULES: dict[str, type[BaseSchedule]] = {
    "constant": ConstantSchedule,
    "exponential": ExponentialSchedule,
    "cosine": CosineSchedule,
    "cyclical": CyclicalSchedule,
    "one-cycle": OneCycleSchedule,
    "plateau": PlateauSchedule,
}
