"""The conformance kit over every architecture that is installed; new ones come in without an edit here."""

from __future__ import annotations

import pytest

from zoo.testing import CHECKS, check
from zoo_registry import discover

CATALOGUE = discover().catalogue


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("check_name", CHECKS)
def test_architecture(name, check_name, tmp_path):
    check(check_name, CATALOGUE[name].architecture, tmp_path)
