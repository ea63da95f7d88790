"""Lifecycle hooks of an outside plugin, TensorBoard's logs and MLflow, each through the real command."""

from __future__ import annotations

import json
import re
import sys
from functools import partial

import pytest
import tensorflow as tf

import zoo

FLAGS = ("--epochs", 2, "--set", "units=2")
TINY = {"target": "load", "window": 8, "horizon": 3, "epochs": 1, "hyperparameters": {"units": 2}}
DIARY = '''
"""Writes what it is told to diary.jsonl, one hook a line."""

import json
from pathlib import Path

from zoo_registry import hookimpl


def write(hook, **told):
    print("noted", hook)
    with Path("diary.jsonl").open("a") as diary:
        diary.write(json.dumps({"hook": hook} | told) + "\\\\n")


@hookimpl
def zoo_run_started(run_id, config):
    write("started", run_id=run_id, config=config)


@hookimpl
def zoo_epoch_ended(run_id, epoch, metrics):
    write("epoch", run_id=run_id, epoch=epoch, metrics=metrics)


@hookimpl
def zoo_run_finished(run_id, folder, record):
    write("finished", run_id=run_id, folder=folder, record=record)


@hookimpl
def zoo_bundle_written(run_id, folder, manifest):
    write("bundle", run_id=run_id, folder=folder, manifest=manifest)
'''.replace("\\\\n", "\\n")
RAISING = """
from zoo_registry import hookimpl


@hookimpl
def zoo_epoch_ended(epoch):
    raise RuntimeError(f"no room for epoch {epoch}")
"""


def test_an_outsider_is_told_of_a_training(install_plugin, zoo_command, tmp_path):
    install_plugin("diary", DIARY)
    done = zoo_command("train", "basic", *FLAGS, "--export", "--name", "told", "--json")
    assert done.exit_code == 0, done.output
    run = json.loads(done.stdout)  # what a plugin prints goes elsewhere
    assert "noted bundle" in done.stderr
    told = [json.loads(line) for line in (tmp_path / "diary.jsonl").read_text().splitlines()]
    assert [line.pop("hook") for line in told] == ["started", "epoch", "epoch", "finished", "bundle"]
    assert {line["run_id"] for line in told} == {run["id"]}
    started, first, second, finished, bundle = told
    record = json.loads((tmp_path / "runs" / run["id"] / "run.json").read_text())
    chosen = {name: record["config"]["training"][name] for name in ("engine", "batch_parts", "steps_per_execution")}
    started["config"]["training"] |= chosen  # which the record says as they turned out
    assert started["config"] == record["config"]
    assert finished["record"] == record
    assert finished["folder"] == f"runs/{run['id']}"
    assert (first["epoch"], second["epoch"]) == (1, 2)
    assert {"loss", "val_loss", "learning_rate"} <= set(first["metrics"])
    best = (first, second)[record["training"]["best_epoch"] - 1]
    assert best["metrics"]["val_loss"] == record["training"]["val_loss"]
    assert bundle["folder"] == "exported/told/1"
    assert bundle["manifest"] == json.loads((tmp_path / bundle["folder"] / "manifest.json").read_text())

    assert zoo_command("export", "latest").exit_code == 0
    assert len((tmp_path / "diary.jsonl").read_text().splitlines()) == len(told) + 1


def test_a_training_in_python_warns(install_plugin, series, tmp_path):
    install_plugin("raising", RAISING)
    with pytest.warns(RuntimeWarning, match="raising:raising failed in zoo_epoch_ended"):
        zoo.train("basic", series, **TINY, runs=tmp_path / "runs")


