"""Names of models, and that one name keeps one interface."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zoo.export.naming import check_interface, check_model_name, choose_dtype, default_name
from zoo.settings.schema import DataConfig, RunConfig, TrainingConfig
from zoo.tasks import find_task
from zoo_registry.errors import BundleError, ConfigError, ExportError

FIRST = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def config(architecture="basic", source="table.csv"):
    data = DataConfig(source=source, target="load", window=8, horizon=3)
    return RunConfig(architecture=architecture, hyperparameters={}, data=data, training=TrainingConfig())


@settings(max_examples=50, deadline=None)
@given(name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*", fullmatch=True))
def test_valid_names(name):
    check_model_name(name)


@settings(max_examples=200, deadline=None)
@given(name=st.text(st.sampled_from("aZ0._-/\\ \n\0é") | st.characters(), max_size=6))
@example("")
@example("..")
@example("a\n")
@example("../up")
@example("-rf")
@example("٣")
def test_a_name_is_valid_or_refused(name):
    if name and name[0] in FIRST and set(name) <= FIRST | set("._-"):
        check_model_name(name)
        assert (Path("exported") / name).parent == Path("exported")
    else:
        with pytest.raises(ConfigError, match=r"a model's name begins with a letter or digit .* give another `name`"):
            check_model_name(name)


@pytest.mark.parametrize(
    ("architecture", "source", "name"),
    [
        ("basic", "example:co2", "basic-co2"),
        ("stacked", "some/where/ETTh1.csv", "stacked-ETTh1"),
        ("basic", "DataFrame", "basic-DataFrame"),
        ("acme-models:basic", "load 2024 (final).parquet", "acme-models-basic-load-2024-final"),
        ("basic", "v1.2.csv", "basic-v1.2"),
        ("basic", "../..", "basic"),
        ("basic", "日本.csv", "basic"),
    ],
)
def test_default_names(architecture, source, name):
    assert default_name(config(architecture, source)) == name


@settings(max_examples=100, deadline=None)
@given(source=st.text(min_size=1, max_size=20), architecture=st.from_regex(r"([A-Za-z0-9.]+:)?[a-z0-9][a-z0-9-]*"))
def test_a_default_name_is_valid(source, architecture):
    check_model_name(default_name(config(architecture, source)))


def problem(dtype="float32", **changes):
    """What the configuration asks, but for changes of settings."""
    data = config().data.model_copy(update=changes)
    return find_task(data.task).state(data, data.features or ("load", "temperature"), data.target, dtype=dtype)


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model of two versions, the newest with the usual interface; only manifests are read."""
    for number in ("1", "2"):
        (tmp_path / "mine" / number).mkdir(parents=True)
    published = {"2": problem(), "1": problem(window=5)}
    read = staticmethod(lambda folder: SimpleNamespace(problem=published[folder.name]))
    monkeypatch.setattr("zoo.bundle.manifest.Manifest.read", read)
    return tmp_path / "mine"


def test_the_same_interface_and_a_new_name(model):
    check_interface(model, problem())
    check_interface(model.parent / "new", problem())


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"task": "regress"}, "task 'forecast' there, 'regress' here"),
        ({"window": 9}, "window 8 there, 9 here"),
        ({"horizon": 4}, "horizon 3 there, 4 here"),
        ({"gap": 1}, "gap 0 there, 1 here"),
        ({"features": ("temperature", "load")}, r"features \['load', 'temperature'\] there, \['temperature', 'load'\]"),
        ({"target": ("temperature",)}, r"targets \['load'\] there, \['temperature'\] here"),
    ],
)
def test_another_interface(model, change, difference):
    with pytest.raises(ExportError, match=f"mine has another interface \\({difference}.*; give another `name`"):
        check_interface(model, problem(**change))


@pytest.mark.parametrize(
    ("needed", "units", "asked", "published", "chosen"),
    [
        ("float32", "raw", "auto", None, "float32"),
        ("float64", "raw", "auto", None, "float64"),
        ("float32", "raw", "auto", "float32", "float32"),
        ("float32", "raw", "auto", "float64", "float64"),
        ("float64", "raw", "auto", "float64", "float64"),
        ("float64", "raw", "auto", "float32", "float64"),
        ("float32", "scaled", "auto", "float64", "float32"),
        ("float32", "raw", "float32", "float64", "float32"),
        ("float64", "raw", "float32", "float64", "float32"),
    ],
)
def test_repair_13_auto_keeps_what_is_published_where_it_holds_the_values(needed, units, asked, published, chosen):
    preprocessor = SimpleNamespace(serving_dtype=needed, units=units)
    known = published and problem(published)
    assert choose_dtype(preprocessor, asked, known) == chosen


@pytest.mark.parametrize("there", ["float32", "float64"])
def test_repair_13_another_dtype_is_told_with_its_option(tmp_path, monkeypatch, there):
    (tmp_path / "mine" / "1").mkdir(parents=True)
    published = problem(there)
    read = staticmethod(lambda folder: SimpleNamespace(problem=published))
    monkeypatch.setattr("zoo.bundle.manifest.Manifest.read", read)
    here = {"float32": "float64", "float64": "float32"}[there]
    words = rf"mine has another interface \(inputs '{there}' there, '{here}' here\); give another `name`, or"
    with pytest.raises(ExportError, match=f"{words} `serving_dtype` {there} where that holds the values finely enough"):
        check_interface(tmp_path / "mine", problem(here))


def test_a_version_without_a_manifest(tmp_path):
    (tmp_path / "1").mkdir()
    with pytest.raises(BundleError, match=r"found no manifest\.json"):
        check_interface(tmp_path, problem())
