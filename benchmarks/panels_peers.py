"""Forecast a panel with one peer: ``python panels_peers.py PEER TRAIN.parquet FORECAST.parquet HORIZON SEASON [SEED]``.

The table has the columns unique_id, ds (whole numbers) and y. Runs in an environment of its own, without TensorFlow.
"""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

import pandas as pd

# The peers' own defaults, but for what the issue of scale asks of each: input, horizon, and a robust scaler
WINDOWS, STEPS = 168, {"lstm": 200, "nhits": 500, "dlinear": 80}


def statistical(name: str, frame: pd.DataFrame, horizon: int, season: int) -> pd.DataFrame:
    """What a model of statsforecast says, on all cores."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS, DynamicOptimizedTheta, SeasonalNaive

    models = {"seasonal-naive": SeasonalNaive, "theta": DynamicOptimizedTheta, "ets": AutoETS}
    found = StatsForecast(models=[models[name](season_length=season, alias="forecast")], freq=1, n_jobs=-1)
    return found.forecast(df=frame, h=horizon)


def neural(name: str, frame: pd.DataFrame, horizon: int, seed: int) -> pd.DataFrame:
    """What a model of neuralforecast says after a training."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM, NHITS, DLinear

    model: dict[str, Any] = {"lstm": LSTM, "nhits": NHITS, "dlinear": DLinear}
    quiet: dict[str, Any] = dict.fromkeys(("enable_progress_bar", "logger", "enable_checkpointing"), False)
    quiet["enable_model_summary"] = False
    window = min(WINDOWS, int(frame.groupby("unique_id").size().min()) - horizon)
    made = model[name](
        h=horizon,
        input_size=window,
        max_steps=STEPS[name],
        scaler_type="robust",
        random_seed=seed,
        alias="forecast",
        **quiet,
    )
    forecaster = NeuralForecast(models=[made], freq=1)
    forecaster.fit(frame)
    return forecaster.predict()


def main() -> None:
    """Read, forecast, write."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    name, source, into, horizon, season, *seed = sys.argv[1:]
    frame = pd.read_parquet(source)
    if name in STEPS:
        found = neural(name, frame, int(horizon), int(seed[0]))
    else:
        found = statistical(name, frame, int(horizon), int(season))
    found.reset_index()[["unique_id", "ds", "forecast"]].to_parquet(into)


if __name__ == "__main__":
    main()
