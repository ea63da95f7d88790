"""The report of a run that tells classes: all measures, who is taken for whom, and how much the probabilities say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from zoo.evaluation.classification import LOGISTIC, MAJORITY
from zoo.evaluation.details import JudgedDetails, means_over_time
from zoo.evaluation.evaluation import NETWORK
from zoo.evaluation.headline import CLASS_MEASURES
from zoo.reports.drawing import (
    BLUE,
    GREEN,
    OTHER,
    YELLOW,
    broken,
    drawn,
    marker,
    places_in_time,
    time_axis,
)
from zoo.reports.report import Training, report_page

_COLOURS = {NETWORK: BLUE, MAJORITY: YELLOW, LOGISTIC: GREEN}
_BINS = 10  # of probabilities
_WINDOWS_A_POINT, _POINTS = 50, (10, 100)  # of accuracy over time


def class_report(training: Training, evaluation: Mapping[str, Any], details: JudgedDetails) -> str:
    """The page as text; ``evaluation`` is as :func:`zoo.evaluation.classification.evaluate_classes` returns it."""
    assert details.truth is not None
    pictures = _pictures(evaluation, details, details.told, details.truth)
    return report_page("classes.html", training, evaluation, ranked=CLASS_MEASURES, pictures=pictures)


def _pictures(
    evaluation: Mapping[str, Any], details: JudgedDetails, told: NDArray[Any], truth: NDArray[np.integer]
) -> list[tuple[str, str]]:
    classes = evaluation["classes"]
    if two := len(classes) == 2:
        likely, happened = told[:, 1].astype(np.float64), truth == 1
    else:
        likely, happened = told.max(axis=1).astype(np.float64), told.argmax(axis=1) == truth
    likely = likely.clip(0.0, 1.0)  # float32 may round beyond
    what = f"class {classes[1]}" if two else "the likeliest class"
    reliability = (
        f"How often {what} is the truth, by the probability that the network told; on the dotted line it is as"
        " often as told. A dot is about a tenth of the windows."
    )
    accuracy = (
        "Accuracy over the test part, in stretches of time, and that of always telling the class that is most"
        " frequent in train."
    )
    return [
        (drawn(lambda axes: _reliability(axes, likely, happened)), reliability),
        (drawn(lambda axes: _certainty(axes, likely)), f"How many windows were given which probability of {what}."),
        (drawn(lambda axes: _accuracy(axes, evaluation, details, told.argmax(axis=1) == truth, truth)), accuracy),
    ]


def _reliability(axes: Any, likely: NDArray[np.float64], happened: NDArray[np.bool_]) -> None:
    shares, means = calibration_curve(happened, likely, pos_label=True, n_bins=_BINS, strategy="quantile")
    ends = [min(shares.min(), means.min()), max(shares.max(), means.max())]
    axes.plot(ends, ends, color=OTHER, lw=0.8, ls=":")
    axes.plot(means, shares, color=BLUE, marker="o", ms=4, lw=1.4)
    axes.set(xlabel="told", ylabel="happened")


def _certainty(axes: Any, likely: NDArray[np.float64]) -> None:
    axes.hist(likely, bins=40, range=(0.0, 1.0), color=BLUE, alpha=0.7)
    axes.set_xlabel("told")


def _accuracy(
    axes: Any,
    evaluation: Mapping[str, Any],
    details: JudgedDetails,
    right: NDArray[np.bool_],
    truth: NDArray[np.integer],
) -> None:
    # The majority vote tells one class alone, which is the only column of its table that is not empty
    majority = np.asarray(evaluation["baselines"][MAJORITY]["confusion"]).sum(axis=0).argmax()
    points = int(np.clip(len(truth) // _WINDOWS_A_POINT, *_POINTS))
    for name, values in ((MAJORITY, truth == majority), (NETWORK, right)):
        positions, means = broken(*means_over_time(details.positions, values, points))
        places = places_in_time(positions, details.dates)
        axes.plot(places, means, color=_COLOURS[name], lw=1.4, marker=marker(means), label=name)
    time_axis(axes, details.dates, "time or row of the window's last row")
    axes.legend(fontsize="small")
