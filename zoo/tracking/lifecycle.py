"""Call the lifecycle hooks of plugins and trackers, so that none of them can end a training."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from copy import deepcopy
from functools import partial
from typing import Any, Protocol

from zoo_registry import discover
from zoo_registry.discovery import new_manager, sentence_of


class Tracker(Protocol):
    """What the zoo's own trackers have beside lifecycle hooks."""

    name: str

    def abandon(self, error: BaseException) -> None:
        """End what was begun and is not over: the training, or the tracker itself, ended with this error."""


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


class Lifecycle:
    """The hooks of one run: those of all installed plugins, and of the trackers that were asked for.

    A plugin that raises is named to ``say``, once, and left out from then on. What hooks print goes to standard error.
    """

    def __init__(self, trackers: Sequence[Tracker] = (), say: Callable[[str], None] = _warn) -> None:
        self._trackers = tuple(trackers)
        self._say = say
        self._failed: set[str] = set()
        self._manager = new_manager()  # of its own: trackers are plugins of this run alone
        named = [(name, plugin) for name, plugin in discover().manager.list_name_plugin() if plugin is not None]
        for name, plugin in [*named, *((tracker.name, tracker) for tracker in trackers)]:
            self._manager.register(plugin, name)

    def run_started(self, run_id: str, config: dict[str, Any]) -> None:
        """A training begins, or goes on."""
        self._call("zoo_run_started", run_id=run_id, config=config)

    def epoch_ended(self, run_id: str, epoch: int, metrics: dict[str, float]) -> None:
        """An epoch, counted from 1, has ended."""
        self._call("zoo_epoch_ended", run_id=run_id, epoch=epoch, metrics=metrics)

    def epochs(self, run_id: str) -> Any:
        """What Keras calls at the end of each epoch."""
        import keras  # here, not above: an export has no need of it

        def ended(epoch: int, logs: dict[str, float]) -> None:
            self.epoch_ended(run_id, epoch + 1, {name: float(value) for name, value in logs.items()})

        return keras.callbacks.LambdaCallback(on_epoch_end=ended)

    def run_finished(self, run_id: str, folder: str, record: dict[str, Any]) -> None:
        """The run is whole, in its folder."""
        self._call("zoo_run_finished", run_id=run_id, folder=folder, record=record)

    def bundle_written(self, run_id: str, folder: str, manifest: dict[str, Any]) -> None:
        """A bundle of the run is published."""
        self._call("zoo_bundle_written", run_id=run_id, folder=folder, manifest=manifest)

    @contextmanager
    def watching(self, run_id: str, config: dict[str, Any]) -> Iterator[None]:
        """Tell that a training begins; where it ends with an error, the trackers end too, and the error goes on."""
        try:
            self.run_started(run_id, config)
            yield
        except BaseException as error:
            for tracker in self._trackers:
                self._guard(tracker.name, "abandon", partial(tracker.abandon, error))
            raise

    def _call(self, hook: str, **data: Any) -> None:
        plugins = self._manager.get_plugins()
        # pluggy keeps implementations in the reverse order of the calls
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            others = plugins - {implementation.plugin}
            alone = self._manager.subset_hook_caller(hook, others)
            self._guard(implementation.plugin_name, hook, partial(alone, **deepcopy(data)))

    def _guard(self, name: str, hook: str, call: Callable[[], Any]) -> None:
        if name in self._failed:
            return
        try:
            with redirect_stdout(sys.stderr):  # standard output is for the command's result
                call()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may even call sys.exit()
            self._failed.add(name)
            own = [tracker for tracker in self._trackers if tracker.name == name]
            reason = sentence_of(error)
            for tracker in own:
                reason = getattr(tracker, "conceal", str)(reason)  # what it keeps secret, where it has secrets
            self._say(f"{name} failed in {hook} and is told nothing more of this run: {reason}")
            for tracker in own:
                with suppress(Exception):  # the server that it cannot reach
                    tracker.abandon(error)
