"""A run's report: one self-contained page; here is what it says whatever the task is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.reports.drawing import BLUE, OTHER, YELLOW, drawn, marker, whole_numbers
from zoo.reports.pages import render


@dataclass(frozen=True)
class Training:
    """What a report says of a run beside its answers; ``facts`` are names and values, all of them text."""

    title: str
    facts: Sequence[tuple[str, str]]
    config: str
    history: Mapping[str, Sequence[float]]
    best_epoch: int


def untested_page(training: Training, why: str, retrained: Any) -> str:
    """The page of a run without test figures as text; ``why`` says so, ``retrained`` names the run that has some."""
    return report_page("untested.html", training, {}, why=why, retrained=retrained)


def report_page(template: str, training: Training, evaluation: Mapping[str, Any], **shown: Any) -> str:
    """The page as text; ``shown`` is what the task's template needs beside the evaluation."""
    curves = _curves(training)
    return render(template, title=training.title, training=training, curves=curves, evaluation=evaluation, **shown)


def _curves(training: Training) -> list[tuple[str, str]]:
    history, best = training.history, training.best_epoch
    named = {"train": "loss", "validation": "val_loss"}
    labels = [label for label, name in named.items() if name in history]
    if not history["loss"]:
        return []
    epochs = np.arange(1, len(history["loss"]) + 1)

    def epoch_axis(axes: Any) -> None:
        axes.set_xlim(0.5, len(epochs) + 0.5)
        axes.set_xlabel("epoch")
        whole_numbers(axes)

    def losses_by_epoch(axes: Any) -> None:
        curves = [np.asarray(history[named[label]]) for label in labels]
        for curve, colour, label in zip(curves, (BLUE, YELLOW), labels, strict=False):
            axes.plot(epochs, curve, color=colour, marker=marker(epochs), lw=1.4, label=label)
        least, most = min(map(np.min, curves)), max(map(np.max, curves))
        if 0 < least < most / 20:
            axes.set_yscale("log")
        elif 0 < most < least * 1.02:  # hardly a difference, which the axis shall not make a great one
            axes.set_ylim(least * 0.98, most * 1.02)
        axes.axvline(best, color=OTHER, lw=0.8, ls=":", label=f"kept: epoch {best}")
        epoch_axis(axes)
        axes.legend(fontsize="small")

    pictures = [(drawn(losses_by_epoch), f"Loss of {' and '.join(labels)} windows.")]
    if "learning_rate" in history:

        def rates(axes: Any) -> None:
            axes.plot(epochs, history["learning_rate"], color=BLUE, marker=marker(epochs), lw=1.4)
            axes.set_ylim(bottom=0)
            epoch_axis(axes)

        pictures.append((drawn(rates), "Learning rate of each epoch's last step."))
    return pictures
