"""The report of a run that forecasts or regresses: excerpts against truth, errors by step and time, residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from zoo.evaluation.details import Details, Excerpt
from zoo.evaluation.evaluation import LAST_VALUE, NETWORK, RIDGE, SEASONAL, TRAIN_MEAN
from zoo.evaluation.headline import forecast_measures, headline
from zoo.reports.drawing import (
    BLUE,
    GREEN,
    OTHER,
    RED,
    TRUTH,
    YELLOW,
    broken,
    drawn,
    marker,
    places_in_time,
    time_axis,
    whole_numbers,
)
from zoo.reports.report import Training, report_page

COLOURS = {NETWORK: BLUE, TRAIN_MEAN: YELLOW, LAST_VALUE: YELLOW, SEASONAL: RED, RIDGE: GREEN}


def forecast_report(training: Training, evaluation: Mapping[str, Any], details: Details) -> str:
    """The page as text; ``evaluation`` is as :func:`zoo.evaluation.evaluation.evaluate` returns it."""
    colours = {name: COLOURS[name] for name in (NETWORK, *evaluation["baselines"])}
    return report_page(
        "forecast.html",
        training,
        evaluation,
        ranked=forecast_measures(evaluation),
        worst=_worst(details, evaluation, colours),
        excerpts=_excerpts(details, evaluation, colours),
        hidden=len(details.targets) - len(details.shown),
        errors=_errors(evaluation, details, colours),
    )


def _best(evaluation: Mapping[str, Any]) -> str:
    return headline(evaluation, forecast_measures(evaluation)).baseline


def _worst(details: Details, evaluation: Mapping[str, Any], colours: Mapping[str, str]) -> list[tuple[str, str]] | None:
    """The pictures of the worst series, with captions; None of one series."""
    if details.series is None:
        return None
    names, pictures = (NETWORK, _best(evaluation)), []
    for one in evaluation["series"]["worst"]:
        excerpt = details.series.excerpts[one["series"]]
        beside = [name for name in dict.fromkeys((names[1], SEASONAL)) if one["mase"].get(name) is not None]
        told = "".join(f", {name} {one['mase'][name]:.4g}" for name in beside)
        target = f" of {details.targets[0]}" if len(details.targets) > 1 else ""
        caption = f"{one['series']}: MASE {one['mase'][NETWORK]:.4g}{told}; the worst window{target}, {excerpt.label}"
        pictures.append((drawn(partial(_excerpt, excerpt=excerpt, target=0, names=names, colours=colours)), caption))
    return pictures


def _excerpts(
    details: Details, evaluation: Mapping[str, Any], colours: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each target that is shown the pictures of its excerpts, with captions."""
    names = (NETWORK, _best(evaluation))

    def pictures(target: int) -> list[tuple[str, str]]:
        draw = partial(_excerpt, target=target, names=names, colours=colours)
        return [(drawn(partial(draw, excerpt=one)), f"from {one.label} on") for one in details.excerpts]

    return [(target, pictures(index)) for index, target in enumerate(details.shown)]


def _excerpt(axes: Any, excerpt: Excerpt, target: int, names: Sequence[str], colours: Mapping[str, str]) -> None:
    single = len(excerpt.truth_places) == len(excerpt.places)  # windows of one row, one after the other
    truth = excerpt.truth[:, target]
    axes.plot(excerpt.truth_places, truth, color=TRUTH, lw=1, marker=marker(truth), label="truth")
    for name in reversed(names):
        forecast = excerpt.forecasts[name][..., target].reshape(-1)
        axes.plot(excerpt.places, forecast, color=colours[name], lw=1.4, marker=marker(forecast), label=name)
    if excerpt.interval is not None:
        low, high = (excerpt.interval[..., target, end].reshape(-1) for end in (0, 1))
        shade = {"color": colours[NETWORK], "alpha": 0.2, "lw": 0}
        axes.fill_between(excerpt.places, low, high, **shade, label="outermost quantiles")
    if not single:
        axes.axvline((1 + excerpt.places[0]) / 2 - 0.5, color=OTHER, lw=0.8, ls=":")
    axes.set_xlabel("windows" if single else "rows after the window's last")
    whole_numbers(axes)
    axes.legend(fontsize="small")


def errors_by_step(steps: Mapping[str, Sequence[float]], colours: Mapping[str, str]) -> tuple[str, str]:
    """The picture of scaled errors by step of the horizon, and its caption."""

    def draw(axes: Any) -> None:
        for name, colour in colours.items():
            numbers = np.arange(1, len(steps[name]) + 1)
            axes.plot(numbers, steps[name], color=colour, marker=marker(numbers), lw=1.4, label=name)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("step of the horizon")
        whole_numbers(axes)
        axes.legend(fontsize="small")

    return drawn(draw), "Scaled MAE by step of the horizon."


def _errors(evaluation: Mapping[str, Any], details: Details, colours: Mapping[str, str]) -> list[tuple[str, str]]:
    steps = evaluation["by_step"]
    over_time = "Scaled MAE of the windows over the test part, by their first target's time."
    residuals = "Share of scaled residuals, forecast less truth, of all targets; the outer bars hold what lies beyond."
    return [
        *([errors_by_step(steps, colours)] if len(steps[NETWORK]) > 1 else []),
        (drawn(partial(_over_time, details=details, evaluation=evaluation, colours=colours)), over_time),
        (drawn(partial(_residuals, details=details)), residuals),
    ]


def _over_time(axes: Any, details: Details, evaluation: Mapping[str, Any], colours: Mapping[str, str]) -> None:
    for name in (_best(evaluation), NETWORK):
        positions, errors = broken(*details.over_time[name].curve())
        places = places_in_time(positions, details.dates)
        axes.plot(places, errors, color=colours[name], lw=1, marker=marker(errors), label=name)
    time_axis(axes, details.dates, "time or row of the first target")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")


def _residuals(axes: Any, details: Details) -> None:
    edges, counts = details.residuals.bars()
    axes.stairs(counts / max(1, int(counts.sum())), edges, fill=True, color=BLUE, alpha=0.7)
    axes.axvline(0, color=TRUTH, lw=0.8)
    axes.set_xlabel("scaled residual")
