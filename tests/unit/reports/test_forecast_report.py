"""The report: everything on one page, nothing fetched, every text escaped, and losses said in words."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from html import unescape
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.evaluation import details as details_module
from zoo.evaluation.baselines import last_value
from zoo.evaluation.details import POINTS_OVER_TIME, Details, ErrorsOverTime, Histogram
from zoo.evaluation.measurement import Measurement
from zoo.preprocessing.prepared import Prepared
from zoo.reports.forecast_report import forecast_report
from zoo.reports.report import Training
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare

HISTORY = {"loss": [3.0, 2.0], "val_loss": [3.5, 1.5], "learning_rate": [1e-3, 5e-4]}


def prepared_of(table: pd.DataFrame, **settings: Any) -> Prepared:
    return prepare(DataConfig(**({"target": "load", "window": 8, "horizon": 3} | settings)), table)


def forecast_of(prepared: Prepared, noise: float = 0.5) -> np.ndarray:
    truth = prepared.history[prepared.parts["test"].target_rows()]
    return truth + np.random.default_rng(0).normal(0, noise, truth.shape)


def measured(
    prepared: Prepared, output: np.ndarray, batch: int = 5, levels: tuple[float, ...] = ()
) -> tuple[dict[str, Any], Details]:
    prepared = replace(prepared, problem=prepared.problem.model_copy(update={"quantiles": levels}))
    batches = [output[start : start + batch] for start in range(0, len(output), batch)]
    found = Measurement.of_forecasts(batches, prepared)
    assert isinstance(found.details, Details)
    return found.evaluation, found.details


def page_of(prepared: Prepared, output: np.ndarray, **more: Any) -> str:
    training = Training("basic on a.csv", [("trained", "today")], "[data]\n", HISTORY, 2)
    return forecast_report(training, *measured(prepared, output, **more))


def test_the_page_of_a_run(pictures, trained):
    text = (trained.folder / "report.html").read_text(encoding="utf-8")
    assert pictures(text) == 3 + 3 + 2
    assert trained.metrics["verdict"] in unescape(text)
    config = unescape(re.search(r"<pre>(.*?)</pre>", text, flags=re.DOTALL)[1])
    assert tomllib.loads(config)["data"]["target"] == ["load"]
    assert trained.record.data.fingerprint in text
    for name, own in trained.metrics["baselines"].items():
        assert f'<td class="text">{name}</td><td>{own["scaled"]["mae"]:.4f}</td>' in text


def test_nothing_is_fetched_and_nothing_runs(elements, trained):
    text = (trained.folder / "report.html").read_text(encoding="utf-8")
    for tag, attributes in elements(text).tags:
        assert tag not in ("script", "link", "iframe", "img", "object", "embed", "base", "form")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("href", "xlink:href", "src"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not re.search(r"https?:|@import|url\((?!#)", text)


@pytest.mark.parametrize("horizon", [1, 3])
def test_the_worst_series_are_drawn(pictures, series, evil, horizon):
    others = [series.assign(name=f"{number}{evil}", load=series["load"] * number) for number in range(1, 12)]
    short = series[:40].assign(name="short")
    prepared = prepared_of(pd.concat([*others, short], ignore_index=True), series="name", horizon=horizon, season=60)
    evaluation, found = measured(prepared, forecast_of(prepared))
    worst = [one["series"] for one in evaluation["series"]["worst"]]
    assert worst == list(found.series.excerpts)
    assert worst[:2] == [f"1{evil}", f"2{evil}"]  # whose level the same errors are greatest beside
    assert len(worst) == 10
    text = forecast_report(Training("basic", [], "", HISTORY, 1), evaluation, found)
    assert pictures(text) == 10 + 3 + 2 + (horizon > 1) + 2
    plain = unescape(text)
    mase = evaluation["series"]["worst"][0]["mase"]
    told = f"1{evil}: MASE {mase['network']:.4g}"
    assert told in plain
    assert f"seasonal naive {mase['seasonal naive']:.4g}; the worst window, row " in plain
    assert "seasonal naive: not for 1 series ('short')" in plain
    assert "1 series have no MASE" in plain
    assert "mean MASE over 11 series" in plain
    assert "<script" not in text


def test_the_window_that_is_drawn_of_a_series_is_its_worst(series):
    both = pd.concat([series.assign(name="a"), series.assign(name="b")], ignore_index=True)
    prepared = prepared_of(both, series="name")
    forecast = forecast_of(prepared)
    forecast[11] += 100.0
    _, found = measured(prepared, forecast)
    excerpt = found.series.excerpts["a"]
    assert excerpt.numbers == range(11, 12)
    np.testing.assert_array_equal(excerpt.forecasts["network"][0], forecast[11])
    rows = prepared.parts["test"].target_rows(slice(11, 12))[0]
    np.testing.assert_array_equal(excerpt.truth[-3:], prepared.history[rows])
    (baseline,) = set(excerpt.forecasts) - {"network"}
    assert np.isfinite(excerpt.forecasts[baseline]).all()


def test_names_of_users_are_escaped(elements, series, evil):
    prepared = prepared_of(series.rename(columns={"load": evil}), target=evil)
    training = Training(evil, [("source", evil)], evil, HISTORY, 1)
    text = forecast_report(training, *measured(prepared, forecast_of(prepared)))
    elements(text)
    assert "<script" not in text
    assert unescape(text).count(evil) >= 6


def test_losing_is_said_in_words(series):
    prepared = prepared_of(series)
    text = unescape(page_of(prepared, forecast_of(prepared, noise=100.0)))
    assert "The network loses: last value, seasonal naive and ridge would serve at least as well" in text
    assert text.count("loses to it (") == 3


def test_a_tie_is_said_in_words(series):
    prepared = prepared_of(series)
    test = prepared.parts["test"]
    text = unescape(page_of(prepared, last_value(prepared.history, test.last_rows(), test.horizon)))
    assert "equals last value" in text
    assert text.count(">equals it<") == 1


def test_winning_is_not_called_a_loss_and_the_same_run_gives_the_same_page(series, words):
    prepared = prepared_of(series)
    forecast = forecast_of(prepared, noise=1e-6)
    text = page_of(prepared, forecast)
    assert "loses" not in words(text)
    assert text.count("beats it by 100.0%") == 3
    assert page_of(prepared, forecast) == text


@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 1},
        {"task": "regress", "horizon": 1},
        {"target": ["load", "temperature"], "gap": 4},
        {"features": ["temperature"]},
        {"split": (200, 29, 11)},
    ],
    ids=str,
)
@pytest.mark.parametrize("times", [True, False])
def test_every_kind_of_run_has_a_page(elements, series, settings, times):
    prepared = prepared_of(series if times else series.drop(columns="time"), **settings)
    elements(page_of(prepared, forecast_of(prepared)))


def test_times_out_of_reach_and_forecasts_out_of_bounds(elements, series):
    series["time"] = np.arange("9990-01-01", "9990-01-11", dtype="datetime64[h]")
    prepared = prepared_of(series)
    elements(page_of(prepared, forecast_of(prepared) * 1e30))


def test_quantiles(series):
    prepared = prepared_of(series)
    output = forecast_of(prepared)[..., None] + np.array([-1.0, 0.0, 1.0])
    _, found = measured(prepared, output, levels=(0.1, 0.5, 0.9))
    excerpt = found.excerpts[0]
    np.testing.assert_allclose(excerpt.interval[..., 1] - excerpt.interval[..., 0], 2.0)
    np.testing.assert_array_equal(excerpt.forecasts["network"], output[: len(excerpt.numbers), ..., 1])
    assert "truths at or below it" in page_of(prepared, output, levels=(0.1, 0.5, 0.9))


def test_errors_by_step(series):
    prepared = prepared_of(series, target=["load", "temperature"])
    truth = prepared.history[prepared.parts["test"].target_rows()]
    unit = prepared.preprocessor.targets_.unit
    evaluation, _ = measured(prepared, truth + np.array([1.0, 2.0, 4.0])[:, None] * unit)
    assert evaluation["by_step"]["network"] == pytest.approx([1.0, 2.0, 4.0])
    assert list(evaluation["by_step"]) == ["network", "last value", "seasonal naive", "ridge"]
    assert evaluation["unit"] == dict(zip(("load", "temperature"), unit.tolist(), strict=True))
    for name, own in evaluation["baselines"].items():
        assert np.mean(evaluation["by_step"][name]) == pytest.approx(own["scaled"]["mae"])


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_details_hang_on_no_batch(series, horizon, batch):
    prepared = prepared_of(series, horizon=horizon)
    forecast = forecast_of(prepared)
    evaluation, found = measured(prepared, forecast, batch)
    test = prepared.parts["test"]
    for excerpt in found.excerpts:
        chosen = slice(excerpt.numbers.start, excerpt.numbers.stop)
        np.testing.assert_array_equal(excerpt.forecasts["network"], forecast[chosen])
        rows = test.target_rows(chosen).reshape(-1)
        np.testing.assert_array_equal(excerpt.truth[-len(rows) :], prepared.history[rows])
    assert found.excerpts[0].numbers.start == 0
    assert found.excerpts[-1].numbers.stop == len(test)
    positions, errors = found.over_time["network"].curve()
    assert len(positions) == len(test)
    expected = prepared.table.times[test.origins()].to_numpy().astype("datetime64[us]").astype(float)
    np.testing.assert_allclose(positions, expected)
    assert errors.mean() == pytest.approx(evaluation["network"]["scaled"]["mae"])
    assert found.residuals.counts.sum() == forecast.size


def test_windows_with_a_missing_truth_are_in_no_error(series):
    series.loc[215:217, "load"] = np.nan
    prepared = prepared_of(series, missing="interpolate")
    evaluation, found = measured(prepared, forecast_of(prepared))
    assert evaluation["left_out"] == 5
    assert found.residuals.counts.sum() == 3 * evaluation["windows"]
    assert len(found.over_time["network"].curve()[0]) == evaluation["windows"]


def test_an_excerpt_of_windows_ends_with_its_series(series):
    other = series.assign(name="b", load=series["load"] + 5)
    prepared = prepared_of(pd.concat([series.assign(name="a"), other]), series="name", horizon=1)
    _, found = measured(prepared, forecast_of(prepared))
    for excerpt in found.excerpts:
        origins = prepared.parts["test"].origins(slice(excerpt.numbers.start, excerpt.numbers.stop))
        assert set(np.diff(origins)) <= {1}


def test_errors_over_time_need_bounded_memory():
    over_time = ErrorsOverTime(0.0, 1e6)
    positions = np.linspace(0, 1e6, 100_000)
    for part in np.split(np.arange(100_000), 10):
        over_time.add(positions[part], positions[part] * 2)
    places, errors = over_time.curve()
    assert len(places) == POINTS_OVER_TIME
    np.testing.assert_allclose(errors, places * 2)


def test_a_histogram_widens():
    random = np.random.default_rng(0)
    histogram = Histogram()
    parts = [random.normal(0, scale, 1000) for scale in (0.0, 1e-3, 1.0, 20.0, 1.0)]
    for part in parts:
        histogram.add(part)
    values = np.concatenate(parts)
    width = 2 * histogram.limit / Histogram.BINS
    assert np.abs(values).max() <= histogram.limit <= 2 * np.abs(values).max()
    assert histogram.counts.sum() == len(values)
    centres = (np.arange(Histogram.BINS) + 0.5) * width - histogram.limit
    assert (histogram.counts * centres).sum() / len(values) == pytest.approx(values.mean(), abs=width)
    edges, counts = histogram.bars(60)
    assert counts.sum() == len(values)
    assert len(edges) == len(counts) + 1 <= 61
    assert edges[0] == pytest.approx(np.percentile(values, 0.5, method="inverted_cdf"), abs=width)


def test_a_histogram_of_nothing_and_of_what_is_not_finite():
    histogram = Histogram()
    histogram.add(np.array([np.nan, np.inf]))
    assert histogram.counts.sum() == 0
    edges, counts = histogram.bars()
    assert len(edges) == len(counts) + 1
    histogram.add(np.zeros(3))
    assert histogram.bars()[1].sum() == 3


def test_few_targets_are_drawn(series):
    table = series.assign(**{f"more{number}": series["load"] * number for number in range(1, 4)})
    targets = ["load", "more1", "more2", "more3"]
    prepared = prepared_of(table, target=targets)
    text = page_of(prepared, forecast_of(prepared))
    assert "2 more targets are not drawn" in text
    assert text.count("<svg") == 2 * details_module.EXCERPTS + 3 + 2
