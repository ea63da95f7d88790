"""What a backtest found: errors, all forecasts, and the folder that they are kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from zoo.atomic import make_folder, rename_to_free, staging_folder
from zoo.reports.backtest_report import backtest_report

RECORD_FILE, REPORT_FILE = "backtest.json", "report.html"
FORECASTS_FILE, ORIGINS_FILE = "forecasts.parquet", "origins.parquet"


@dataclass(frozen=True)
class Backtested:
    """A backtest's errors and forecasts.

    ``evaluation`` is plain data: ``network`` and ``baselines`` with their errors in original units and scaled,
    ``by_step`` and ``by_series``, ``fits`` (each training: its first origin, rows, epochs and seconds), ``verdict``,
    and what was asked. ``forecasts`` has a row for each origin and step: the network's forecast of each target, its
    quantiles, the true value, the baselines' forecasts, in original units. ``by_origin`` has a row for each window: the
    scaled MAE and each target's MAE, by forecast, missing where a true value is. ``dates`` says that origins are times.
    """

    evaluation: dict[str, Any]
    forecasts: pd.DataFrame
    by_origin: pd.DataFrame
    dates: bool

    @property
    def verdict(self) -> str:
        """Which baselines the network beats, equals and loses to, in a sentence."""
        return str(self.evaluation["verdict"])

    def page(self) -> str:
        """The report as one self-contained page."""
        return backtest_report(self.evaluation, self.by_origin, dates=self.dates)

    def save(self, folder: str | Path = "backtests") -> Path:
        """Write record, forecasts, errors by origin and report into a new folder inside this one, whole or not."""
        place = Path(folder)
        made = datetime.now(UTC)
        kind = self.evaluation["subject"].split(":")[0].split(" on ")[0]
        name = f"{made:%Y%m%d-%H%M%S}-{''.join(c if c.isalnum() else '-' for c in kind)}"
        make_folder(place)
        with staging_folder(place) as staged:
            record = {"schema_version": 1, "created": made.isoformat(timespec="seconds"), **self.evaluation}
            text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
            (staged / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
            (staged / REPORT_FILE).write_text(self.page(), encoding="utf-8")
            self.forecasts.to_parquet(staged / FORECASTS_FILE, index=False)
            self.by_origin.to_parquet(staged / ORIGINS_FILE, index=False)
            return rename_to_free(staged, lambda number: place / (name if number == 1 else f"{name}-{number}"))
