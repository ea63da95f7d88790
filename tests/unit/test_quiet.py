"""TensorFlow is started in one way alone, quietly, wherever the Python API needs it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import pytest

import zoo

# Each import of TensorFlow or Keras fails, and says whether `import_tensorflow` has asked for it
PROGRAM = """
import json, pickle, sys

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "keras"):
            frame, asked = sys._getframe(), False
            while frame is not None:
                asked = asked or frame.f_code.co_name == "import_tensorflow"
                frame = frame.f_back
            raise ImportError("quiet" if asked else "loud")

sys.meta_path.insert(0, Guard())

import numpy as np
import pandas as pd

import zoo, zoo.testing
from zoo.runtimes import find_runtime, load_session
from zoo.tuning.trial import run_trial

table = pd.DataFrame({"load": np.sin(np.arange(200.0))})
calls = {
    "train": lambda: zoo.train("basic", table, target="load", window=8, runs="runs"),
    "load_run": lambda: zoo.load_run("latest", runs="found"),
    "Run": lambda: zoo.Run,
    "backtest of a run": lambda: zoo.backtest("latest", table, runs="found"),
    "backtest of a configuration": lambda: zoo.backtest(
        zoo.api.plan("basic", table, target="load", window=8)[0], table, origins=1
    ),
    "estimator": lambda: zoo.SequenceRegressor(target="load", window=8).fit(table),
    "kit": lambda: zoo.testing.check,
    "pickle of a run": lambda: pickle.loads(bytes.fromhex(sys.argv[1])),
    "SavedModel": lambda: load_session(find_runtime("tensorflow"), "folder"),
}
told = {}
for name, call in calls.items():
    try:
        call()
        told[name] = "nothing"
    except BaseException as error:
        told[name] = str(error)
print(json.dumps(told))
"""


def test_repair_27_whatever_needs_tensorflow_starts_it_quietly(tmp_path):
    (tmp_path / "found" / "one").mkdir(parents=True)
    (tmp_path / "found" / "one" / "run.json").write_text("{}")
    run = object.__new__(zoo.Run)
    run.folder = tmp_path / "found" / "one"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, pickle.dumps(run).hex()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    told = json.loads(done.stdout)
    assert told == dict.fromkeys(told, "quiet")


QUIET = """
import numpy as np, pandas as pd, zoo
table = pd.DataFrame({"load": np.sin(np.arange(200.0))})
run = zoo.train("basic", table, target="load", window=8, epochs=1, hyperparameters={"units": 4})
run.predict(table)
"""


@pytest.mark.full
def test_repair_27_a_training_in_python_prints_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    done = subprocess.run(
        [sys.executable, "-c", QUIET], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=200
    )
    assert (done.stdout, done.stderr) == ("", "")
