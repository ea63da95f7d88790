"""Garbage is not looked for while libraries are imported, and is afterwards, if it was before."""

from __future__ import annotations

import gc

import pytest

from zoo.importing import uncollected


@pytest.mark.parametrize("before", [True, False])
def test_it_is_as_before_also_after_an_error(before):
    usual = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() == before
        with pytest.raises(ImportError), uncollected():
            raise ImportError
        assert gc.isenabled() == before
    finally:
        (gc.enable if usual else gc.disable)()
