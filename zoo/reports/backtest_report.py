"""The report of a backtest: errors over all origins, by origin, by step and by series, and what was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zoo.evaluation.details import means_over_time
from zoo.evaluation.evaluation import NETWORK
from zoo.evaluation.headline import everybody, forecast_measures
from zoo.reports.drawing import broken, drawn, marker, places_in_time, time_axis
from zoo.reports.forecast_report import COLOURS, errors_by_step
from zoo.reports.pages import render

_POINTS = 1000  # of a curve over time
_WORST = 10  # rows of a table


def backtest_report(evaluation: Mapping[str, Any], by_origin: pd.DataFrame, *, dates: bool) -> str:
    """The page as text.

    ``evaluation`` and ``by_origin`` are as :class:`zoo.backtesting.result.Backtested` has them; ``dates`` says that
    origins are times.
    """
    colours = {name: COLOURS[name] for name in everybody(evaluation)}
    steps = evaluation["by_step"]
    return render(
        "backtest.html",
        title=f"Backtest of {evaluation['subject']}",
        evaluation=evaluation,
        ranked=forecast_measures(evaluation),
        by_origin=_by_origin(evaluation, by_origin, colours, dates),
        worst=worst_origins(evaluation, by_origin),
        by_step=errors_by_step(steps, colours) if len(steps[NETWORK]) > 1 else None,
    )


def best_baseline(evaluation: Mapping[str, Any]) -> str | None:
    """The name of the baseline that does best, None where there is none."""
    measures = forecast_measures(evaluation)
    rivals = measures.rivals(evaluation)
    return measures.best(rivals) if rivals else None


def worst_origins(evaluation: Mapping[str, Any], by_origin: pd.DataFrame, most: int = _WORST) -> list[tuple[str, ...]]:
    """The windows with the greatest errors of the network, as texts: origin, series if any, scaled MAE by forecast."""
    names, own = list(everybody(evaluation)), f"scaled MAE {NETWORK}"
    labels = list(by_origin.columns[: list(by_origin.columns).index(own)])
    rows = []
    for row in by_origin.dropna(subset=[own]).nlargest(most, own).to_dict("records"):
        values = (row[f"scaled MAE {name}"] for name in names)
        errors = ("" if np.isnan(value) else f"{value:.4f}" for value in values)
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
            places = places_in_time(places, dates)
            axes.plot(places, curve, color=colours[name], lw=1.2, marker=marker(curve), label=name)
        time_axis(axes, dates, "origin")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize="small")

    return drawn(draw, wide=True)


def _positions(origins: pd.Series[Any], dates: bool) -> NDArray[np.float64]:
    """Points in time as pictures take them: microseconds on the wall's clock, or numbers."""
    if not dates:
        return origins.to_numpy(np.float64)
    return pd.DatetimeIndex(origins).tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.float64)
