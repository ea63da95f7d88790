"""What importing costs is measured in a process of its own."""

from __future__ import annotations

import pytest

from zoo.testing import probe
from zoo.testing.probe import measure_import

HOOKED = "from zoo_registry import hookimpl\n\n@hookimpl\ndef zoo_architectures():\n    {body}\n    return []\n"


@pytest.fixture
def cost(tmp_path):
    """``cost(source)``: of importing a module with that source."""

    def measure(source, attribute=""):
        (tmp_path / "tried_plugin.py").write_text(source)
        return measure_import("tried", f"tried_plugin{attribute}", [str(tmp_path)])

    return measure


def test_a_light_module_is_quick_and_needs_no_hook(cost):
    found = cost("print('x')\n")
    assert (found.heavy, found.error) == ((), "")
    assert 0 < found.seconds < 10


@pytest.mark.parametrize("source", ["import sklearn\n", HOOKED.format(body="import sklearn")])
def test_what_it_loads_at_the_top_or_in_a_hook_is_told(source, cost):
    assert "sklearn" in cost(source).heavy


def test_an_attribute_may_be_the_plugin(cost):
    source = "class P:\n    @staticmethod\n    def f(): pass\n\nplugin = P()\n"
    assert cost(source, ":plugin").error == ""


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(4)", "SystemExit: 4"),
        ("import os; os._exit(5)", "its import ended with exit code 5"),
    ],
)
def test_what_ends_it_is_told(source, told, cost):
    assert cost(source).error == told


def test_an_import_that_does_not_end(cost, monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE", 0.5)
    assert "did not end" in cost("import time; time.sleep(60)").error
