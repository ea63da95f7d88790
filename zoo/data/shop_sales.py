"""Made-up daily sales of many shops, as panels are: other scales, lengths and weeks, trends, and days without a sale.

The parameters were fixed before any model was scored on the series, and stay as they are.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

SEED = 20_240_102
SHOPS = 40
QUIET = 6  # of them, which sell nothing on most days
ROWS = (120, 400)  # of a shop
SCALES = (20.0, 200_000.0)  # of a shop's usual day
LAST_DAY = "2024-12-31"

WEEK = np.array([0.9, 0.85, 0.9, 1.0, 1.15, 1.3, 0.9])  # from Monday on
WEEK_SPREAD = 0.5  # how much stronger or weaker than that a shop's own week may be, either way
YEARLY_GROWTH = 0.2  # either way
NOISE, KEPT = 0.08, 0.6  # a day's deviation, and the share of it that the next day keeps
QUIET_SHARE, QUIET_SCALE = 0.3, 4.0  # of the days with a sale, and what is sold then


def make_sales() -> pd.DataFrame:
    """Return daily rows with the columns shop, date and sales, shop by shop; all end on one day. The same every time.

    The last shops sell whole pieces on few days: a series of zeros with a number now and then.
    """
    random = np.random.default_rng(SEED)
    lengths = random.integers(*ROWS, SHOPS, endpoint=True)
    scales = np.geomspace(*SCALES, SHOPS)[random.permutation(SHOPS)]
    frames = []
    for shop in range(SHOPS):
        days = pd.date_range(end=LAST_DAY, periods=lengths[shop], freq="D", unit="us")
        week = 1 + (WEEK - 1) * random.uniform(1 - WEEK_SPREAD, 1 + WEEK_SPREAD)
        growth = random.uniform(-YEARLY_GROWTH, YEARLY_GROWTH) * np.arange(lengths[shop]) / 365
        shocks, noise = NOISE * random.standard_normal(lengths[shop]), np.empty(lengths[shop])
        noise[0] = shocks[0]
        for day in range(1, lengths[shop]):
            noise[day] = KEPT * noise[day - 1] + shocks[day]
        usual = week[days.day_of_week] * np.exp(growth)
        sales = (scales[shop] * usual * np.exp(noise)).round(1)
        if shop >= SHOPS - QUIET:
            busy = random.random(lengths[shop]) < QUIET_SHARE * usual
            sales = np.where(busy, 1 + random.poisson(QUIET_SCALE * usual), 0).astype(np.float64)
        frames.append(pd.DataFrame({"shop": f"shop {shop + 1:02}", "date": days, "sales": sales}))
    return pd.concat(frames, ignore_index=True)
