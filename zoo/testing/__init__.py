"""The conformance kit: what every architecture must pass, for plugin authors' tests and for ours.

import pytest
from zoo.testing import CHECKS, check
from zoo_registry import discover

@pytest.mark.parametrize("name", CHECKS)
def test_mine(name, tmp_path):
    check(name, discover().catalogue["mine"], tmp_path)

``zoo plugin check mine`` runs the same from the command line. Everything is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.quiet import import_tensorflow

if TYPE_CHECKING:
    from zoo.testing.kit import CHECKS, Check, check, run_checks
    from zoo.testing.kit_report import Report, Verdict

__all__ = ["CHECKS", "Check", "Report", "Verdict", "check", "run_checks"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'zoo.testing' has no attribute '{name}'")
    import_tensorflow()
    return getattr(import_module("zoo.testing.kit"), name)  # which knows the reports too
