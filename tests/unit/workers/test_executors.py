"""Workers of this host and of a dask cluster alike: tasks in processes of their own, files for them, and messages."""

from __future__ import annotations

import operator
import os
import sys
import time
from contextlib import ExitStack

import pytest

from zoo.settings.loss_names import find_loss
from zoo.workers.executors import executor
from zoo.workers.messages import WorkerLostError
from zoo_registry.errors import ConfigError


@pytest.fixture(scope="module", params=["loky", pytest.param("dask", marks=pytest.mark.full)])
def workers(request):
    with ExitStack() as stack:
        where = {"jobs": 2}
        if request.param == "dask":
            distributed = pytest.importorskip("distributed")
            how = {"threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
            cluster = stack.enter_context(distributed.LocalCluster(n_workers=2, **how))
            where = {"address": cluster.scheduler_address}
        yield stack.enter_context(executor(request.param, threads=3, **where))


def test_tasks_run_in_processes_that_are_used_again_with_their_threads(workers):
    assert workers.jobs == 2
    pids = {workers.submit(os.getpid).result(60) for _ in range(4)}
    assert os.getpid() not in pids
    assert len(pids) <= 2
    assert workers.submit(operator.add, 2, 3).result(60) == 5
    for name, value in (("TF_NUM_INTRAOP_THREADS", "1"), ("TF_NUM_INTEROP_THREADS", "3"), ("OMP_NUM_THREADS", "3")):
        assert workers.submit(os.getenv, name).result(60) == value


def test_what_a_task_raises_its_future_raises(workers):
    with pytest.raises(ZeroDivisionError):
        workers.submit(operator.floordiv, 1, 0).result(60)
    with pytest.raises(ConfigError, match="there is no loss 'mes'"):
        workers.submit(find_loss, "mes").result(60)


def test_messages_come_once_and_in_order_and_a_task_can_be_stopped(workers):
    reporter, other = workers.reporter("7"), workers.reporter("12")
    for who, epoch in ((reporter, 1), (other, 5), (reporter, 2)):
        workers.submit(who.send, {"epoch": epoch}).result(60)
    end, found = time.monotonic() + 20, []
    while len(found) < 3 and time.monotonic() < end:
        found += workers.messages()
        time.sleep(0.05)
    assert sorted(found, key=operator.itemgetter(0)) == [
        *(("12", {"epoch": 5}), ("7", {"epoch": 1}), ("7", {"epoch": 2}))
    ]
    assert workers.messages() == []
    assert not workers.submit(reporter.stopped).result(60)
    workers.stop("7")
    assert workers.submit(reporter.stopped).result(60)
    assert not workers.submit(other.stopped).result(60)


def test_a_task_that_kills_its_workers_is_given_up_and_files_are_there_for_workers_that_come_later(workers, tmp_path):
    (path := tmp_path / "x.txt").write_text("here")
    file, folder = workers.share(path), workers.share(tmp_path)
    with pytest.raises(WorkerLostError, match=r"its (worker process ended|dask worker was lost) 3 times"):
        workers.submit(os._exit, 3).result(120)
    assert workers.submit(file.find).result(60).read_text() == "here"
    assert (workers.submit(folder.find).result(60) / "x.txt").read_text() == "here"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"backend": "ray"}, "`backend` is one of loky, dask, found 'ray'"),
        ({"backend": "dask"}, "`backend='dask'` needs the scheduler's `address`"),
        ({"address": "tcp://127.0.0.1:1"}, "`address` is for `backend='dask'`"),
        ({"jobs": 0}, "`jobs`: expected 1 or more, found 0"),
        ({"threads": -1}, "`threads`: expected 1 or more, found -1"),
    ],
)
def test_what_does_not_suit_is_told(settings, words):
    with pytest.raises(ConfigError, match=words):
        executor(**settings)


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'lstm-zoo\[dask\]'"):
        executor("dask", address="tcp://127.0.0.1:1")
