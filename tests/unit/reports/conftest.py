"""Reading a page back."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest


class _Elements(HTMLParser):
    """The tags of a page and their attributes; every tag that is not void has to be closed in its turn."""

    VOID = frozenset({"meta", "br", "path", "use", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def elements() -> type[_Elements]:
    """``elements(text).tags`` of a page that is well-formed."""
    return _Elements
