"""How a check ends but by passing: what it raises beside AssertionError."""

from __future__ import annotations


class NotApplicableError(Exception):
    """The check has no meaning for this architecture; it is skipped."""


class EarlierFailureError(Exception):
    """What the check needs has failed in an earlier one, whose reason stands there."""
