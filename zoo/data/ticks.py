"""A synthetic price series with what high-frequency data have: volatility clusters, heavy tails, a daily season, jumps.

The parameters were fixed before any model was scored on the series, and stay as they are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SEED = 20_240_101
DAYS = 20
MINUTES = 1440  # one-minute bars of a market that never closes
START_PRICE = 100.0

# Volatility of a minute, in basis points: GARCH(1,1), Bollerslev 1986, with a half-life of about half an hour
TYPICAL_VOLATILITY = 2.0
SHOCK, PERSISTENCE = 0.10, 0.88
DEGREES_OF_FREEDOM = 5.0  # Student's t: heavy tails that are nobody's fault
DAILY_SWING = 0.5  # volatility and volume are this share higher at 14:30 and lower at 02:30

JUMPS_A_DAY = 4.0
JUMP_SIZE = (10.0, 25.0)  # in multiples of the typical volatility, either way
TYPICAL_VOLUME, VOLUME_SPREAD = 1000.0, 0.4


def make_ticks() -> pd.DataFrame:
    """Return one-minute rows with the columns time, price, return_bp, volume, anomaly and next_move.

    ``return_bp`` is the logarithmic return in basis points, ``anomaly`` is 1 where the price jumped, else 0, and
    ``next_move``, up or down, is the direction of the next row's return, missing in the last row. The same rows every
    time.
    """
    random = np.random.default_rng(SEED)
    rows = DAYS * MINUTES
    minute = np.arange(rows) % MINUTES
    season = 1 + DAILY_SWING * np.cos(2 * np.pi * (minute - 870) / MINUTES)

    spread = np.sqrt(DEGREES_OF_FREEDOM / (DEGREES_OF_FREEDOM - 2))
    shocks = random.standard_t(DEGREES_OF_FREEDOM, rows) / spread  # of variance 1
    variance = np.empty(rows)
    variance[0] = 1.0
    for row in range(1, rows):
        before = variance[row - 1]
        variance[row] = 1 - SHOCK - PERSISTENCE + (SHOCK * shocks[row - 1] ** 2 + PERSISTENCE) * before
    volatility = TYPICAL_VOLATILITY * season * np.sqrt(variance)

    jump = random.random(rows) < JUMPS_A_DAY / MINUTES
    size = random.uniform(*JUMP_SIZE, rows) * TYPICAL_VOLATILITY * random.choice([-1, 1], rows)
    returns = volatility * shocks + np.where(jump, size, 0.0)
    price = START_PRICE * np.exp(np.cumsum(returns) / 1e4)
    volume = TYPICAL_VOLUME * season * np.exp(VOLUME_SPREAD * random.standard_normal(rows) + 0.3 * np.abs(shocks))
    return pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=rows, freq="min", tz="UTC"),
            "price": price.round(4),
            "return_bp": returns.round(4),
            "volume": np.where(jump, 5 * volume, volume).round(),
            "anomaly": jump.astype(np.int64),
            "next_move": [*np.where(returns[1:] > 0, "up", "down"), None],
        }
    )
