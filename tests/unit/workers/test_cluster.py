"""Workers of a dask cluster: the same as processes of this host, but for where they are."""

from __future__ import annotations

import operator
import os
import time
from pathlib import Path

import pytest

from zoo.removal import is_staging
from zoo.tuning.search_range import parse_search
from zoo.workers.executors import executor
from zoo.workers.messages import WorkerLostError
from zoo_registry.errors import ConfigError

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def address():
    distributed = pytest.importorskip("distributed")
    how = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(n_workers=2, **how) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def workers(address):
    with executor("dask", address=address, threads=3) as opened:
        yield opened


def test_there_are_as_many_jobs_as_workers_each_with_its_threads(workers):
    assert workers.jobs == 2
    assert workers.submit(os.getpid).result(60) != os.getpid()
    assert workers.submit(os.getenv, "TF_NUM_INTEROP_THREADS").result(60) == "3"


def test_what_a_task_raises_its_future_raises(workers):
    assert workers.submit(operator.add, 2, 3).result(60) == 5
    with pytest.raises(ConfigError, match="low up to high"):
        workers.submit(parse_search, "units=9..2").result(60)


def test_messages_come_in_order_and_a_task_can_be_stopped(workers):
    reporter, other = workers.reporter("7"), workers.reporter("12")
    for epoch in (1, 2):
        workers.submit(reporter.send, {"epoch": epoch}).result(60)
    end, found = time.monotonic() + 20, []
    while len(found) < 2 and time.monotonic() < end:
        found += workers.messages()
        time.sleep(0.05)
    assert found == [("7", {"epoch": 1}), ("7", {"epoch": 2})]
    assert not workers.submit(reporter.stopped).result(60)
    workers.stop("7")
    assert workers.submit(reporter.stopped).result(60)
    assert not workers.submit(other.stopped).result(60)


def test_a_task_that_kills_its_workers_is_given_up_and_files_are_there_for_workers_that_come_later(workers, tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("here")
    file = workers.share(path)
    assert is_staging(Path(file.name)), "so that it is known as the zoo's where it is removed"
    assert workers.submit(file.find).result(60).read_text() == "here"
    with pytest.raises(WorkerLostError, match="its dask worker was lost"):
        workers.submit(os._exit, 3).result(120)
    assert workers.submit(file.find).result(60).read_text() == "here"


def unpacked(shared):
    """Where a worker finds a folder, and what is in it."""
    place = shared.find()
    return place, sorted(path.relative_to(place).as_posix() for path in place.rglob("*"))


def test_a_folder_comes_to_each_worker_and_is_gone_with_the_executor(address, tmp_path):
    (tmp_path / "inner" / "empty").mkdir(parents=True)
    (tmp_path / "inner" / "x.txt").write_text("here")
    with executor("dask", address=address) as opened:
        shared = opened.share(tmp_path)
        found = {task.result(60)[0]: task.result(60)[1] for task in [opened.submit(unpacked, shared) for _ in range(8)]}
        assert set(map(tuple, found.values())) == {("inner", "inner/empty", "inner/x.txt")}
        assert not any(place.is_relative_to(tmp_path) for place in found)
        for place in found:
            assert (place / "inner" / "x.txt").read_text() == "here"
            (place / "mark").touch()
        again = {opened.submit(unpacked, shared).result(60)[0] for _ in range(8)}
        assert all((place / "mark").exists() for place in again & set(found)), "it is not unpacked again"
        assert again & set(found)
    assert not any(place.exists() or place.with_suffix(".tar").exists() for place in found)
