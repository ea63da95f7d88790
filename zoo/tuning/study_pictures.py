"""Pictures of a study's page; each draws into matplotlib's axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np

from zoo.reports.drawing import BLUE, OTHER, RED, drawn, whole_numbers
from zoo.tuning.trial_record import PRUNED, TrialRecord
from zoo_registry import Search

_COLOURS = "viridis"
_MOST_LINES = 300  # of the best trials, in parallel coordinates


def history(trials: Sequence[TrialRecord], measure: str) -> str:
    """The error of each complete trial, the least so far, and where trials were pruned."""
    complete = [trial for trial in trials if trial.error is not None]
    numbers = [trial.number for trial in complete]
    errors = np.array([trial.error for trial in complete], dtype=np.float64)
    pruned = [trial.number for trial in trials if trial.state == PRUNED]

    def draw(axes: Any) -> None:
        axes.plot(numbers, errors, ".", color=BLUE, label="complete")
        axes.step(numbers, np.minimum.accumulate(errors), where="post", color=RED, lw=1.4, label="least so far")
        if pruned:
            places = np.full(len(pruned), 0.02)
            axes.plot(pruned, places, "|", color=OTHER, transform=axes.get_xaxis_transform(), label="pruned")
        if errors.min() > 0 and errors.max() > 5 * errors.min():
            axes.set_yscale("log")
        axes.set_xlabel("trial")
        axes.set_ylabel(measure)
        whole_numbers(axes)
        axes.legend(fontsize="small")

    return drawn(draw, wide=True)


def importance(shares: Mapping[str, float]) -> str:
    """What share of the errors' variance each parameter explains, the greatest on top."""
    names = list(shares)[:10][::-1]

    def draw(axes: Any) -> None:
        axes.set_position((0.34, 0.19, 0.64, 0.72))
        axes.barh(range(len(names)), [shares[name] for name in names], color=BLUE)
        axes.set_yticks(range(len(names)), [_short(name) for name in names], parse_math=False)
        axes.set_xlabel("share of variance")
        axes.set_xlim(left=0)
        axes.grid(visible=False, axis="y")

    return drawn(draw)


def by_window(errors: Mapping[int, Sequence[float]], measure: str) -> str:
    """The error of each complete trial over its window's length, and the least of each length."""
    known = list(errors)
    dots = [(length, error) for length, own in errors.items() for error in own]

    def draw(axes: Any) -> None:
        axes.plot(*zip(*dots, strict=True), ".", color=BLUE, alpha=0.6, label="trial")
        axes.plot(known, [min(own) for own in errors.values()], "-o", color=RED, ms=4, lw=1.4, label="least")
        if max(known) > 5 * min(known):
            axes.set_xscale("log")
        if len(known) <= 8:
            axes.set_xticks(known, [str(length) for length in known])
            axes.minorticks_off()
        axes.set_xlabel("window, rows")
        axes.set_ylabel(measure)
        axes.legend(fontsize="small")

    return drawn(draw)


def parallel_coordinates(trials: Sequence[TrialRecord], ranges: Mapping[str, Search], measure: str) -> str:
    """A line for each complete trial over its parameters, which all are drawn from low to high, and its error."""
    ranked = sorted((trial for trial in trials if trial.error is not None), key=lambda trial: -(trial.error or 0.0))
    ranked = ranked[-_MOST_LINES:]  # the best ones last, on top
    errors = np.array([trial.error for trial in ranked], dtype=np.float64)
    low, width = float(errors.min()), float(np.ptp(errors)) or 1.0
    names = list(ranges)

    def draw(axes: Any) -> None:
        colours = matplotlib.colormaps[_COLOURS]
        places = np.arange(len(names) + 1)
        for trial, error in zip(ranked, errors, strict=True):
            heights = [_height(ranges[name], trial.parameters[name]) for name in names]
            share = (float(error) - low) / width
            axes.plot(places, [*heights, share], color=colours(share), lw=1.1, alpha=0.75)
        for place, name in enumerate(names):
            axes.axvline(place, color=OTHER, lw=0.8)
            for height, label in _marks(ranges[name]):
                axes.annotate(
                    label, (place, height), xytext=(4, 0), textcoords="offset points", fontsize=8.5, parse_math=False
                )
        axes.axvline(len(names), color=OTHER, lw=0.8)
        for height, value in ((0.0, low), (1.0, low + width)):
            axes.annotate(f"{value:.4g}", (len(names), height), xytext=(4, 0), textcoords="offset points", fontsize=8.5)
        axes.set_xticks(places, [*map(_short, names), measure], parse_math=False)
        axes.set_xlim(-0.2, len(names) + 0.5)
        axes.set_ylim(-0.08, 1.08)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)

    return drawn(draw, wide=True)


def _height(search: Search, value: Any) -> float:
    """Where a value lies in its range, from 0 to 1."""
    if search.kind == "choice":
        return search.choices.index(value) / max(1, len(search.choices) - 1)
    low, high, value = (np.log(number) if search.log else number for number in (search.low, search.high, value))
    return float((value - low) / (high - low)) if high > low else 0.5


def _marks(search: Search) -> list[tuple[float, str]]:
    """Heights and labels on a parameter's axis."""
    if search.kind == "choice":
        return [(_height(search, value), _short(str(value))) for value in search.choices]
    return [(_height(search, value), f"{value:.3g}") for value in dict.fromkeys((search.low, search.high))]


def _short(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"
