"""How a check ends: what it learned, or what it raises beside AssertionError."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Findings:
    """Facts about the architecture, and warnings: what its author should know though the check passed.

    ``failure`` says what does not hold where that leaves the facts as they are.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    failure: str = ""


class NotApplicableError(Exception):
    """The check has no meaning for this architecture; it is skipped."""


class EarlierFailureError(Exception):
    """What the check needs has failed in an earlier one, whose reason stands there."""
