"""The report of a run that tells classes: all measures, who is taken for whom, and how much the probabilities say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from zoo.evaluation.classification import LOGISTIC, MAJORITY
from zoo.evaluation.details import JudgedDetails, means_over_time
from zoo.evaluation.evaluation import NETWORK
from zoo.evaluation.headline import CLASS_MEASURES, everybody, headline, outcomes
from zoo.reports.drawing import (
    BLUE,
    GREEN,
    OTHER,
    YELLOW,
    broken,
    drawn,
    figures,
    marker,
    places_in_time,
    time_axis,
)
from zoo.reports.page_parts import paragraph, table
from zoo.reports.report import Training, beside, measured_on, report_page, verdict

_COLOURS = {NETWORK: BLUE, MAJORITY: YELLOW, LOGISTIC: GREEN}
_MOST_CLASSES = 30  # in the tables
_BINS = 10  # of probabilities
_WINDOWS_A_POINT, _POINTS = 50, (10, 100)  # of accuracy over time


def class_report(training: Training, evaluation: Mapping[str, Any], details: JudgedDetails) -> str:
    """The page as text; ``evaluation`` is as :func:`zoo.evaluation.classification.evaluate_classes` returns it."""
    assert details.truth is not None
    sections = [
        ("How good it is", _measures(evaluation)),
        ("Which class is taken for which", _confusions(evaluation)),
        ("Each class", _each_class(evaluation)),
        ("Probabilities and time", _pictures(evaluation, details, details.told, details.truth)),
    ]
    return report_page(training, sections)


def _measures(evaluation: Mapping[str, Any]) -> str:
    rows, found = [], outcomes(evaluation, CLASS_MEASURES)
    for name, measured in everybody(evaluation).items():
        values = (measured[measure] for measure in CLASS_MEASURES.heads)
        cells = ("" if value is None else f"{value:.4f}" for value in values)
        rows.append((name, *cells, "" if name == NETWORK else beside(found[name])))
    heads = ("told by", *CLASS_MEASURES.heads.values(), "the network")
    remark = (
        "The log loss decides, as it judges the probabilities: less is better, of the others more is. Balanced accuracy"
        " is the mean recall of the classes, F1 and ROC AUC are means over the classes."
    )
    if evaluation["network"]["roc_auc"] is None:
        remark += " There is no ROC AUC, as a class does not occur in the test part."
    return "\n".join(
        [
            verdict(evaluation, CLASS_MEASURES),
            table(heads, rows, texts=(0, len(heads) - 1), strong=(0,)),
            measured_on(evaluation, "their class is missing", remark),
        ]
    )


def _confusions(evaluation: Mapping[str, Any]) -> str:
    classes = evaluation["classes"]
    if len(classes) > _MOST_CLASSES:
        return paragraph(f"The tables of {len(classes)} classes are in run.json.", "note")
    parts = []
    for name in (NETWORK, headline(evaluation, CLASS_MEASURES).baseline):
        confusion = everybody(evaluation)[name]["confusion"]
        parts.append(f"<div>\n<h3>{escape(name)}</h3>\n{_matrix(confusion, classes)}\n</div>")
    note = "Test windows by their true class (rows) and the one that is told (columns); shares are of the true class."
    return '<div class="beside">\n' + "\n".join(parts) + "\n</div>\n" + paragraph(note, "note")


def _matrix(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """A table whose cells are the darker the greater their share of the row is."""
    heads = "".join(f"<th>told {escape(name)}</th>" for name in classes)
    lines = [f'<tr><th class="text">truth</th>{heads}</tr>']
    for name, counts in zip(classes, confusion, strict=True):
        cells = []
        for count in counts:
            share = count / max(1, sum(counts))
            shade = f"background: rgba(68, 119, 170, {0.75 * share:.3f})"  # text stays readable on the darkest
            cells.append(f'<td style="{shade}">{count:,}<small>{share:.1%}</small></td>')
        lines.append(f'<tr><th class="text">{escape(name)}</th>{"".join(cells)}</tr>')
    return '<table class="matrix">\n' + "\n".join(lines) + "\n</table>"


def _each_class(evaluation: Mapping[str, Any]) -> str:
    classes = evaluation["classes"]
    rows = [
        (name, f"{count:,}", who, *(f"{measured['by_class'][name][key]:.4f}" for key in ("precision", "recall", "f1")))
        for name, count in list(zip(classes, evaluation["counts"], strict=True))[:_MOST_CLASSES]
        for who, measured in everybody(evaluation).items()
    ]
    parts = [table(("class", "test windows", "told by", "precision", "recall", "F1"), rows, texts=(0, 2))]
    if (more := len(classes) - _MOST_CLASSES) > 0:
        parts.append(paragraph(f"{more} more classes are in run.json.", "note"))
    return "\n".join(parts)


def _pictures(
    evaluation: Mapping[str, Any], details: JudgedDetails, told: NDArray[Any], truth: NDArray[np.integer]
) -> str:
    classes = evaluation["classes"]
    if two := len(classes) == 2:
        likely, happened = told[:, 1].astype(np.float64), truth == 1
    else:
        likely, happened = told.max(axis=1).astype(np.float64), told.argmax(axis=1) == truth
    likely = likely.clip(0.0, 1.0)  # float32 may round beyond
    what = f"class {classes[1]}" if two else "the likeliest class"
    return figures(
        [
            (
                drawn(lambda axes: _reliability(axes, likely, happened)),
                f"How often {what} is the truth, by the probability that the network told; on the dotted line it is as"
                " often as told. A dot is about a tenth of the windows.",
            ),
            (
                drawn(lambda axes: _certainty(axes, likely)),
                f"How many windows were given which probability of {what}.",
            ),
            (
                drawn(lambda axes: _accuracy(axes, evaluation, details, told.argmax(axis=1) == truth, truth)),
                "Accuracy over the test part, in stretches of time, and that of always telling the class that is most"
                " frequent in train.",
            ),
        ]
    )


def _reliability(axes: Any, likely: NDArray[np.float64], happened: NDArray[np.bool_]) -> None:
    shares, means = calibration_curve(happened, likely, pos_label=True, n_bins=_BINS, strategy="quantile")
    ends = [min(shares.min(), means.min()), max(shares.max(), means.max())]
    axes.plot(ends, ends, color=OTHER, lw=0.8, ls=":")
    axes.plot(means, shares, color=BLUE, marker="o", ms=4, lw=1.4)
    axes.set_xlabel("told")
    axes.set_ylabel("happened")


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
