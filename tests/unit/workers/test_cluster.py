"""What a dask cluster's workers are sent is known as the zoo's, and nothing is left of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo.removal import is_staging
from zoo.workers.executors import executor


def unpacked(shared):
    """Where a worker finds a folder, and what is in it."""
    place = shared.find()
    return place, sorted(path.relative_to(place).as_posix() for path in place.rglob("*"))


@pytest.mark.full
def test_a_folder_comes_to_each_worker_and_is_gone_with_the_executor(tmp_path):
    distributed = pytest.importorskip("distributed")
    (tmp_path / "inner" / "empty").mkdir(parents=True)
    (tmp_path / "inner" / "x.txt").write_text("here")
    how = {"threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(n_workers=2, **how) as cluster:
        with executor("dask", address=cluster.scheduler_address) as opened:
            shared = opened.share(tmp_path)
            assert is_staging(Path(shared.archive.name)), "so that it is known where it is removed"
            found = dict(task.result(60) for task in [opened.submit(unpacked, shared) for _ in range(8)])
            assert set(map(tuple, found.values())) == {("inner", "inner/empty", "inner/x.txt")}
            assert not any(place.is_relative_to(tmp_path) for place in found)
            for place in found:
                assert (place / "inner" / "x.txt").read_text() == "here"
                (place / "mark").touch()
            again = {opened.submit(unpacked, shared).result(60)[0] for _ in range(8)}
            assert all((place / "mark").exists() for place in again & set(found)), "it is not unpacked again"
            assert again & set(found)
        assert not any(place.exists() or place.with_suffix(".tar").exists() for place in found)
