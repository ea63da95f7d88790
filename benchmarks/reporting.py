"""What all benchmarks say alike: the machine, tables in Markdown, and figures beside their limits."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("tensorflow", "keras", "numpy", "pandas", "pyarrow")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def markdown(names: list[str], rows: list[list[Any]]) -> str:
    """A table."""
    lines = [names, ["---:"] * len(names), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:,.1f}" if cell < 100 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def limit(what: str, found: float, *, most: float = float("inf"), least: float = 0.0) -> dict[str, Any]:
    """A figure, and whether it is within its limit."""
    wanted = f"at least {least:g}" if least else f"less than {most:g}"
    return {"found": found, "what": what, "limit": wanted, "kept": least <= found < most}
