"""Pictures of a report: drawn by matplotlib, and written into the page as SVG elements."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

BLUE, YELLOW, RED, GREEN, PURPLE = "#4477aa", "#ddaa33", "#bb5566", "#228833", "#aa3377"
TRUTH, OTHER = "#222222", "#999999"
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


def drawn(draw: Callable[[Any], None], *, wide: bool = False) -> str:
    """A picture as an SVG element without what is needed only in a file of its own; ``draw`` is given the axes.

    Texts of users stay out of it: matplotlib would read formulas in them, and may lack their letters.
    """
    with warnings.catch_warnings(), matplotlib.rc_context(_STYLE):
        warnings.simplefilter("ignore")  # of fonts and limits, which the page is not worth failing for
        figure = Figure(figsize=(14.2 if wide else 4.6, 3.2 if wide else 2.7))
        # With room for a power of ten above it
        axes = figure.add_axes((0.05, 0.16, 0.945, 0.77) if wide else (0.15, 0.19, 0.83, 0.72))
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


def marker(values: Any) -> str:
    """Dots where there are so few points that a line alone may not show."""
    return "." if len(values) <= _MOST_DOTS else ""


def thinned(count: int, most: int) -> NDArray[np.int64]:
    """The numbers of at most ``most`` of ``count`` points, spread evenly, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def whole_numbers(axes: Any) -> None:
    """Ticks at whole numbers alone: of epochs, steps, windows."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def places_in_time(positions: NDArray[np.float64], dates: bool) -> NDArray[Any]:
    """What matplotlib takes for positions (n,), which are microseconds where ``dates``, else numbers."""
    return positions.astype(np.int64).astype("datetime64[us]") if dates else positions


def time_axis(axes: Any, dates: bool, label: str) -> None:
    """Name the places of :func:`places_in_time`; ``label`` says what they are where they are no dates."""
    if dates:
        locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    else:
        axes.set_xlabel(label)


def broken(
    positions: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Break a curve where windows are left out, so that no line bridges them."""
    steps = np.diff(positions)
    wide = np.flatnonzero(steps > _WIDE * np.median(steps)) + 1 if len(steps) else np.array([], np.int64)
    return np.insert(positions, wide, positions[wide]), np.insert(values, wide, np.nan)