def test_the_guides_tracker(install_plugin, series, tmp_path, monkeypatch, request):
    guide = (request.config.rootpath / "docs" / "tracking.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    install_plugin("aloud", program)
    monkeypatch.chdir(tmp_path)
    run = zoo.train("basic", series, **TINY)
    run.export(name="tiny")
    begun, epoch, finished, bundle = (tmp_path / "said.txt").read_text().splitlines()
    assert begun == f"{run.id}: basic begins"
    assert epoch == f"{run.id}: epoch 1, validation loss {run.record.training.val_loss:.4g}"
    assert finished == f"{run.id}: {run.metrics['verdict']}"
    assert bundle == f"{run.id}: tiny is in exported/tiny/1"


def test_tensorboard(zoo_command, tmp_path):
    done = zoo_command("train", "basic", *FLAGS, "--tensorboard")
    assert done.exit_code == 0, done.output
    assert "to watch: tensorboard --logdir runs/tensorboard" in done.stderr
    (folder,) = (tmp_path / "runs" / "tensorboard").iterdir()
    assert f"tensorboard: runs/tensorboard/{folder.name}" in done.stdout
    record = json.loads((tmp_path / "runs" / folder.name / "run.json").read_text())
    (path,) = folder.iterdir()
    found = {}
    for content in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        event = tf.compat.v1.Event.FromString(content)
        found |= {(value.tag, event.step): tf.make_ndarray(value.tensor).item() for value in event.summary.value}
    assert {("loss", 1), ("loss", 2), ("val_loss", 2), ("learning_rate", 2), ("config", 0)} <= set(found)
    best = record["training"]["best_epoch"]
    assert found["val_loss", best] == pytest.approx(record["training"]["val_loss"], rel=1e-6)
    mae = record["evaluation"]["network"]["targets"]["co2"]["mae"]
    assert found["test/network/targets/co2/mae", 2] == pytest.approx(mae, rel=1e-6)
    assert zoo_command("runs", "--json").stdout.count('"id"') == 1  # its folder is no run


def test_what_is_refused(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    refused("train basic --mlflow sqlite:///mlflow.db", "--mlflow needs MLflow, which is not installed")
    refused("export latest --mlflow sqlite:///mlflow.db", "there are no runs")
    refused("train basic --find-lr --tensorboard", "--find-lr trains nothing that could be logged")


READER = """
import json, sys
from mlflow.tracking import MlflowClient

client = MlflowClient(tracking_uri=sys.argv[1])
experiment = client.get_experiment_by_name("lstm-zoo")
found = []
for run in client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"]):
    steps = {name: [[m.step, m.value] for m in client.get_metric_history(run.info.run_id, name)]
             for name in run.data.metrics}
    artifacts, places = [], [""]
    while places:
        for entry in client.list_artifacts(run.info.run_id, places.pop()):
            (places if entry.is_dir else artifacts).append(entry.path)
    folder = client.download_artifacts(run.info.run_id, "", sys.argv[2])
    found.append({"name": run.info.run_name, "status": run.info.status, "params": run.data.params,
                  "tags": run.data.tags, "steps": steps, "artifacts": artifacts, "folder": folder})
print(json.dumps(found))
"""


@pytest.mark.full
def test_mlflow_with_a_local_store(site, extra, python, tmp_path):
    run = partial(python, site(*extra("mlflow")), MLFLOW_DISABLE_TELEMETRY="true")
    uri = "sqlite:///mlflow.db"
    refused = run("-m", "zoo", "train", "basic", *FLAGS, "--mlflow", "http://127.0.0.1:9", code=2)
    assert "--mlflow http://127.0.0.1:9: expected MLflow's tracking server or database, found " in refused.stderr
    assert list(tmp_path.iterdir()) == []
    trained = run("-m", "zoo", "train", "basic", *FLAGS, "--mlflow", uri, "--export", "--name", "kept", "--json")
    record = json.loads(trained.stdout)
    assert "warning" not in trained.stderr
    run("-m", "zoo", "export", record["id"], "--name", "later", "--mlflow", uri)
    (tmp_path / "downloaded").mkdir()
    (told,) = json.loads(run("-c", READER, uri, tmp_path / "downloaded").stdout)
    assert (told["name"], told["status"]) == (record["id"], "FINISHED")
    assert told["params"]["hyperparameters.units"] == "2"
    assert told["params"]["data.split"] == "[0.7, 0.15, 0.15]"
    for name in ("loss", "val_loss", "learning_rate"):
        assert [step for step, _ in told["steps"][name]] == [1, 2]
    assert min(value for _, value in told["steps"]["val_loss"]) == record["training"]["val_loss"]
    evaluation = record["evaluation"]
    for name, measured in (("network", evaluation["network"]), ("baselines/ridge", evaluation["baselines"]["ridge"])):
        assert told["steps"][f"test/{name}/targets/co2/mae"] == [[2, measured["targets"]["co2"]["mae"]]]
    assert told["tags"]["zoo.run_id"] == record["id"]
    assert told["tags"]["zoo.verdict"] == record["evaluation"]["verdict"]
    assert told["tags"]["zoo.data.fingerprint"] == record["data"]["fingerprint"]
    assert told["tags"]["zoo.bundle"] == str(tmp_path / "exported" / "later" / "1")
    assert set(json.loads(told["tags"]["zoo.bundle.parity"])) == {"onnxruntime", "tensorflow"}
    places = {"run/run.json", "run/report.html", "run/model.keras"}
    places |= {f"bundle/{name}/1/{file}" for name in ("kept", "later") for file in ("manifest.json", "model.onnx")}
    assert places <= set(told["artifacts"])
    verified = run("-m", "zoo", "verify", tmp_path / "downloaded" / "bundle" / "kept" / "1", "--json")
    assert json.loads(verified.stdout)["passed"]
