"""Workers of a dask cluster: the same as processes of this host, but for where they are."""

from __future__ import annotations

import operator
import os
import time

import pytest

from zoo.scaling.cluster import UploadedFile
from zoo.scaling.executors import executor
from zoo.scaling.workers import WorkerLostError
from zoo.tuning.ranges import parse_search
from zoo_registry.errors import ConfigError

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def workers():
    distributed = pytest.importorskip("distributed")
    how = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with (
        distributed.LocalCluster(n_workers=2, **how) as cluster,
        executor("dask", address=cluster.scheduler_address, threads=3) as opened,
    ):
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
    assert file == UploadedFile("table.txt")
    assert workers.submit(file.find).result(60).read_text() == "here"
    with pytest.raises(WorkerLostError, match="its dask worker was lost"):
        workers.submit(os._exit, 3).result(120)
    assert workers.submit(file.find).result(60).read_text() == "here"
