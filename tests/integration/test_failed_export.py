"""A training whose export fails: the run and how good it is are told all the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

from zoo.bundle.replay import Verdict

FLAGS = ("--target", "load", "--window", "8", "--horizon", "3", "--epochs", "1", "--set", "units=2", "--export")


@pytest.mark.parametrize("as_json", [False, pytest.param(True, marks=pytest.mark.full)])
def test_repair_14_the_run_is_told_before_the_failure(zoo_command, series_file, tmp_path, monkeypatch, as_json):
    monkeypatch.setattr("zoo.export.export_run.replay", lambda *_, **__: [Verdict("onnxruntime", "1", np.inf, 0.0)])
    done = zoo_command("train", "basic", "--data", series_file, *FLAGS, *["--json"] * as_json, "--runs", "my runs")
    assert done.exit_code == 2
    (run,) = (path for path in (tmp_path / "my runs").iterdir() if path.name != "unfinished")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    *_, sentence = done.stderr.splitlines()
    assert sentence.startswith("error: the exported graph differs from the trained model by more than 1e-5")
    if as_json:
        told = json.loads(done.stdout)
        assert told == record | {"folder": f"my runs/{run.name}", "bundle": None}
    else:
        lines = done.stdout.splitlines()
        assert {f"run: my runs/{run.name}", f"next: zoo export {run.name} --runs 'my runs'"} <= set(lines)
        assert lines[-1] == record["evaluation"]["verdict"]
    assert not (tmp_path / "exported" / "basic-series").exists()
