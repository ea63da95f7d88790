"""Copies of the tiny bundle to damage, and parsers that must not be reached."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from pathlib import Path

import joblib
import numpy as np
import onnx
import onnxruntime
import pytest


@pytest.fixture
def bundle(exported, tmp_path: Path) -> Path:
    """A copy of the tiny bundle, ``…/tiny/1``, to change."""
    return Path(shutil.copytree(exported.folder.parent, tmp_path / "tiny") / "1")


class ParserReached(BaseException):
    """Raised in place of any parser; no ``except Exception`` can hide it."""


@pytest.fixture
def parser_reached(monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    """Every parser of a bundle's files raises this."""

    def reached(*_: object, **__: object) -> None:
        raise ParserReached

    for module, name in (
        (onnxruntime, "InferenceSession"),
        (onnx, "load"),
        (onnx, "load_model_from_string"),
        (zipfile, "ZipFile"),
        (np, "load"),
        (joblib, "load"),
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
    ):
        monkeypatch.setattr(module, name, reached)
    monkeypatch.setattr("zoo_plugins.runtimes.tensorflow_session.TensorFlowSession.__init__", reached)
    monkeypatch.setattr("zoo.bundle.verification.replay_apart", reached)  # where a process of its own reaches them
    return ParserReached


@pytest.fixture(scope="session")
def wide_bundle(tmp_path_factory: pytest.TempPathFactory):
    """A bundle in float64: one column near a million with a deviation of 1, window 4, horizon 2."""
    import pandas as pd

    import zoo

    noise = np.random.default_rng(0).normal(size=120)
    table = pd.DataFrame({"price": 1e6 + noise})
    folder = tmp_path_factory.mktemp("wide")
    sizes = {"window": 4, "horizon": 2, "epochs": 1, "hyperparameters": {"units": 2}}
    run = zoo.train("basic", table, target="price", runs=folder / "runs", **sizes)
    return run, run.export(folder / "exported", name="wide")
