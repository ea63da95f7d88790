"""Embedded series, each with the settings that suit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.settings.choices import Missing
from zoo_registry.errors import DataError, close_match_hint

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "example:"


@dataclass(frozen=True)
class Example:
    """An embedded series, and what a run takes where the user says nothing.

    ``label`` is the column that marks its anomalies, ``classes`` one of classes, ``series`` that of several series.
    """

    load: Callable[[], pd.DataFrame]
    summary: str
    target: str
    features: tuple[str, ...]
    time: str
    window: int
    horizon: int
    season: int
    missing: Missing
    label: str | None = None
    classes: str | None = None
    series: str | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the data whatever the task is."""
        names = ("features", "time", "series", "window", "season", "missing")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def _co2() -> pd.DataFrame:
    from statsmodels.datasets import co2

    frame: pd.DataFrame = co2.load_pandas().data
    return frame.rename_axis("date").reset_index()


def _ticks() -> pd.DataFrame:
    from zoo.data.ticks import make_ticks

    return make_ticks()


def _panel() -> pd.DataFrame:
    from zoo.data.shop_sales import make_sales

    return make_sales()


EXAMPLES = {
    "co2": Example(
        load=_co2,
        summary="weekly atmospheric CO2 at Mauna Loa, 1958-2001, in ppm; 59 of 2284 values are missing",
        target="co2",
        features=("co2",),
        time="date",
        window=52,
        horizon=13,
        season=52,
        missing="interpolate",
    ),
    "panel": Example(
        load=_panel,
        summary="made-up daily sales of 40 shops, from tens to hundreds of thousands, some with days without any",
        target="sales",
        features=("sales",),
        time="date",
        series="shop",
        window=28,
        horizon=14,
        season=7,
        missing="error",
    ),
    "ticks": Example(
        load=_ticks,
        summary="a made-up price by the minute, with volatility clusters, heavy tails, a daily season and jumps",
        target="price",
        features=("price", "return_bp", "volume"),
        time="time",
        window=60,
        horizon=10,
        season=1440,
        missing="error",
        label="anomaly",
        classes="next_move",
    ),
}


def find_example(source: object) -> Example | None:
    """Return the example that ``source`` names (``"example:co2"``), or None where it is no such name."""
    if not isinstance(source, str) or not source.startswith(PREFIX):
        return None
    name = source.removeprefix(PREFIX)
    if name not in EXAMPLES:
        raise DataError(f"there is no example '{name}'{close_match_hint(name, EXAMPLES)}")
    return EXAMPLES[name]
