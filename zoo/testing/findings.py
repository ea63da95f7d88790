"""What a check that passed learned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Findings:
    """Facts about the architecture, and warnings: what its author should know though the check passed."""

    facts: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
