"""A value for all tasks: through one file for workers of the zoo, with each task for others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from zoo.workers.sharing import shared


def test_workers_map_one_file_and_read_it_once(inline_workers):
    value = {"rows": np.arange(1000.0), "name": "load"}
    with inline_workers(2) as workers:
        with shared(workers, value) as found:
            first, second = (workers.submit(found).result(20) for _ in range(2))
            path = Path(first["rows"].filename)
            assert path.is_file()
        assert not path.exists()
    assert first is second
    assert first["name"] == "load"
    assert isinstance(first["rows"], np.memmap)
    assert not first["rows"].flags.writeable
    np.testing.assert_array_equal(first["rows"], value["rows"])


def test_other_executors_carry_it():
    value = object()
    with ThreadPoolExecutor(1) as executor, shared(executor, value) as found:
        assert executor.submit(found).result(20) is value
