"""The MLflow tracker on a stand-in that keeps runs in memory; tests/integration/test_tracking.py has the real one."""

from __future__ import annotations

import json
import re
import sys
from types import ModuleType, SimpleNamespace

import pytest

from zoo.tracking.lifecycle import Lifecycle
from zoo.tracking.mlflow_tracker import MAX_PARAMETER, MlflowTracker
from zoo_registry.errors import ConfigError

RECORD = {
    "training": {"epochs": 2},
    "evaluation": {"network": {"scaled": {"mae": 0.25}}, "baselines": {}, "verdict": "It wins."},
    "data": {"fingerprint": "f00d"},
    "plugin": {"distribution": "lstm-zoo", "version": "1.2"},
}
MANIFEST = {
    "model": "tiny",
    "data": {"fingerprint": "f00d"},
    "architecture": {"name": "basic"},
    "parity": {"onnxruntime": {"difference": 1e-7}},
}


class Store:
    """What MlflowClient keeps; the newest run is the last."""

    def __init__(self):
        self.runs, self.experiment, self.uri = {}, None, None

    def client(self, tracking_uri):
        if tracking_uri.startswith("http:"):
            raise ConnectionError(f"no route to {tracking_uri}")
        self.uri = tracking_uri
        return self

    def get_experiment_by_name(self, name):
        return self.experiment

    def create_experiment(self, name):
        self.experiment = SimpleNamespace(name=name, experiment_id="1", lifecycle_stage="active")
        return "1"

    def create_run(self, experiment, run_name, tags):
        run = SimpleNamespace(name=run_name, status="RUNNING", tags=dict(tags), params={}, metrics={}, artifacts={})
        self.runs[key := f"m{len(self.runs)}"] = run
        return SimpleNamespace(info=SimpleNamespace(run_id=key))

    def search_runs(self, experiments, text, max_results):
        sign, status = re.search(r"status (!?=) '(\w+)'", text).groups()
        tags = dict(re.findall(r"tags\.`([\w.]+)` = '(.*?)'", text))
        return [
            SimpleNamespace(info=SimpleNamespace(run_id=key))
            for key, run in reversed(self.runs.items())
            if (run.status == status) is (sign == "=") and tags.items() <= run.tags.items()
        ][:max_results]

    def log_batch(self, run, params=(), metrics=()):
        assert len(params) <= 100
        assert len(metrics) <= 1000
        self.runs[run].params.update(params)
        for name, value, _, step in metrics:
            self.runs[run].metrics.setdefault(name, []).append(SimpleNamespace(step=step, value=value))

    def get_metric_history(self, run, name):
        return self.runs[run].metrics.get(name, [])

    def set_tag(self, run, name, value):
        self.runs[run].tags[name] = value

    def get_run(self, run):
        return SimpleNamespace(data=SimpleNamespace(tags=self.runs[run].tags))

    def delete_tag(self, run, name):
        del self.runs[run].tags[name]

    def update_run(self, run, status):
        self.runs[run].status = status

    set_terminated = update_run

    def log_artifacts(self, run, folder, place):
        self.runs[run].artifacts[place] = folder


@pytest.fixture
def store(monkeypatch):
    kept = Store()
    tracking, entities = ModuleType("mlflow.tracking"), ModuleType("mlflow.entities")
    tracking.MlflowClient = kept.client
    entities.Param, entities.Metric = (lambda *parts: parts), (lambda *parts: parts)
    package = ModuleType("mlflow")
    package.__spec__ = SimpleNamespace(name="mlflow")
    for name, module in (("mlflow", package), ("mlflow.tracking", tracking), ("mlflow.entities", entities)):
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    return kept


def train(tracker, epochs, config=None):
    tracker.zoo_run_started(run_id="run-1", config={"architecture": "basic"} if config is None else config)
    for epoch in epochs:
        tracker.zoo_epoch_ended(epoch=epoch, metrics={"loss": 1 / epoch, "val_loss": float("nan")})


def finish(tracker):
    tracker.zoo_run_finished(folder="runs/run-1", record=RECORD)


def test_a_training_and_its_bundle(store, tmp_path):
    tracker = MlflowTracker("sqlite:///here.db")
    assert (store.uri, store.experiment.name) == ("sqlite:///here.db", "lstm-zoo")
    long = "x" * (MAX_PARAMETER + 1)
    train(tracker, [1, 2], {"architecture": "basic", "data": {"features": long, "time": ""}})
    finish(tracker)
    tracker.zoo_bundle_written(run_id="run-1", folder=str(tmp_path / "tiny" / "3"), manifest=MANIFEST)
    tracker.abandon(ValueError("an error later on"))  # the run is over
    (run,) = store.runs.values()
    assert (run.name, run.status) == ("run-1", "FINISHED")
    assert run.params["data.features"] == "x" * (MAX_PARAMETER - 1) + "…"
    assert run.params["data.time"] == '""'
    assert run.tags["zoo.cut"] == "data.features: whole in run/run.json"
    assert [(point.step, point.value) for point in run.metrics["loss"]] == [(1, 1.0), (2, 0.5)]
    assert "val_loss" not in run.metrics
    assert [(point.step, point.value) for point in run.metrics["test/network/scaled/mae"]] == [(2, 0.25)]
    assert run.artifacts == {"run": "runs/run-1", "bundle/tiny/3": str(tmp_path / "tiny" / "3")}
    told = {"zoo.verdict": "It wins.", "zoo.data.fingerprint": "f00d", "zoo.distribution": "lstm-zoo 1.2"}
    told |= {"zoo.bundle.version": "3", "zoo.bundle.parity": json.dumps(MANIFEST["parity"])}
    assert told.items() <= run.tags.items()


