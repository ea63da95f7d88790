"""The progress bar: on standard error, and only where that is a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from zoo.training import progress


def train(bar):
    """What Keras calls in two epochs of two batches."""
    bar.set_params({"epochs": 2, "steps": 2})
    with bar:
        bar.on_train_begin()
        for epoch in range(2):
            bar.on_epoch_begin(epoch)
            for batch in range(2):
                bar.on_train_batch_end(batch, {"loss": 0.125})
            bar.on_epoch_end(epoch, {"loss": 0.125, "val_loss": 0.5 + epoch})


def test_a_terminal(monkeypatch):
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, color_system=None, width=120)
    monkeypatch.setattr(progress, "Console", lambda stderr: console)
    train(progress.ProgressBar())
    last = [line for line in shown.getvalue().splitlines() if "epoch" in line][-1]
    for part in ("epoch 2/2", "4/4", "loss 0.125", "validation 1.5", "0:00:00"):
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
