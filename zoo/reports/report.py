"""A run's report: one self-contained page; here is what it says whatever the task is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from zoo.evaluation.headline import BEATS, LOSES, outcomes
from zoo.reports.drawing import BLUE, OTHER, YELLOW, drawn, figures, marker, whole_numbers
from zoo.reports.page_parts import page, paragraph, table


@dataclass(frozen=True)
class Training:
    """What a report says of a run beside its answers; ``facts`` are names and values, all of them text."""

    title: str
    facts: Sequence[tuple[str, str]]
    config: str
    history: Mapping[str, Sequence[float]]
    best_epoch: int


def report_page(training: Training, sections: Sequence[tuple[str, str]]) -> str:
    """The page as text: ``sections`` of the task, each a head and HTML, before what every report has."""
    common = [
        ("Training", _curves(training)),
        ("Summary", table(("", ""), training.facts, texts=(0, 1))),
        ("Configuration", f"<pre>{escape(training.config)}</pre>"),
    ]
    body = "\n".join(f"<h2>{head}</h2>\n{content}" for head, content in (*sections, *common))
    return page(training.title, f"<h1>{escape(training.title)}</h1>\n{body}")


def verdict(evaluation: Mapping[str, Any]) -> str:
    """The verdict of an evaluation, and in words what it means where the network does not beat every baseline."""
    found = outcomes(evaluation)
    lost = any(verb == LOSES for verb, _ in found.values())
    parts = [paragraph(evaluation["verdict"], "verdict loses" if lost else "verdict")]
    if unbeaten := [name for name, (verb, _) in found.items() if verb != BEATS]:
        word = "loses" if lost else "gains nothing"
        parts.append(
            paragraph(f"The network {word}: {listed(unbeaten)} would serve at least as well, and need no network.")
        )
    return "\n".join(parts)


def measured_on(
    evaluation: Mapping[str, Any],
    why_left_out: str,
    remark: str,
    of: str = "windows of the untouched test part",
) -> str:
    """On how many windows figures are measured, what they mean, and which baselines were not computed."""
    left_out = evaluation["left_out"]
    parts = [
        paragraph(
            f"Measured on {evaluation['windows']:,} {of}"
            + (f"; {left_out:,} more are left out, as {why_left_out}" if left_out else "")
            + f". {remark}",
            "note",
        )
    ]
    parts += [paragraph(f"{name}: not computed, {reason}", "note") for name, reason in evaluation["skipped"].items()]
    return "\n".join(parts)


def beside(outcome: tuple[str, str]) -> str:
    """The network against the baseline of a row, in words."""
    verb, how = outcome
    return f"{verb} it {how}".rstrip()


def listed(names: Sequence[str]) -> str:
    """Names in words: one, or some and the last."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _curves(training: Training) -> str:
    history, best = training.history, training.best_epoch
    if not history["loss"]:
        return paragraph("The weights are those that were there before: nothing was trained.", "note")
    epochs = np.arange(1, len(history["loss"]) + 1)

    def epoch_axis(axes: Any) -> None:
        axes.set_xlim(0.5, len(epochs) + 0.5)
        axes.set_xlabel("epoch")
        whole_numbers(axes)

    def losses_by_epoch(axes: Any) -> None:
        curves = [np.asarray(history[name]) for name in ("loss", "val_loss")]
        for curve, colour, label in zip(curves, (BLUE, YELLOW), ("train", "validation"), strict=True):
            axes.plot(epochs, curve, color=colour, marker=marker(epochs), lw=1.4, label=label)
        least, most = min(map(np.min, curves)), max(map(np.max, curves))
        if 0 < least < most / 20:
            axes.set_yscale("log")
        elif 0 < most < least * 1.02:  # hardly a difference, which the axis shall not make a great one
            axes.set_ylim(least * 0.98, most * 1.02)
        axes.axvline(best, color=OTHER, lw=0.8, ls=":", label=f"kept: epoch {best}")
        epoch_axis(axes)
        axes.legend(fontsize="small")

    pictures = [(drawn(losses_by_epoch), "Loss of train and validation windows.")]
    if "learning_rate" in history:

        def rates(axes: Any) -> None:
            axes.plot(epochs, history["learning_rate"], color=BLUE, marker=marker(epochs), lw=1.4)
            axes.set_ylim(bottom=0)
            epoch_axis(axes)

        pictures.append((drawn(rates), "Learning rate of each epoch's last step."))
    return figures(pictures)