@pytest.mark.parametrize(("error", "status"), [(ValueError("nan"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_a_training_that_ends_early_is_resumed_in_the_same_run(store, error, status):
    tracker = MlflowTracker("sqlite:///here.db")
    train(tracker, [1, 2])
    tracker.abandon(error)
    (run,) = store.runs.values()
    assert run.status == status
    assert type(error).__name__ in run.tags["zoo.error"]
    resumed = MlflowTracker("sqlite:///here.db")
    train(resumed, [2, 3])
    assert run.status == "RUNNING"
    assert "zoo.error" not in run.tags
    finish(resumed)
    assert [point.step for point in run.metrics["loss"]] == [1, 2, 3]
    assert [run.status for run in store.runs.values()] == ["FINISHED"]


def test_more_than_a_request_takes(store):
    tracker = MlflowTracker("sqlite:///here.db")
    train(tracker, [], {"architecture": "basic", **{f"setting{number}": number for number in range(250)}})
    tracker.zoo_epoch_ended(epoch=1, metrics={f"m{number}": float(number) for number in range(2500)})
    (run,) = store.runs.values()
    assert len(run.params) == 251
    assert [run.metrics[f"m{number}"][0].value for number in range(2500)] == list(range(2500))


def test_another_training_of_the_same_second_is_another_run(store):
    for config in ({"architecture": "basic"}, {"architecture": "basic", "seed": 1}):
        train(MlflowTracker("sqlite:///here.db"), [1], config)
    assert len(store.runs) == 2


def test_a_later_export_finds_the_run_or_makes_one(store, tmp_path):
    tracker = MlflowTracker("sqlite:///here.db")
    train(tracker, [1])
    finish(tracker)
    later = {"folder": str(tmp_path / "tiny" / "1"), "manifest": MANIFEST}
    MlflowTracker("sqlite:///here.db").zoo_bundle_written(run_id="run-1", **later)
    assert set(store.runs["m0"].artifacts) == {"run", "bundle/tiny/1"}
    MlflowTracker("sqlite:///here.db").zoo_bundle_written(run_id="run-2", **later)
    made = store.runs["m1"]
    assert (made.name, made.status, set(made.artifacts)) == ("run-2", "FINISHED", {"bundle/tiny/1"})


def test_a_store_that_cannot_be_used(store):
    with pytest.raises(ConfigError, match=r"`mlflow` http://me:pw.* no route") as caught:
        MlflowTracker("http://me:pw")  # no user and no password: a host and a port
    with pytest.raises(ConfigError, match=r"`mlflow` http://host:80: expected .* no route to http://host:80; name one"):
        MlflowTracker("http://me:secret@host:80")
    assert "sqlite:///mlflow.db" in str(caught.value)
    with pytest.raises(ConfigError, match=r"`mlflow`: expected a URI .* found none; name one"):
        MlflowTracker(" ")
    store.create_experiment("lstm-zoo")
    store.experiment.lifecycle_stage = "deleted"
    with pytest.raises(ConfigError, match="the experiment lstm-zoo is deleted there; restore it"):
        MlflowTracker("sqlite:///here.db")


@pytest.mark.parametrize(
    ("uri", "secret"),
    [
        ("http://me:sec/ret@host:80", "sec/ret"),
        ("http://me:sec@ret#1?x@host:80", "ret#1"),
        ("http://sec%40ret@host:80", "sec"),
        ("http://host:80/?password=sec%40ret", "sec"),
        ("http://host:80/?user=me&access_token=secret", "secret"),
    ],
)
def test_repair_22_no_error_tells_a_password(store, uri, secret):
    with pytest.raises(ConfigError, match="expected MLflow's tracking server") as caught:
        MlflowTracker(uri)
    assert secret not in str(caught.value)
    assert "host:80" in str(caught.value)


@pytest.mark.parametrize("told", ["my/word", "my%2Fword", "postgresql://me:my%2Fword@host"])
def test_repair_22_nor_does_what_fails_later(store, told):
    tracker = MlflowTracker("postgresql://me:my%2Fword@host/db")
    said = []
    lifecycle = Lifecycle([tracker], said.append)

    def lost(*_, **__):
        raise ConnectionError(f"no answer for {told} from the server")

    store.search_runs = lost
    lifecycle.run_started("run-1", {"architecture": "basic"})
    assert len(said) == 1
    assert "my" not in said[0]
    assert "from the server" in said[0]


def test_without_mlflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ConfigError, match=r"run: pip install 'lstm-zoo\[mlflow\]'"):
        MlflowTracker("sqlite:///here.db")
