"""The embedded panel: what it is for, and that it never changes."""

import hashlib

import numpy as np
import pandas as pd

from zoo.data.shop_sales import QUIET, ROWS, SHOPS, make_sales


def test_it_is_the_same_every_time():
    frame = make_sales()
    pd.testing.assert_frame_equal(frame, make_sales())
    rounded = frame["sales"].round(0).to_numpy().tobytes()
    assert (len(frame), hashlib.sha256(rounded).hexdigest()[:12]) == (9152, "749a047f92ea")


def test_shops_differ_in_scale_length_and_days_without_sales():
    shops = make_sales().groupby("shop")["sales"]
    lengths, means, zeros = shops.size(), shops.mean(), shops.apply(lambda own: (own == 0).mean())
    assert len(lengths) == SHOPS
    assert lengths.between(*ROWS).all()
    assert lengths.nunique() > SHOPS / 2
    assert means.max() / means.min() > 10_000
    assert (zeros > 0.5).sum() == QUIET
    assert (zeros == 0).sum() == SHOPS - QUIET


def test_each_shop_has_a_row_each_day_and_a_week():
    frame = make_sales()
    for _, own in frame.groupby("shop"):
        assert (own["date"].diff().dropna() == pd.Timedelta(days=1)).all()
    usual = frame[frame["sales"] > 0].groupby("shop")["sales"].transform("mean")
    week = (frame["sales"] / usual).groupby(frame["date"].dt.day_of_week).mean()
    assert np.argmax(week) == 5
    assert week.max() / week.min() > 1.3
