"""What a network may be asked for: each task is one file here, and one line in the table.

Nothing else asks which task it is; who needs to know what a task wants, asks the task.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from zoo_registry.errors import ConfigError, close_match_hint

if TYPE_CHECKING:
    from zoo.tasks.base import SequenceTask

TASKS = {  # name -> module:class, imported when the task is asked for
    "forecast": "zoo.tasks.forecast:Forecast",
    "regress": "zoo.tasks.regress:Regress",
    "classify": "zoo.tasks.classify:Classify",
    "anomaly": "zoo.tasks.anomaly:Anomaly",
}


def find_task(name: str) -> SequenceTask:
    """The task of this name; raises ConfigError with a close match where there is none."""
    if name not in TASKS:
        raise ConfigError(f"there is no task '{name}'{close_match_hint(name, TASKS)}")
    return _made(TASKS[name])


@cache
def _made(place: str) -> SequenceTask:
    module, _, name = place.partition(":")
    task: SequenceTask = getattr(import_module(module), name)()
    return task
