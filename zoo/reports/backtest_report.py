"""The report of a backtest: errors over all origins, by origin, by step and by series, and what was trained."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.evaluation.details import means_over_time
from zoo.evaluation.evaluation import NETWORK
from zoo.evaluation.headline import FORECAST_MEASURES, everybody, headline
from zoo.reports.drawing import broken, drawn, figures, marker, places_in_time, time_axis
from zoo.reports.forecast_report import COLOURS, errors_by_step, measures
from zoo.reports.page_parts import page, paragraph, table

_POINTS = 1000  # of a curve over time
_WORST, _MOST_SERIES, _MOST_FITS = 10, 200, 200  # rows of a table


def backtest_report(evaluation: Mapping[str, Any], by_origin: pd.DataFrame, *, dates: bool) -> str:
    """The page as text.

    ``evaluation`` and ``by_origin`` are as :class:`zoo.backtesting.result.Backtested` has them; ``dates`` says that
    origins are times.
    """
    colours = {name: COLOURS[name] for name in everybody(evaluation)}
    title = f"Backtest of {evaluation['subject']}"
    of = f"windows behind {evaluation['origins']:,} origins"
    sections = [
        ("How good it would have been", measures(evaluation, of, "backtest.json")),
        ("By origin", _by_origin(evaluation, by_origin, colours, dates)),
    ]
    if len(evaluation["by_step"][NETWORK]) > 1:
        sections.append(("By step of the horizon", figures([errors_by_step(evaluation["by_step"], colours)])))
    if evaluation["by_series"]:
        sections.append(("By series", _by_series(evaluation)))
    if evaluation["fits"]:
        sections.append(("Trainings", _fits(evaluation)))
    sections.append(("Summary", table(("", ""), _facts(evaluation), texts=(0, 1))))
    remarks = [paragraph(f"{remark[0].upper()}{remark[1:]}.", "note") for remark in evaluation["remarks"]]
    body = [f"<h1>{escape(title)}</h1>", *remarks]
    body += [f"<h2>{head}</h2>\n{content}" for head, content in sections]
    return page(title, "\n".join(body))


def best_baseline(evaluation: Mapping[str, Any]) -> str | None:
    """The name of the baseline with the least scaled MAE, None where there is none."""
    return headline(evaluation, FORECAST_MEASURES).baseline if evaluation["baselines"] else None


def worst_origins(evaluation: Mapping[str, Any], by_origin: pd.DataFrame, most: int = _WORST) -> list[tuple[str, ...]]:
    """The windows with the greatest errors of the network, as texts: origin, series if any, scaled MAE by forecast."""
    names, own = list(everybody(evaluation)), f"scaled MAE {NETWORK}"
    labels = list(by_origin.columns[: list(by_origin.columns).index(own)])
    rows = []
    for _, row in by_origin.dropna(subset=[own]).nlargest(most, own).iterrows():
        errors = (f"{row[f'scaled MAE {name}']:.4f}" for name in names)
        rows.append((*(str(row[label]) for label in labels), *errors))
    return rows


def _by_origin(evaluation: Mapping[str, Any], by_origin: pd.DataFrame, colours: Mapping[str, str], dates: bool) -> str:
    names = [name for name in (best_baseline(evaluation), NETWORK) if name is not None]
    positions = _positions(by_origin["origin"], dates)

    def draw(axes: Any) -> None:
        for name in names:
            errors = by_origin[f"scaled MAE {name}"].to_numpy()
            known = np.isfinite(errors)
            places, curve = broken(*means_over_time(positions[known], errors[known], _POINTS))
            axes.plot(
                places_in_time(places, dates), curve, color=colours[name], lw=1.2, marker=marker(curve), label=name
            )
        time_axis(axes, dates, "origin")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize="small")

    heads = ("origin", *(["series"] if evaluation["by_series"] else []), *everybody(evaluation))
    texts = (0, 1) if evaluation["by_series"] else (0,)
    return "\n".join(
        [
            figures([(drawn(draw, wide=True), "Scaled MAE of the windows by their origin.")], wide=True),
            "<h3>The worst origins</h3>",
            table(heads, worst_origins(evaluation, by_origin), texts=texts),
            paragraph("Scaled MAE of each; the errors of all origins are in origins.parquet.", "note"),
        ]
    )


def _by_series(evaluation: Mapping[str, Any]) -> str:
    names = list(everybody(evaluation))
    found = sorted(evaluation["by_series"].items(), key=lambda item: -item[1]["scaled_mae"][NETWORK])
    rows = [
        (series, f"{own['windows']:,}", *(f"{own['scaled_mae'][name]:.4f}" for name in names))
        for series, own in found[:_MOST_SERIES]
    ]
    parts = [table(("series", "windows", *names), rows, texts=(0,))]
    more = len(found) - len(rows)
    parts.append(
        paragraph(
            "Scaled MAE of each, the worst first" + (f"; {more} more are in backtest.json." if more else "."), "note"
        )
    )
    return "\n".join(parts)


def _fits(evaluation: Mapping[str, Any]) -> str:
    fits = evaluation["fits"]
    rows = [
        (
            fit["origin"],
            str(fit["origins"]),
            f"{fit['train_rows']:,}",
            f"{fit['train_windows']:,}",
            str(fit["epochs"]),
            f"{fit['seconds']:.1f}",
        )
        for fit in fits[:_MOST_FITS]
    ]
    heads = ("first origin", "origins", "train rows", "train windows", "epochs", "seconds")
    told = table(heads, rows, texts=(0,))
    if len(fits) > len(rows):
        told += paragraph(f"{len(fits) - len(rows)} more are in backtest.json.", "note")
    return told


def _facts(evaluation: Mapping[str, Any]) -> list[tuple[str, str]]:
    every = evaluation["refit_every"]
    trained = "once, before the first origin" if evaluation["fits"] else "not for this backtest"
    window = f"window {evaluation['window']}, horizon {evaluation['horizon']}, gap {evaluation['gap']}"
    return [
        ("subject", evaluation["subject"]),
        ("data", evaluation["source"]),
        ("fingerprint", evaluation["fingerprint"]),
        ("task", f"{evaluation['task']}: {window}"),
        ("targets", ", ".join(evaluation["network"]["targets"])),
        ("origins", f"{evaluation['origins']:,}, {evaluation['first_origin']} to {evaluation['last_origin']}"),
        ("rows from one origin to the next", str(evaluation["stride"])),
        ("trained", trained if every is None else "at each origin" if every == 1 else f"at each {every} origins"),
    ]


def _positions(origins: pd.Series[Any], dates: bool) -> NDArray[np.float64]:
    """Points in time as pictures take them: microseconds on the wall's clock, or numbers."""
    if not dates:
        return origins.to_numpy(np.float64)
    return pd.DatetimeIndex(origins).tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.float64)
