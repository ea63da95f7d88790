"""The report of a backtest: one page, every text escaped, what it says is what was measured."""

from __future__ import annotations

from html import unescape
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.evaluation.rolling import RollingErrors
from zoo.reports.backtest_report import backtest_report, worst_origins

EVIL = "<script>alert('$x_1$')</script> & 温度"
ORIGINS = 12


def backtest_of(*, steps: int = 3, series: tuple[str, ...] = (), baselines: bool = True) -> tuple[dict[str, Any], Any]:
    random = np.random.default_rng(0)
    truth = random.normal(size=(ORIGINS, steps, 1))
    made = {"network": truth + np.arange(1, ORIGINS + 1)[:, None, None]}
    if baselines:
        made["last value"] = truth + 0.5
    owners = np.arange(ORIGINS) % max(1, len(series))
    changes = np.ones((max(1, len(series)), 1))
    errors = RollingErrors((EVIL,), ORIGINS, unit=np.ones(1), changes=changes, series=series or ("",), owners=owners)
    errors.add(np.arange(ORIGINS), truth, made)
    origins = pd.date_range("2024-01-01", periods=ORIGINS, freq="D")
    frame = pd.DataFrame({"origin": origins})
    if series:
        frame[EVIL + " site"] = np.array(series)[owners]
    for name in made:
        frame[f"scaled MAE {name}"] = errors.scaled(name)
    fit = {"origins": 4, "train_rows": 1234, "train_windows": 99, "epochs": 7, "seconds": 1.5}
    evaluation = {
        "subject": f"run of {EVIL}",
        "kind": "run",
        "source": EVIL,
        "fingerprint": "abc",
        "task": "forecast",
        "window": 8,
        "horizon": steps,
        "gap": 0,
        "stride": 1,
        "refit_every": 4,
        "origins": ORIGINS,
        "first_origin": str(origins[0]),
        "last_origin": str(origins[-1]),
        **errors.measured(),
        "by_series": errors.by_series() if series else {},
        "skipped": {"ridge": EVIL},
        "fits": [fit | {"origin": str(origins[0])}],
        "remarks": [EVIL],
    }
    return evaluation, frame


def test_the_page_says_what_was_measured(pictures):
    evaluation, frame = backtest_of(series=("x", "y"))
    text = backtest_report(evaluation, frame, dates=True)
    assert pictures(text) == 2
    assert "<script" not in text
    plain = unescape(text)
    assert evaluation["verdict"] in plain
    for head in ("By origin", "The worst origins", "By step of the horizon", "By series", "Trainings", "Summary"):
        assert f">{head}</h" in text
    assert "12 windows behind 12 origins" in plain
    assert "at each 4 origins" in plain
    assert "1,234" in plain
    assert EVIL not in text
    assert EVIL in plain


@pytest.mark.parametrize("dates", [True, False])
def test_one_step_without_baselines_and_without_series(pictures, dates):
    evaluation, frame = backtest_of(steps=1, baselines=False)
    evaluation |= {"fits": [], "refit_every": None, "remarks": []}
    if not dates:
        frame["origin"] = np.arange(ORIGINS) + 1
    text = backtest_report(evaluation, frame, dates=dates)
    assert pictures(text) == 1
    for head in ("By step of the horizon", "By series", "Trainings"):
        assert f">{head}</h" not in text
    assert "not for this backtest" in text


def test_the_worst_origins_come_first_and_unknown_ones_not_at_all():
    evaluation, frame = backtest_of(series=("x", "y"))
    frame.loc[ORIGINS - 1, "scaled MAE network"] = np.nan
    found = worst_origins(evaluation, frame, 2)
    assert found == [
        ("2024-01-11 00:00:00", "x", "11.0000", "0.5000"),
        ("2024-01-10 00:00:00", "y", "10.0000", "0.5000"),
    ]
    rows = frame.drop(columns=frame.columns[1]).assign(origin=np.arange(len(frame)))
    assert all(origin.isdecimal() for origin, *_ in worst_origins(evaluation, rows))


def test_the_same_backtest_gives_the_same_page():
    assert backtest_report(*backtest_of(), dates=True) == backtest_report(*backtest_of(), dates=True)
