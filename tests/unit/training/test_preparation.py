"""From a table to windows: scalers see train rows alone, and a run's own scalers are used again."""

from __future__ import annotations

import numpy as np

from zoo.training.config import DataConfig
from zoo.training.preparation import prepare


def config(**changes):
    return DataConfig(**({"source": "DataFrame", "target": "load", "window": 8, "horizon": 3} | changes))


def test_scalers_are_fitted_on_train_rows_alone(series, prepared):
    changed = series.copy()
    changed.loc[168:, ["load", "temperature"]] *= 1000
    assert prepare(config(), changed).preprocessor.parameters() == prepared.preprocessor.parameters()
    changed.loc[167, "load"] *= 1000
    assert prepare(config(), changed).preprocessor.parameters() != prepared.preprocessor.parameters()


def test_a_fitted_preprocessor_is_used_as_it_is(series, prepared):
    again = prepare(config(), series.assign(load=series["load"] + 5), prepared.preprocessor)
    assert again.preprocessor is prepared.preprocessor
    raised = 5 / prepared.preprocessor.targets_.unit
    difference = again.parts["train"].outputs() - prepared.parts["train"].outputs()
    np.testing.assert_allclose(difference, np.broadcast_to(raised, difference.shape), atol=1e-5)


def test_windows_are_scaled_rows(series, prepared):
    assert (prepared.shape.input, prepared.shape.output) == ((8, 2), (3, 1))
    assert prepared.shape.target_columns == (0,)
    np.testing.assert_array_equal(prepared.history[:, 0], series["load"])
    columns = series[["load", "temperature"]].to_numpy()
    train = columns[:168]
    expected = (columns - train.mean(axis=0)) / train.std(axis=0)
    windows = prepared.parts["validation"]
    np.testing.assert_allclose(windows.inputs()[0], expected[160:168], atol=1e-6)
    np.testing.assert_allclose(windows.outputs()[0], expected[168:171, :1], atol=1e-6)


def test_the_season(series, prepared):
    assert prepared.season == 24, "a day of hours"
    assert prepare(config(season=5), series).season == 5
    assert prepare(config(), series.drop(columns="time")).season is None


def test_repairs_are_counted(series):
    holes = series.copy()
    holes.loc[[10, 11, 200], "temperature"] = np.nan
    prepared = prepare(config(missing="ffill"), holes)
    assert prepared.missing == {"temperature": 3}
    assert prepared.repairs == {"missing": {"method": "ffill", "values": {"temperature": 3}}}
    assert np.isfinite(prepared.values).all()
