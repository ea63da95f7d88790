"""The progress bar: on standard error, and only where that is a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from zoo.training import progress
from zoo.training.progress import TimeLeft


def train(bar, first=0):
    """What Keras calls in two epochs of two batches."""
    bar.set_params({"epochs": 2, "steps": 2})
    with bar:
        bar.on_train_begin()
        for epoch in range(first, 2):
            bar.on_epoch_begin(epoch)
            for batch in range(2):
                bar.on_train_batch_end(batch, {"loss": 0.125})
            bar.on_epoch_end(epoch, {"loss": 0.125, "val_loss": 0.5 + epoch, "learning_rate": 0.001 / (epoch + 1)})


@pytest.mark.parametrize("first", [0, 1])
def test_a_terminal(monkeypatch, first):
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, color_system=None, width=120)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    train(progress.ProgressBar(), first)
    last = [line for line in shown.getvalue().splitlines() if "epoch" in line][-1]
    for part in ("epoch 2/2", "4/4", "loss 0.125", "validation 1.5", "rate 0.0005", "at most 0:00:00 left"):
        assert part in last


def test_no_terminal(capsys, monkeypatch):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    train(progress.ProgressBar())
    assert capsys.readouterr() == ("", "")


def test_the_bar_ends_with_an_error(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    bar = progress.ProgressBar()
    with pytest.raises(KeyboardInterrupt), bar:
        raise KeyboardInterrupt
    assert not bar._progress.live.is_started


def test_the_time_left_counts_validation_in():
    left = TimeLeft()
    left.epoch_begins(100.0)
    assert left.seconds(102.0, part=0.25, epochs=2) == pytest.approx(6 + 2 * 8)  # 8 seconds of batches are all it knows
    left.epoch_ends(110.0)  # two more were the validation's
    left.epoch_begins(110.0)
    assert left.seconds(110.0, part=0.0, epochs=1) == pytest.approx(2 * 10)
    assert left.seconds(118.0, part=1.0, epochs=1) == pytest.approx(2 + 10)
    assert left.seconds(130.0, part=0.5, epochs=1) >= 10  # late, yet never below what follows
    left.epoch_ends(116.0)  # the first was slow, as it compiled the graph
    left.epoch_begins(116.0)
    assert left.seconds(116.0, part=0.0, epochs=0) == pytest.approx((10 + 6) / 2)


def test_a_long_time_left(monkeypatch):
    monkeypatch.setattr(progress, "Console", lambda stderr: Console(file=io.StringIO()))
    bar = progress.ProgressBar()
    bar.set_params({"epochs": 11, "steps": 1})
    times = iter([0.0, 366.0, 366.0, 366.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    bar._time.epoch_begins(0.0)
    bar._time.epoch_ends(366.0)
    bar._time.epoch_begins(0.0)
    bar._epoch = 1
    assert bar._left(0.0) == "1:07:06"
