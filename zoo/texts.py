"""Text that somebody else wrote, such as names in a table or a manifest, made fit to be shown."""

from __future__ import annotations

import json
from collections.abc import Sequence

MOST_NAMES = 20


def printable(text: object) -> str:
    """A text for a line: what could act on a terminal, end the line, or is no text, is written as an escape."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


def some(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Names by commas, and of very many how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def printable_json(text: str) -> str:
    """A JSON document with escapes, which JSON knows, for what could act on a terminal: the same values."""
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
