"""Names and interfaces of models: checked before a training begins, and again when it is exported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from zoo.bundle.manifest import Manifest
from zoo.bundle.version_folders import versions
from zoo.preprocessing.preprocessor import Preprocessor
from zoo.settings.choices import ServingDtype
from zoo.settings.schema import RunConfig
from zoo_registry import Problem
from zoo_registry.errors import ConfigError, ExportError

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_model_name(name: str) -> None:
    """Raise ConfigError unless the name can be a folder's and a server's."""
    if not MODEL_NAME.fullmatch(name):
        raise ConfigError(
            "a model's name begins with a letter or digit and goes on with letters, digits, '.', '_' or '-',"
            f" found {name!r}; give another `name`"
        )


def default_name(config: RunConfig) -> str:
    """Name a model after its architecture and data: ``basic-co2``, ``stacked-ETTh1``."""
    source = Path(config.data.source.removeprefix("example:")).stem
    parts = (re.sub(r"[^A-Za-z0-9._]+", "-", part).strip("-._") for part in (config.architecture, source))
    return "-".join(part for part in parts if part)


def choose_dtype(preprocessor: Preprocessor, dtype: str = "auto", published: Problem | None = None) -> str:
    """Return the dtype of the exported graph's ends: the given one, or for ``"auto"`` what the columns need.

    Where the model's newest version, with the problem ``published``, has float64, that holds what needs float32 too,
    and ``"auto"`` keeps it. Raises ConfigError for another name, and for float64 where the graph takes scaled values.
    """
    if dtype not in get_args(ServingDtype):
        raise ConfigError(f"serving dtype: expected auto, float32 or float64, found '{dtype}'")
    if dtype == "float64" and preprocessor.units == "scaled":
        raise ConfigError(
            "serving dtype float64: a scaler cannot stand inside the graph, which takes scaled float32 values;"
            " leave it out, or take another `scaler`"
        )
    if dtype != "auto":
        return dtype
    kept = published is not None and published.dtype == "float64" and preprocessor.units == "raw"
    return "float64" if kept else preprocessor.serving_dtype


def newest_problem(model: Path) -> Problem | None:
    """The problem of the model's newest version; None where there is none."""
    numbers = versions(model)
    return Manifest.read(model / str(max(numbers))).problem if numbers else None


def check_interface(model: Path, problem: Problem) -> None:
    """Raise ExportError where the model's newest version has another interface: one name, one interface."""
    if (published := newest_problem(model)) is None:
        return
    theirs, ours = published.interface(), problem.interface()
    for name, here in ours.items():
        if (there := theirs[name]) != here:
            advice = "give another `name`"
            if name == "inputs":  # of the same shape, as window and features agree
                there, here = published.dtype, problem.dtype
                advice += f", or `serving_dtype` {there} where that holds the values finely enough"
            raise ExportError(f"{model} has another interface ({name} {there!r} there, {here!r} here); {advice}")
