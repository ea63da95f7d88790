"""What discovery notes of each plugin: where it comes from, what it contributes, and what loading it cost."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

# What a plugin imports inside its functions: at the top every command, ``zoo list`` too, would wait for it
HEAVY = ("tensorflow", "keras", "torch", "jax", "pandas", "sklearn", "onnxruntime")
SLOW = 1.0  # seconds
OWN = "lstm-zoo"  # the distribution of the zoo's own plugins


def heavy_modules() -> set[str]:
    """Those of ``HEAVY`` that this process has loaded."""
    return {name for name in HEAVY if name in sys.modules}


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """An entry point of the group ``zoo``, and what became of it.

    ``value`` is what the entry point names, ``seconds`` how long it took to load it and to ask its hooks, ``heavy``
    what of :data:`HEAVY` that loaded first in this process. ``contributions`` are the names of what it registers by
    kind, such as ``architectures``. ``error`` is why it was left out, else empty; ``disabled``: it was switched off
    and not even loaded.
    """

    name: str
    distribution: str
    version: str
    value: str
    seconds: float = 0.0
    heavy: tuple[str, ...] = ()
    contributions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    error: str = ""
    disabled: bool = False

    @property
    def essential(self) -> bool:
        """Whether every training and bundle needs it, so that nobody switches it off."""
        return self.distribution == OWN and self.name in ("scalers", "losses", "runtimes")

    @property
    def status(self) -> str:
        """``ok``, ``broken`` or ``disabled``."""
        return "disabled" if self.disabled else "broken" if self.error else "ok"

    @property
    def failure(self) -> str:
        """One sentence that says why it was left out; empty where it was not."""
        return self.error and f"plugin '{self.name}' of distribution '{self.distribution}' was left out: {self.error}"

    @property
    def complaint(self) -> str:
        """One sentence where every command waits for this plugin; empty where it is quick."""
        if not self.heavy and self.seconds <= SLOW:
            return ""
        why = f"loads {', '.join(self.heavy)} when it is imported" if self.heavy else "is slow to load"
        return (
            f"plugin '{self.name}' of distribution '{self.distribution}' {why} ({self.seconds:.1f} s), and every"
            " command waits for that; import such modules inside its functions"
        )
