"""The report of a run that scores anomalies: scores over time, what is flagged, and how well that fits the labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from zoo.evaluation.anomalies import Z_SCORE
from zoo.evaluation.details import JudgedDetails, peaks_over_time
from zoo.evaluation.evaluation import NETWORK
from zoo.evaluation.headline import ANOMALY_MEASURES, FLAGGED
from zoo.reports.drawing import (
    BLUE,
    GREEN,
    OTHER,
    PURPLE,
    RED,
    TRUTH,
    YELLOW,
    broken,
    drawn,
    places_in_time,
    thinned,
    time_axis,
    whole_numbers,
)
from zoo.reports.report import Training, report_page

_POINTS = 1500  # of the timeline
_MOST_DOTS = 1000
_MOST_STEPS = 2000  # of a curve of precision and recall
_BARS = 60
_EXCERPTS, _AROUND = 3, 30  # rows before and after the one with a high score
_SPREAD = 20.0  # the greatest score in medians, from which on scores are drawn on a logarithmic axis


def anomaly_report(training: Training, evaluation: Mapping[str, Any], details: JudgedDetails) -> str:
    """The page as text; ``evaluation`` is as :func:`zoo.evaluation.anomalies.evaluate_anomalies` returns it."""
    shown = _Shown(evaluation, details)
    kinds = shown.kinds()
    return report_page(
        "anomalies.html",
        training,
        evaluation,
        ranked=ANOMALY_MEASURES if shown.labelled else FLAGGED,
        timeline=drawn(partial(shown.timeline, kinds=kinds), wide=True),
        hidden=sum(max(0, len(numbers) - _MOST_DOTS) for numbers, *_ in kinds.values()),
        excerpts=shown.excerpts(),
        columns=details.targets,
        spread=shown.spread(),
    )


class _Shown:
    """The test rows that are known, (n,): their scores, flags and labels."""

    def __init__(self, evaluation: Mapping[str, Any], details: JudgedDetails) -> None:
        assert details.values is not None
        assert details.simple is not None
        self.details, self.values, self.threshold = details, details.values, float(evaluation["threshold"])
        known = ~np.isnan(self.values[details.rows]).any(axis=1)
        if details.truth is not None:
            known &= details.truth >= 0
        self.rows, self.positions = details.rows[known], details.positions[known]
        self.scores, self.simple = details.told[known].astype(np.float64), details.simple[known]
        self.simple_threshold = float(evaluation["baselines"][Z_SCORE]["threshold"])
        self.flagged = self.scores > self.threshold
        self.anomaly = np.zeros(len(self.rows), np.bool_) if details.truth is None else details.truth[known] == 1
        self.labelled = "average_precision" in evaluation["network"]
        positive = self.scores[self.scores > 0]
        self.logarithmic = len(positive) > 0 and self.scores.max() > _SPREAD * np.median(positive)
        self.least = float(np.quantile(positive, 0.001)) if self.logarithmic else 0.0

    def kinds(self) -> dict[str, tuple[NDArray[np.int64], str, str, str]]:
        """What dots there are: numbers of rows, marker, colour and fill, by what they mean."""
        if not self.labelled:
            return {"flagged": (np.flatnonzero(self.flagged), "o", RED, RED)}
        return {
            "anomaly, flagged": (np.flatnonzero(self.anomaly & self.flagged), "o", GREEN, GREEN),
            "anomaly, missed": (np.flatnonzero(self.anomaly & ~self.flagged), "o", RED, "white"),
            "flagged, no anomaly": (np.flatnonzero(self.flagged & ~self.anomaly), "x", OTHER, OTHER),
        }

    def timeline(self, axes: Any, kinds: Mapping[str, tuple[NDArray[np.int64], str, str, str]]) -> None:
        dates = self.details.dates
        peaks = peaks_over_time(self.positions, self.scores, _POINTS)
        positions, scores = broken(self.positions[peaks], self.scores[peaks])
        axes.plot(places_in_time(positions, dates), scores, color=BLUE, lw=0.9)
        axes.axhline(self.threshold, color=TRUTH, lw=0.9, ls="--")
        for label, (numbers, kind, colour, fill) in kinds.items():
            chosen = numbers[thinned(len(numbers), _MOST_DOTS)]
            places, shape = places_in_time(self.positions[chosen], dates), {"marker": kind, "ls": "", "ms": 5}
            axes.plot(places, self.scores[chosen], **shape, color=colour, mfc=fill, label=f"{label}: {len(numbers):,}")
        self._scale(axes.set_yscale, axes.set_ylim)
        if self.logarithmic:  # the least of the peaks is above the least score
            axes.set_ylim(bottom=0.8 * np.nanmin(scores[scores > 0]))
        time_axis(axes, dates, "time or row")
        axes.legend(fontsize="small", ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.0)

    def _scale(self, set_scale: Any, set_limits: Any) -> None:
        if self.logarithmic:
            set_scale("log")
            set_limits(self.least)
        else:
            set_limits(0.0)

    def excerpts(self) -> list[tuple[str, str]]:
        pictures, left = [], self.scores.copy()
        for _ in range(_EXCERPTS):
            if not np.isfinite(left.max()):
                break
            top = int(left.argmax())
            near = np.abs(self.rows - self.rows[top]) <= _AROUND
            left[near] = -np.inf
            told = f"{self.details.name_row(int(self.rows[top]))}: score {self.scores[top]:.4g}"
            if self.labelled:
                told += ", labelled an anomaly" if self.anomaly[top] else ", not labelled an anomaly"
            pictures.append((drawn(partial(self._excerpt, top=top, near=np.flatnonzero(near))), told))
        return pictures

    def _excerpt(self, axes: Any, top: int, near: NDArray[np.int64]) -> None:
        places, values = self.rows[near] - self.rows[top], self.values[self.rows[near], 0]
        axes.plot(places, values, color=TRUTH, lw=1)
        flagged = self.flagged[near]
        axes.plot(places[flagged], values[flagged], color=RED, marker="o", ms=5, ls="", label="flagged")
        if (labelled := self.anomaly[near]).any():
            ring = {"color": PURPLE, "marker": "o", "mfc": "none", "ms": 10, "ls": ""}
            axes.plot(places[labelled], values[labelled], **ring, label="anomaly")
        axes.set_xlabel("rows after the one with the high score")
        whole_numbers(axes)
        axes.legend(fontsize="small")

    def spread(self) -> list[tuple[str, str]]:
        scores = "How many rows have which score, on a logarithmic axis; the dashed line is the threshold."
        curves = "Precision by recall, for every threshold; the dots are the thresholds of this run."
        found = [(drawn(self._histogram), scores)]
        return [*found, (drawn(self._precision_recall), curves)] if self.labelled else found

    def _histogram(self, axes: Any) -> None:
        greatest = max(float(self.scores.max()), self.threshold) or 1.0
        spaced = np.geomspace if self.logarithmic else np.linspace
        edges = spaced(self.least, greatest, _BARS + 1)
        scores = self.scores.clip(edges[0], edges[-1])
        axes.hist(scores[~self.anomaly], bins=edges, color=BLUE, alpha=0.7, label="rows")
        if self.labelled:
            axes.hist(scores[self.anomaly], bins=edges, color=RED, alpha=0.8, label="labelled anomalies")
            axes.legend(fontsize="small")
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)  # so that one row is seen
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.axvline(self.threshold, color=TRUTH, lw=0.9, ls="--")
        self._scale(axes.set_xscale, axes.set_xlim)
        axes.set_xlabel("score")

    def _precision_recall(self, axes: Any) -> None:
        curves = {
            Z_SCORE: (self.simple, self.simple_threshold, YELLOW),
            NETWORK: (self.scores, self.threshold, BLUE),
        }
        for name, (scores, threshold, colour) in curves.items():
            precision, recall, _ = precision_recall_curve(self.anomaly, scores, drop_intermediate=True)
            chosen = thinned(len(recall), _MOST_STEPS)
            axes.plot(recall[chosen], precision[chosen], color=colour, lw=1.4, drawstyle="steps-post", label=name)
            flagged = scores > threshold
            if flagged.any():
                hits = (flagged & self.anomaly).sum()
                axes.plot(hits / self.anomaly.sum(), hits / flagged.sum(), color=colour, marker="o", ms=6)
        axes.set(xlim=(-0.02, 1.02), ylim=(0.0, 1.03), xlabel="recall", ylabel="precision")
        axes.legend(fontsize="small")
