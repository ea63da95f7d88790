"""A process that was forked after TensorFlow ran: it lacks TensorFlow's threads, and would wait for them for ever."""

from __future__ import annotations

import os

from zoo.keras_internals import tensorflow_ran

_ran_before = False  # whether TensorFlow had computed anything in the process that this one was forked from


def refuse_forked() -> None:
    """Raise ConfigError in such a process, before anything of TensorFlow is called."""
    from zoo_registry.errors import ConfigError

    if _ran_before:
        raise ConfigError(
            "this process was forked from one in which TensorFlow had run already, whose threads a fork does not copy,"
            ' so that it would wait for ever; start it with multiprocessing.get_context("spawn"), or fork before'
            " TensorFlow runs"
        )


def _note() -> None:
    global _ran_before
    _ran_before = _ran_before or tensorflow_ran()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note)
