"""The progress bar: on standard error, and only where that is a terminal."""

from __future__ import annotations

import io
import itertools

import pytest
from rich.console import Console

from zoo.training import progress
from zoo.training.progress import TimeLeft


def train(bar, first=0, epochs=2):
    """What Keras calls in epochs of two batches."""
    bar.set_params({"epochs": epochs, "steps": 2})
    with bar:
        bar.on_train_begin()
        for epoch in range(first, 2):
            bar.on_epoch_begin(epoch)
            for batch in range(2):
                bar.on_train_batch_end(batch, {"loss": 0.125})
            bar.on_epoch_end(epoch, {"loss": 0.125, "val_loss": 0.5 + epoch, "learning_rate": 0.001 / (epoch + 1)})


@pytest.fixture
def shown(monkeypatch):
    """What stands on a terminal."""
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, color_system=None, width=120)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    return shown


@pytest.mark.parametrize("first", [0, 1])
def test_a_terminal(shown, first):
    train(progress.ProgressBar(), first)
    last = [line for line in shown.getvalue().splitlines() if "epoch" in line][-1]
    for part in ("epoch 2/2", "4/4", "loss 0.125", "validation 1.5", "rate 0.0005", "at most 0:00:00 left"):
        assert part in last


def test_several_steps_at_once_and_a_shorter_last_epoch(shown):
    bar = progress.ProgressBar(total=9)
    bar.set_params({"epochs": 2, "steps": 5})
    found = []
    with bar:
        bar.on_train_begin()
        for epoch in range(2):
            bar.on_epoch_begin(epoch)
            for last in (2, 5):  # three steps in each call, of which the second has fewer
                bar.on_train_batch_end(last, {"loss": 0.125})
                (task,) = bar._progress.tasks
                found.append((task.completed, task.total))
            bar.on_epoch_end(epoch, {"loss": 0.125, "val_loss": 0.5, "learning_rate": 0.001})
    assert found == [(3, 9), (5, 9), (8, 9), (9, 9)]


def test_no_terminal(capsys, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    train(progress.ProgressBar())
    assert capsys.readouterr() == ("", "")


def test_the_bar_ends_with_an_error(shown):
    with pytest.raises(KeyboardInterrupt), progress.ProgressBar():
        raise KeyboardInterrupt
    hidden, cursor = "\x1b[?25l", "\x1b[?25h"
    assert shown.getvalue().rindex(cursor) > shown.getvalue().rindex(hidden)


def test_the_time_left_counts_validation_in():
    left = TimeLeft()
    left.epoch_begins(100.0)
    assert left.seconds(102.0, part=0.25, epochs=2) == pytest.approx(6 + 2 * 8)  # 8 seconds of batches are all it knows
    left.epoch_ends(110.0)  # two more were the validation's
    assert left.seconds(110.0, part=0.0, epochs=1) == pytest.approx(2 * 10)
    assert left.seconds(118.0, part=1.0, epochs=1) == pytest.approx(2 + 10)
    assert left.seconds(130.0, part=0.5, epochs=1) >= 10  # late, yet never below what follows
    left.epoch_ends(116.0)  # the first was slow, as it compiled the graph
    assert left.seconds(116.0, part=0.0, epochs=0) == pytest.approx((10 + 6) / 2)


def test_a_long_time_left(shown, monkeypatch):
    clock = itertools.count(step=125.0)  # an epoch ends the third time that the bar looks after its beginning
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    train(progress.ProgressBar(), epochs=12)
    assert "at most 1:06:40 left" in shown.getvalue()  # ten epochs of 375 seconds, and 250 of the eleventh
