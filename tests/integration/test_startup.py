"""Each command imports only what it uses: of the heavy modules, those that are allowed here."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

HEAVY = {
    "tensorflow",
    "keras",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "openvino",
    "ai_edge_litert",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "joblib",
    "statsmodels",
    "matplotlib",
    "mlflow",
    "model_signing",
    "jinja2",
    "optuna",
    "sqlalchemy",
    "dask",
    "distributed",
}
RUN = """
import sys
from zoo.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("MODULES", *sorted({name.split(".")[0] for name in sys.modules}))
"""
TABLES = {"numpy", "pandas", "pyarrow"}  # pandas holds text in pyarrow's arrays
KERAS = TABLES | {"tensorflow", "keras", "scipy", "sklearn", "joblib", "matplotlib"}  # what Keras itself imports
SERVING = {"numpy", "onnx", "onnxruntime"}
ALLOWED = {
    "list": set(),
    "list --exports onnx,openvino": set(),
    "plugin list": set(),
    "plugin check --help": set(),
    "show basic": set(),
    "show basic --window 12 --set units=4": KERAS,
    "--help": set(),
    "train --help": set(),
    "tune --help": set(),
    "train basic --print-config": set(),
    "runs": set(),
    "gc": set(),
    "bundles": set(),
    "compare latest": set(),
    "inspect --data {table} --target load --window 8 --horizon 3": TABLES | {"sklearn", "scipy", "joblib"},
    "verify {bundle} --quick": set(),
    "verify {bundle}": SERVING,
    "predict {bundle} --data {table}": TABLES | SERVING,
    "predict --help": set(),
    "predict {bundle} --data {folder} --output scored": TABLES | SERVING | {"joblib"},
    "backtest --help": set(),
    "backtest {bundle} --data {table}": TABLES
    | SERVING
    | {"scipy", "sklearn", "joblib", "statsmodels", "matplotlib", "jinja2"},
}


@pytest.mark.parametrize("command", ALLOWED)
def test_of_heavy_modules_only_what_is_allowed(command, trained, exported, series_file, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(trained.folder, runs / trained.id)
    (tmp_path / "tables").mkdir()
    shutil.copy(series_file, tmp_path / "tables")
    given = command.format(bundle=exported.folder, table=series_file, folder=tmp_path / "tables")
    done = subprocess.run(
        [sys.executable, "-c", RUN, *given.split()], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    found = set(done.stdout.rpartition("MODULES")[2].split()) & HEAVY
    assert found <= ALLOWED[command], found - ALLOWED[command]
