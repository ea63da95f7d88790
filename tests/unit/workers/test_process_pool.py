"""Worker processes of this host: lives of their own, and nothing left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from zoo.workers.executors import executor
from zoo.workers.worker_threads import cores, set_threads, thread_environment


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it asks /proc whether a process lives")


def until(condition, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.fixture(scope="module")
def workers():
    with executor("loky", jobs=2, threads=3) as opened:
        yield opened


def test_a_worker_that_grows_is_begun_anew_without_a_word(recwarn):
    pytest.importorskip("psutil")
    with executor("loky", jobs=1) as opened:
        first = opened.submit(os.getpid).result()
        for _ in range(3):  # loky looks once a second at most
            opened.submit(exec, "import sys, time; time.sleep(1.1); sys.kept = bytearray(400_000_000)").result()
        assert opened.submit(os.getpid).result() != first
    assert [str(one.message) for one in recwarn] == []


def test_workers_leave_ctrl_c_to_the_parent(workers):
    assert workers.submit(signal.getsignal, signal.SIGINT).result() is signal.SIG_IGN


def test_a_killed_worker_costs_its_task_alone_which_is_run_again(workers, tmp_path):
    marks, other = tmp_path / "marks", tmp_path / "other"
    killed = workers.submit(subprocess.check_call, [sys.executable, "-c", MARK, str(marks), "2"])
    beside = workers.submit(subprocess.check_call, [sys.executable, "-c", MARK, str(other), "3"])
    assert until(lambda: marks.exists() and other.exists())
    (parent,) = marks.read_text().split()
    os.kill(int(parent), signal.SIGKILL)
    assert killed.result(60) == beside.result(60) == 0
    assert len(marks.read_text().split()) == 2, "run again"
    assert len(other.read_text().split()) == 1, "not disturbed"


MARK = """
import os, sys, time
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getppid()}\\n")
time.sleep(float(sys.argv[2]))
"""


def test_a_half_written_message_waits_for_its_rest(workers):
    reporter = workers.reporter("3")
    path = Path(reporter.folder) / "3.jsonl"
    path.write_text('{"epoch": 1}\n{"epo', encoding="utf-8")
    assert workers.messages() == [("3", {"epoch": 1})]
    with path.open("a") as file:
        file.write('ch": 2}\n')
    assert workers.messages() == [("3", {"epoch": 2})]
    workers.stop("3")
    assert not workers.reporter("3").stopped(), "a task of that name that is run again begins anew"
    assert workers.messages() == []


@needs_proc
def test_closing_ends_the_processes_and_what_runs():
    with executor("loky") as opened:
        pid = opened.submit(os.getpid).result(60)
        running = opened.submit(time.sleep, 60)
        folder = opened._folder
        time.sleep(0.3)
    assert until(lambda: not lives(pid))
    assert running.exception(10) is not None
    assert not folder.exists()


KILLED = """
import os, time
from zoo.settings.loss_names import find_loss
from zoo.workers.executors import executor
workers = executor("loky")
print(workers.submit(os.getpid).result(), flush=True)
workers.submit(time.sleep, 60)
time.sleep(60)
"""


@needs_proc
def test_workers_end_with_a_parent_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert until(lambda: not lives(worker))


def test_cores_are_shared_out():
    with executor("loky", jobs=2) as opened:
        assert opened._environment["TF_NUM_INTEROP_THREADS"] == str(max(1, cores() // 2))
    assert thread_environment(4)["OMP_NUM_THREADS"] == "4"


def test_threads_are_set_before_tensorflow_starts_and_left_alone_after(monkeypatch):
    told = []
    monkeypatch.setitem(sys.modules, "pyarrow", SimpleNamespace(set_cpu_count=told.append))
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "9")
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    set_threads(5)
    assert os.environ["TF_NUM_INTEROP_THREADS"] == "9"
    monkeypatch.delitem(sys.modules, "tensorflow")
    for name in thread_environment(5):
        monkeypatch.setenv(name, "1")
    set_threads(5)
    assert os.environ["TF_NUM_INTEROP_THREADS"] == "5"
    assert told == [5, 5], "PyArrow can be told at any time"
