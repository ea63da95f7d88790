"""The example of a plugin with a likelihood of its own: found through its entry point, trained, exported, verified."""

from __future__ import annotations

import importlib
import json
import sys
import tomllib

import numpy as np
import pytest
from scipy.stats import t

import zoo
from zoo.settings.resolve import resolve
from zoo.testing import run_checks
from zoo.testing.kit import MAIN
from zoo.tuning.cross_validation import cross_validate
from zoo.tuning.folds import time_folds
from zoo_registry import Task, discover

LEVELS = (0.05, 0.5, 0.9)


@pytest.fixture
def folder(request):
    return request.config.rootpath / "examples" / "zoo-student-t"


@pytest.fixture
def installed(folder, tmp_path, monkeypatch):
    """The distribution as pip leaves it, by its own pyproject.toml; gives its module."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    metadata = tmp_path / "site" / "zoo_student_t-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n")
    points = [f"{name} = {value}" for name, value in project["entry-points"]["zoo"].items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[zoo]", *points, ""]))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.syspath_prepend(tmp_path / "site")
    discover.cache_clear()
    yield importlib.import_module("zoo_student_t")
    discover.cache_clear()
    sys.modules.pop("zoo_student_t", None)


def train(series, tmp_path, **settings):
    common = {"target": "load", "window": 8, "horizon": 3, "hyperparameters": {"units": 4}, "runs": tmp_path / "runs"}
    return zoo.train("student-t", series, epochs=2, **common | settings)


def test_it_passes_the_main_checks(installed, tmp_path):
    report = run_checks(discover().catalogue["student-t"], tmp_path, MAIN)
    assert [f"{verdict.check}: {verdict.reason}" for verdict in report.verdicts if verdict.status != "passed"] == []


def test_quantiles_come_from_the_distribution_in_every_format(installed, series, tmp_path):
    run = train(series, tmp_path, quantiles=LEVELS)
    assert run.config.training.loss == "architecture"
    assert run.metrics["quantiles"]["levels"] == list(LEVELS)
    bundle = run.export(tmp_path / "exported", name="t")
    assert [verdict.passed for verdict in zoo.verify_bundle(bundle.folder, ["onnxruntime", "tensorflow"])] == [True] * 2
    golden = np.load(bundle.folder / "golden.npz")
    np.testing.assert_array_equal(golden["forecast"], golden["quantiles"][..., 1])
    steps = np.diff(golden["quantiles"], axis=-1)
    assert (steps > 0).all()
    factors = np.diff(t.ppf(LEVELS, 5.0))  # location and scale cancel out
    np.testing.assert_allclose(steps[..., 1] / steps[..., 0], factors[1] / factors[0], rtol=1e-3)

    names = json.loads((bundle.folder / "manifest.json").read_text())
    assert names["architecture"]["distribution"] == "zoo-student-t"
    windows = golden["window"][:3]
    np.testing.assert_allclose(bundle.predict(windows), run.predict(windows), rtol=1e-5)


def test_one_likelihood_gives_any_quantiles(installed, series, tmp_path):
    """What is asked for changes nothing that is trained."""
    plain, asked = train(series, tmp_path), train(series, tmp_path, quantiles=LEVELS)
    for one, two in zip(plain.network.get_weights(), asked.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(plain.predict(series)["load"], asked.predict(series)["load"], rtol=1e-6)


def test_its_loss_and_its_decoding_are_the_distributions(installed):
    import keras

    (own,) = installed.zoo_architectures()
    hp, random = own.configure({"degrees": 3.0}), np.random.default_rng(0)
    outputs = random.normal(size=(4, 3, 2, 2)).astype(np.float32)
    truth = random.normal(size=(4, 3, 2)).astype(np.float32)
    location, scale = outputs[..., 0], 1e-3 + np.log1p(np.exp(outputs[..., 1]))
    loss = own.loss(hp, None)(truth, outputs)
    np.testing.assert_allclose(loss, -t.logpdf(truth, 3.0, location, scale).mean(axis=(1, 2)), rtol=1e-4)
    shape = zoo_shape(quantiles=LEVELS)
    expected = t.ppf(LEVELS, 3.0, location[..., None], scale[..., None])
    for ops in (np, keras.ops):
        np.testing.assert_allclose(own.decode(hp, shape, ops, outputs), expected, rtol=1e-4, atol=1e-5)


def zoo_shape(**more):
    from zoo_registry import SequenceShape

    sizes = {"window": 8, "n_features": 2, "horizon": 3, "n_targets": 2, "target_columns": (0, 1)}
    return SequenceShape(task=Task.FORECAST, **sizes, **more)


@pytest.mark.parametrize("task", ["regress", "anomaly"])
def test_other_tasks(task, installed, series, tmp_path):
    run = train(series, tmp_path, task=task, horizon=None, channels="shared" if task == "anomaly" else None)
    assert zoo.verify_bundle(run.export(tmp_path / "exported").folder)[0].passed


def test_the_error_after_an_epoch_is_that_of_forecasts(installed, series):
    """A study stops trainings by it; it does not depend on which quantiles are asked for beside."""
    found = {}
    for levels in ((), LEVELS):
        given = {"source": "DataFrame", "target": "load", "window": 8, "horizon": 3, "epochs": 1, "quantiles": levels}
        config = resolve("student-t", discover().catalogue["student-t"].item, {"units": 4}, given)
        told = found.setdefault(levels, [])
        folds = time_folds(config, series)[:1]
        cross_validate(config, series, folds, on_epoch=lambda *epoch, told=told: told.append(epoch))
    assert [told[:2] for told in found[()]] == [(1, 1)]
    assert found[()][0][2] == pytest.approx(found[LEVELS][0][2], rel=1e-6)
