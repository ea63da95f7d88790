"""Lifecycle hooks: whatever a plugin does in one, the training goes on, and the others are told."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from zoo.tracking import lifecycle as module
from zoo.tracking.lifecycle import Lifecycle
from zoo_registry import hookimpl
from zoo_registry.discovery import new_manager


class Recorder:
    """A tracker, or a plugin, that keeps what it is told."""

    def __init__(self, name, raising=None):
        self.name, self.raising, self.told = name, raising, []

    @hookimpl
    def zoo_run_started(self, run_id, config):
        self.told.append(("started", run_id, dict(config)))
        config.clear()  # what a plugin does to its data is its own affair
        if self.raising is not None:
            raise self.raising

    @hookimpl
    def zoo_epoch_ended(self, epoch):
        self.told.append(("epoch", epoch))

    def abandon(self, error):
        self.told.append(("abandoned", error))


@pytest.fixture
def install(monkeypatch):
    def make(*plugins):
        manager = new_manager()
        for plugin in plugins:
            manager.register(plugin, f"outsider:{plugin.name}")
        monkeypatch.setattr(module, "discover", lambda: SimpleNamespace(manager=manager))

    return make


def test_all_are_told_the_same(install):
    first, second, tracker = Recorder("first"), Recorder("second"), Recorder("tracker")
    install(first, second)
    lifecycle = Lifecycle([tracker])
    with lifecycle.watching("run-1", {"architecture": "basic"}):
        lifecycle.epoch_ended("run-1", 1, {"loss": 0.5})
    lifecycle.run_finished("run-1", "runs/run-1", {})  # which none of them wants
    for each in (first, second, tracker):
        assert each.told == [("started", "run-1", {"architecture": "basic"}), ("epoch", 1)]


@pytest.mark.parametrize("error", [ValueError("no\nspace"), SystemExit(3), GeneratorExit()])
def test_one_that_raises_is_named_once_and_left_out(install, error):
    broken, healthy = Recorder("broken", error), Recorder("healthy")
    install(broken, healthy)
    said = []
    lifecycle = Lifecycle(say=said.append)
    for epoch in (1, 2):
        lifecycle.run_started("run-1", {"a": 1})
        lifecycle.epoch_ended("run-1", epoch, {})
    (sentence,) = said
    assert sentence.startswith(
        f"outsider:broken failed in zoo_run_started and is told nothing more of this run: {type(error).__name__}"
    )
    assert "\n" not in sentence
    assert broken.told == [("started", "run-1", {"a": 1})]
    assert healthy.told[-1] == ("epoch", 2)


def test_a_tracker_that_fails_ends_what_it_began(install):
    install()
    error = OSError("the server is gone")
    tracker = Recorder("tracker", error)
    with pytest.warns(RuntimeWarning, match="tracker failed in zoo_run_started .*: OSError: the server is gone"):
        Lifecycle([tracker]).run_started("run-1", {})
    assert tracker.told[1:] == [("abandoned", error)]


@pytest.mark.parametrize("error", [ValueError("nan"), KeyboardInterrupt()])
def test_trackers_hear_of_a_training_that_fails(install, error):
    install()
    tracker = Recorder("tracker")
    with pytest.raises(type(error)), Lifecycle([tracker]).watching("run-1", {}):
        raise error
    assert tracker.told[1:] == [("abandoned", error)]


def test_ctrl_c_passes(install):
    install(Recorder("outsider", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        Lifecycle().run_started("run-1", {})


def test_wrappers_work_and_print_to_standard_error(install, capsys):
    class Wrapper:
        name = "wrapper"

        @hookimpl(wrapper=True)
        def zoo_epoch_ended(self, epoch):
            print("epoch", epoch)
            return (yield)

    install(Wrapper())
    Lifecycle().epoch_ended("run-1", 7, {})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "epoch 7\n")
    assert sys.stdout is not sys.stderr
