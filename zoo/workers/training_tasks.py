"""Trainings as tasks of an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from zoo.quiet import import_tensorflow
from zoo.workers.messages import Reporter, Workers
from zoo.workers.sharing import shared


@contextmanager
def training_tasks(
    executor: Executor, train: Callable[..., Any], value: Any, arguments: Iterable[tuple[Any, ...]]
) -> Iterator[list[Future[Any]]]:
    """Have an executor call ``train(value, *given, callbacks=…)`` for each of the ``arguments``; gives their futures.

    Workers of the zoo get the value once, and are cleared of a network behind it. At the end, and after an exception,
    tasks that have not begun are cancelled, and those that run are given up: workers of the zoo end them at an epoch.
    """
    workers, session = (executor if isinstance(executor, Workers) else None), uuid4().hex
    with shared(executor, value) as data:
        keys = {f"{session}-{number}": given for number, given in enumerate(arguments)}
        tasks = {
            key: executor.submit(_run, train, data, given, None if workers is None else workers.reporter(key))
            for key, given in keys.items()
        }
        try:
            yield list(tasks.values())
        finally:
            begun = [key for key, task in tasks.items() if not task.cancel()]  # all, before a worker becomes free
            for key in begun:
                if workers is not None and not tasks[key].done():
                    workers.stop(key)


class _GivenUpError(Exception):
    """Nobody waits for this training any more."""


def _run(train: Callable[..., Any], data: Callable[[], Any], given: tuple[Any, ...], reporter: Reporter | None) -> Any:
    if reporter is None:
        return train(data(), *given)
    asked = reporter

    def look(epoch: int, logs: dict[str, float] | None = None) -> None:
        if asked.stopped():
            raise _GivenUpError

    with keras_session():
        import keras

        return train(data(), *given, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=look)])


@contextmanager
def keras_session() -> Iterator[None]:
    """Start TensorFlow without its greetings, where it has not been started, and leave nothing to the next training."""
    import_tensorflow()
    import keras

    try:
        yield
    finally:
        keras.utils.clear_session()
