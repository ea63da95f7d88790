"""Trainings as tasks: what they are given, and what becomes of them when nobody waits any more."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from zoo.workers.training_tasks import training_tasks


def plain(value, number):
    return value * number


def watched(value, number, callbacks):
    """A training of as many epochs as there are until it is stopped."""
    (callback,) = callbacks
    epoch = 0
    while epoch < number:
        callback.on_epoch_end(epoch, {})
        epoch += 1
    return value, epoch


def test_the_tasks_of_any_executor_are_in_order():
    with ThreadPoolExecutor(2) as executor, training_tasks(executor, plain, "x", [(3,), (1,), (2,)]) as tasks:
        assert [task.result(20) for task in tasks] == ["xxx", "x", "xx"]


def test_workers_look_at_each_epoch_whether_they_are_waited_for(inline_workers, monkeypatch):
    with inline_workers(1) as workers:
        with training_tasks(workers, watched, "x", [(5,)]) as (task,):
            assert task.result(60) == ("x", 5)
        begun, hold = threading.Event(), 10**9

        def begins(value, number, callbacks):
            begun.set()
            return watched(value, number, callbacks)

        def stop(key, stop=workers.stop):
            stop(key)
            workers.submit(str).result(60)  # it ends before another word is said, and its worker takes what is next

        monkeypatch.setattr(workers, "stop", stop)
        with suppress(KeyboardInterrupt), training_tasks(workers, begins, "x", [(hold,), (1,)]) as tasks:
            running, waiting = tasks
            assert begun.wait(60)
            raise KeyboardInterrupt
        assert waiting.cancelled()
        assert type(running.exception(60)).__name__ == "_GivenUpError"
