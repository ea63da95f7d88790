"""The made-up tick series: the same rows every time, with what it promises to have."""

import hashlib

import numpy as np
import pytest

from zoo.data.ticks import DAYS, MINUTES, make_ticks


@pytest.fixture(scope="module")
def ticks():
    return make_ticks()


def test_the_rows_never_change(ticks):
    """The parameters were fixed before any model was scored on the series."""
    digest = hashlib.sha256(np.ascontiguousarray(ticks[["price", "return_bp", "volume"]].to_numpy().round(2)).tobytes())
    assert digest.hexdigest() == "030303b4003d9d292290a2c6deaaa6a378ae86e448ee9f9ba9ae1793e7bc77ec"
    assert list(ticks.columns) == ["time", "price", "return_bp", "volume", "anomaly", "next_move"]
    assert len(ticks) == DAYS * MINUTES
    assert str(ticks["time"].dt.tz) == "UTC"
    assert (ticks["time"].diff().dropna().dt.total_seconds() == 60).all()


def test_returns_make_the_price(ticks):
    rebuilt = 100 * np.exp(ticks["return_bp"].cumsum() / 1e4)
    np.testing.assert_allclose(ticks["price"], rebuilt, rtol=1e-4)


def test_jumps_are_marked(ticks):
    jumps = ticks["anomaly"] == 1
    assert 60 <= jumps.sum() <= 100
    assert ticks.loc[jumps, "return_bp"].abs().median() > 8 * ticks.loc[~jumps, "return_bp"].abs().median()


def test_the_next_move_is_that_of_the_next_row(ticks):
    later = np.sign(ticks["return_bp"].shift(-1))
    assert ticks["next_move"].iloc[-1] is None or np.isnan(ticks["next_move"].iloc[-1])
    clear = later.iloc[:-1].to_numpy() != 0  # rounded to nothing
    moves = ticks["next_move"].iloc[:-1].map({"up": 1, "down": -1}).to_numpy()
    assert (moves == later.iloc[:-1].to_numpy())[clear].all()
    assert clear.mean() > 0.999


def test_volatility_clusters_and_tails_are_heavy(ticks):
    ordinary = ticks.loc[ticks["anomaly"] == 0, "return_bp"]
    size = ordinary.abs()
    assert size.autocorr(1) > 0.2
    assert size.autocorr(30) > 0.1
    assert abs(ordinary.autocorr(1)) < 0.05
    assert ordinary.kurt() > 2


def test_a_daily_season(ticks):
    hours = ticks["time"].dt.hour
    size = ticks["return_bp"].abs()
    assert size[hours == 14].mean() > 2 * size[hours == 2].mean()
    assert ticks["volume"][hours == 14].mean() > 2 * ticks["volume"][hours == 2].mean()
