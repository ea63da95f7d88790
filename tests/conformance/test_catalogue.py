"""The conformance kit over every architecture that is installed; new ones come in without an edit here."""

from __future__ import annotations

import pytest

from zoo.testing import CHECKS, check
from zoo_registry import discover

CATALOGUE = discover().catalogue


LONG = {"export of other tasks"}  # but of one architecture, left to make test-full


@pytest.mark.parametrize(
    ("check_name", "name"),
    [
        pytest.param(check_name, name, marks=[pytest.mark.full] if check_name in LONG and name != "basic" else [])
        for check_name in CHECKS
        for name in CATALOGUE
    ],
)
def test_architecture(name, check_name, tmp_path):
    check(check_name, CATALOGUE[name].architecture, tmp_path)
