"""The zoo's conformance kit on this architecture; install the distribution before."""

from pathlib import Path

import pytest

from zoo.testing import CHECKS, check
from zoo_registry import discover


@pytest.mark.parametrize("name", CHECKS)
def test_it_conforms(name: str, tmp_path: Path) -> None:
    check(name, discover().catalogue["student-t"], tmp_path)
