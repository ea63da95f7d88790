"""What the pages of all tasks are tried with."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from zoo.reports.report import Training


@pytest.fixture(scope="session")
def evil() -> str:
    """A name that is markup, a formula and of letters that fonts lack."""
    return "<script>alert('$x_1$')</script> & 温度"


@pytest.fixture(scope="session")
def training() -> Training:
    """A training of one epoch, without rates."""
    return Training("basic on a.csv", [("trained", "today")], "[data]\n", {"loss": [3.0], "val_loss": [3.5]}, 1)


@pytest.fixture(scope="session")
def words() -> Callable[[str], str]:
    """What a page says, without its styles."""
    return lambda text: re.sub(r"<style>.*?</style>", "", unescape(text), flags=re.DOTALL)


@pytest.fixture
def pictures(elements) -> Callable[[str], int]:
    """How many pictures a well-formed page has."""
    return lambda text: sum(tag == "svg" for tag, _ in elements(text).tags)
