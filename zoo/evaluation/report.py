"""A run's report: one self-contained page with what was trained, how that went, and how well it forecasts."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zoo.evaluation.comparison import against
from zoo.evaluation.details import Details, Excerpt
from zoo.evaluation.evaluation import LAST_VALUE, NETWORK, RIDGE, SEASONAL, TRAIN_MEAN
from zoo.evaluation.pages import page, paragraph, table

TRUTH, OTHER = "#222222", "#999999"
_COLOURS = {NETWORK: "#4477aa", TRAIN_MEAN: "#ddaa33", LAST_VALUE: "#ddaa33", SEASONAL: "#bb5566", RIDGE: "#228833"}
_TRAINING_COLOURS = ("#4477aa", "#ddaa33")
_MOST_TARGETS = 50  # in the table of errors in original units
_MOST_DOTS = 30
_WIDE = 4.0  # usual steps between two windows, from which on a curve is broken
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "zoo",  # the same run gives the same file
    "font.size": 10.5,
    "axes.axisbelow": True,
    "axes.formatter.limits": [-3, 5],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#eeeeee",
    "legend.frameon": False,
    "axes.formatter.useoffset": False,
}


@dataclass(frozen=True)
class Training:
    """What a report says of a run beside its forecasts; ``facts`` are names and values, all of them text."""

    title: str
    facts: Sequence[tuple[str, str]]
    config: str
    history: Mapping[str, Sequence[float]]
    best_epoch: int


def report(training: Training, evaluation: Mapping[str, Any], details: Details) -> str:
    """The page as text; ``evaluation`` is as :func:`zoo.evaluation.evaluation.evaluate` returns it."""
    colours = {name: _COLOURS[name] for name in (NETWORK, *evaluation["baselines"])}
    with warnings.catch_warnings(), matplotlib.rc_context(_STYLE):
        warnings.simplefilter("ignore")  # of fonts and limits, which the page is not worth failing for
        sections = [
            ("How good it is", _verdict(evaluation)),
            ("Forecasts of the test part", _excerpts(details, evaluation, colours)),
            ("Where it errs", _errors(evaluation, details, colours)),
            ("Training", _curves(training)),
            ("Summary", table(("", ""), training.facts, texts=(0, 1))),
            ("Configuration", f"<pre>{escape(training.config)}</pre>"),
        ]
    body = "\n".join(f"<h2>{head}</h2>\n{content}" for head, content in sections)
    return page(training.title, f"<h1>{escape(training.title)}</h1>\n{body}")


def _verdict(evaluation: Mapping[str, Any]) -> str:
    network, baselines = evaluation["network"], evaluation["baselines"]
    rows, losses = [], []
    for name, measured in ({NETWORK: network} | baselines).items():
        told = ""
        if name != NETWORK:
            beats, how = against(network["scaled"]["mae"], measured["scaled"]["mae"])
            told = f"{'beats' if beats else 'loses to'} it {how}"
            losses += [] if beats else [name]
        rows.append((name, f"{measured['scaled']['mae']:.4f}", f"{measured['scaled']['mse']:.4f}", told))
    parts = [paragraph(evaluation["verdict"], "verdict loses" if losses else "verdict")]
    if losses:
        parts.append(
            paragraph(f"The network loses: {_listed(losses)} would serve at least as well, and need no network.")
        )
    heads = ("forecast", "scaled MAE", "scaled MSE", "the network")
    parts.append(table(heads, rows, texts=(0, 3), strong=(0,)))
    left_out = evaluation["left_out"]
    parts.append(
        paragraph(
            f"Measured on {evaluation['windows']:,} windows of the untouched test part"
            + (f"; {left_out:,} more are left out, as their truth is missing" if left_out else "")
            + ". Scaled errors are divided by each target's unit (as a rule its deviation in the train rows) and are"
            " means over all targets.",
            "note",
        )
    )
    parts += [paragraph(f"{name}: not computed, {reason}", "note") for name, reason in evaluation["skipped"].items()]
    targets = list(network["targets"])
    rows = [
        (target, name, *(f"{measured['targets'][target][error]:.4g}" for error in ("mae", "rmse", "mase")))
        for target in targets[:_MOST_TARGETS]
        for name, measured in ({NETWORK: network} | baselines).items()
    ]
    parts.append("<h3>Errors in original units</h3>")
    parts.append(table(("target", "forecast", "MAE", "RMSE", "MASE"), rows, texts=(0, 1)))
    if len(targets) > _MOST_TARGETS:
        parts.append(paragraph(f"{len(targets) - _MOST_TARGETS} more targets are in run.json.", "note"))
    if (quantiles := evaluation.get("quantiles")) is not None:
        parts.append("<h3>Quantiles</h3>")
        levels = zip(quantiles["levels"], quantiles["below"], quantiles["pinball"], strict=True)
        told_levels = [(f"{level:g}", f"{below:.1%}", f"{pinball:.4f}") for level, below, pinball in levels]
        parts.append(table(("quantile", "truths at or below it", "scaled pinball loss"), told_levels, texts=()))
    return "\n".join(parts)


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _excerpts(details: Details, evaluation: Mapping[str, Any], colours: Mapping[str, str]) -> str:
    baselines = evaluation["baselines"]
    best = min(baselines, key=lambda name: float(baselines[name]["scaled"]["mae"]))
    parts = []
    for index, target in enumerate(details.shown):
        parts.append(f"<h3>{escape(target)}</h3>")
        figures = []
        for excerpt in details.excerpts:
            draw = partial(_excerpt, excerpt=excerpt, target=index, names=(NETWORK, best), colours=colours)
            figures.append((_drawn(draw), f"from {excerpt.label} on"))
        parts.append(_figures(figures))
    if (more := len(details.targets) - len(details.shown)) > 0:
        parts.append(paragraph(f"{more} more targets are not drawn.", "note"))
    return "\n".join(parts)


def _excerpt(axes: Any, excerpt: Excerpt, target: int, names: Sequence[str], colours: Mapping[str, str]) -> None:
    single = len(excerpt.numbers) > 1 or len(excerpt.places) == 1
    axes.plot(
        excerpt.truth_places, excerpt.truth[:, target], color=TRUTH, lw=1, marker=_marker(excerpt.truth), label="truth"
    )
    for name in reversed(names):
        forecast = excerpt.forecasts[name][..., target].reshape(-1)
        axes.plot(excerpt.places, forecast, color=colours[name], lw=1.4, marker=_marker(forecast), label=name)
    if excerpt.interval is not None:
        low, high = (excerpt.interval[..., target, end].reshape(-1) for end in (0, 1))
        axes.fill_between(
            excerpt.places, low, high, color=colours[NETWORK], alpha=0.2, lw=0, label="outermost quantiles"
        )
    if not single:
        axes.axvline((1 + excerpt.places[0]) / 2 - 0.5, color=OTHER, lw=0.8, ls=":")
    axes.set_xlabel("windows" if single else "rows after the window's last")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize="small")


def _errors(evaluation: Mapping[str, Any], details: Details, colours: Mapping[str, str]) -> str:
    figures = []
    steps = evaluation["by_step"]
    if len(steps[NETWORK]) > 1:

        def by_step(axes: Any) -> None:
            for name, colour in colours.items():
                numbers = np.arange(1, len(steps[name]) + 1)
                axes.plot(numbers, steps[name], color=colour, marker=_marker(numbers), lw=1.4, label=name)
            axes.set_ylim(bottom=0)
            axes.set_xlabel("step of the horizon")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend(fontsize="small")

        figures.append((_drawn(by_step), "Scaled MAE by step of the horizon."))
    figures.append(
        (
            _drawn(lambda axes: _over_time(axes, details, evaluation, colours)),
            "Scaled MAE of the windows over the test part, by their first target's time.",
        )
    )
    figures.append(
        (
            _drawn(lambda axes: _residuals(axes, details)),
            "Share of scaled residuals, forecast less truth, of all targets; the outer bars hold what lies beyond.",
        )
    )
    return _figures(figures)


def _over_time(axes: Any, details: Details, evaluation: Mapping[str, Any], colours: Mapping[str, str]) -> None:
    baselines = evaluation["baselines"]
    best = min(baselines, key=lambda name: float(baselines[name]["scaled"]["mae"]))
    for name in (best, NETWORK):
        positions, errors = _broken(*details.over_time[name].curve())
        places: NDArray[Any] = positions
        if details.dates:
            places = positions.astype(np.int64).astype("datetime64[us]")
        axes.plot(places, errors, color=colours[name], lw=1, marker=_marker(errors), label=name)
    if details.dates:
        locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        axes.set_xlabel("time or row of the first target")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")


def _broken(
    positions: NDArray[np.float64], errors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Break a curve where windows are left out, so that no line bridges them."""
    steps = np.diff(positions)
    wide = np.flatnonzero(steps > _WIDE * np.median(steps)) + 1 if len(steps) else np.array([], np.int64)
    return np.insert(positions, wide, positions[wide]), np.insert(errors, wide, np.nan)


