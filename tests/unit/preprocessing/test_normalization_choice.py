"""How windows are normalized unless it is said: by rule, from the train rows."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from zoo.settings.schema import DataConfig, NetworkConfig, RunConfig, TrainingConfig
from zoo.training.preparation import prepare_run

ROWS, SEASON = 200, 6
STEPS = np.arange(ROWS)
NOISE = np.random.default_rng(0).normal(size=ROWS)
WAVE = np.sin(2 * np.pi * STEPS / SEASON)
SALES = np.where(np.random.default_rng(1).uniform(size=ROWS) < 0.5, 0.0, 3.0 + NOISE)


def chosen(*series: np.ndarray, **settings) -> tuple[str, str | None]:
    """What auto comes to, and why."""
    parts = [pd.DataFrame({"id": f"s{number}", "y": values}) for number, values in enumerate(series)]
    data = {"source": "DataFrame", "target": "y", "features": "y", "window": 12, "horizon": 6, "season": SEASON}
    config = RunConfig(
        architecture="basic",
        hyperparameters={},
        data=DataConfig(**data | ({"series": "id"} if len(series) > 1 else {}) | settings),
        network=NetworkConfig(),
        training=TrainingConfig(),
    )
    found = prepare_run(config, pd.concat(parts) if len(series) > 1 else parts[0][["y"]])
    return found.window_scale.kind, found.reason


@pytest.mark.parametrize(
    ("series", "expected", "why"),
    [
        ((10 * WAVE + NOISE,), "seasonal", "one series; a season of 6 rows forecasts the next one"),
        ((NOISE,), "instance", "one series; neither the last season nor .*"),
        ((SALES,), "mean", "one series, 4.% of whose values are 0"),
        (
            (10 * WAVE + NOISE, 1e4 * WAVE),
            "seasonal",
            "2 series, whose deviations differ .*-fold; a season of 6 rows forecasts the next one",
        ),
        (
            (NOISE, 1e4 * NOISE[::-1] + 7),
            "instance",
            "2 series, whose deviations differ .*-fold; neither the last season nor .*",
        ),
        ((SALES, 100 * SALES, NOISE), "mean", "3 series, 3.% of whose values are 0"),
    ],
)
def test_the_rule(series, expected: str, why: str):
    kind, reason = chosen(*series)
    assert kind == expected
    assert reason is not None
    assert re.fullmatch(why, reason)


def test_a_random_walk():
    kind, reason = chosen(np.cumsum(NOISE), horizon=1)
    assert (kind, reason) == ("last", "one series; its last value forecasts the next ones")
    assert chosen(np.cumsum(NOISE), np.cumsum(NOISE[::-1]), horizon=1)[0] == "instance", "each has a scale of its own"


def test_a_season_that_no_window_has():
    for season in (13, 12):  # no window shows how one changes to the next
        wave = np.sin(2 * np.pi * STEPS / season)
        assert chosen(10 * wave + NOISE, season=season)[0] == "instance"
        assert chosen(10 * wave, 1e4 * wave, season=season)[0] == "instance"


def test_series_that_never_change_decide_nothing():
    kind, reason = chosen(np.full(ROWS, 3.0), np.full(ROWS, 4e5), 10 * WAVE + NOISE)
    assert kind == "seasonal"
    assert "differ 1-fold" in reason
    assert chosen(np.full(ROWS, 3.0), np.full(ROWS, 4.0))[0] == "instance"