def _residuals(axes: Any, details: Details) -> None:
    edges, counts = details.residuals.bars()
    axes.stairs(counts / max(1, counts.sum()), edges, fill=True, color=_COLOURS[NETWORK], alpha=0.7)
    axes.axvline(0, color=TRUTH, lw=0.8)
    axes.set_xlabel("scaled residual")


def _curves(training: Training) -> str:
    history, best = training.history, training.best_epoch
    epochs = np.arange(1, len(history["loss"]) + 1)

    def losses(axes: Any) -> None:
        curves = [np.asarray(history[name]) for name in ("loss", "val_loss")]
        for curve, colour, label in zip(curves, _TRAINING_COLOURS, ("train", "validation"), strict=True):
            axes.plot(epochs, curve, color=colour, marker=_marker(epochs), lw=1.4, label=label)
        least, most = min(map(np.min, curves)), max(map(np.max, curves))
        if 0 < least < most / 20:
            axes.set_yscale("log")
        axes.axvline(best, color=OTHER, lw=0.8, ls=":", label=f"kept: epoch {best}")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize="small")

    figures = [(_drawn(losses), "Loss of train and validation windows.")]
    if "learning_rate" in history:

        def rates(axes: Any) -> None:
            axes.plot(epochs, history["learning_rate"], color=_COLOURS[NETWORK], marker=_marker(epochs), lw=1.4)
            axes.set_ylim(bottom=0)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))

        figures.append((_drawn(rates), "Learning rate of each epoch's last step."))
    return _figures(figures)


def _marker(values: Any) -> str:
    """Dots where there are so few points that a line alone may not show."""
    return "." if len(values) <= _MOST_DOTS else ""


def _figures(figures: Sequence[tuple[str, str]]) -> str:
    drawn = "\n".join(f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>" for svg, caption in figures)
    return f'<div class="figures">\n{drawn}\n</div>'


def _drawn(draw: Callable[[Any], None]) -> str:
    """A picture as an SVG element without what is needed only in a file of its own.

    Texts of users stay out of it: matplotlib would read formulas in them, and may lack their letters.
    """
    figure = Figure(figsize=(4.6, 2.7))
    axes = figure.add_axes((0.15, 0.19, 0.83, 0.72))  # with room for a power of ten above it
    draw(axes)
    file = StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return _inline(file.getvalue())


def _inline(svg: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # ids would be there once in each picture
    return svg.replace("<svg", '<svg role="img"', 1).strip()
