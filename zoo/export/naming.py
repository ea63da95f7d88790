"""Names and interfaces of models: checked before a training begins, and again when it is exported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from zoo.bundle.loading import versions
from zoo.bundle.manifest import FORECAST, INPUT, Interface, Manifest, Tensor
from zoo.training.config import RunConfig
from zoo_registry.errors import ConfigError, ExportError

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_model_name(name: str) -> None:
    """Raise ConfigError unless the name can be a folder's and a server's."""
    if not MODEL_NAME.fullmatch(name):
        raise ConfigError(
            "a model's name begins with a letter or digit and goes on with letters, digits, '.', '_' or '-',"
            f" found {name!r}; give another --name"
        )


def default_name(config: RunConfig) -> str:
    """Name a model after its architecture and data: ``basic-co2``, ``stacked-ETTh1``."""
    source = Path(config.data.source.removeprefix("example:")).stem
    parts = (re.sub(r"[^A-Za-z0-9._]+", "-", part).strip("-._") for part in (config.architecture, source))
    return "-".join(part for part in parts if part)


def interface_of(config: RunConfig, features: Sequence[str], targets: Sequence[str], dtype: str) -> Interface:
    """What callers of the exported model must know; ``dtype`` is float32 or float64."""
    window, horizon = config.data.window, config.data.horizon
    return Interface(
        task=config.task,
        window=window,
        horizon=horizon,
        features=tuple(features),
        targets=tuple(targets),
        inputs=(Tensor.model_validate({"name": INPUT, "dtype": dtype, "shape": (window, len(features))}),),
        outputs=(Tensor.model_validate({"name": FORECAST, "dtype": dtype, "shape": (horizon, len(targets))}),),
    )


def check_interface(model: Path, interface: Interface) -> None:
    """Raise ExportError where the model's newest version has another interface: one name, one interface."""
    if not (numbers := versions(model)):
        return
    published = Manifest.read(model / str(max(numbers))).interface
    different = [
        f"{name} {getattr(published, name)!r} there, {getattr(interface, name)!r} here"
        for name in ("task", "window", "horizon", "features", "targets", "inputs", "outputs")
        if getattr(published, name) != getattr(interface, name)
    ]
    if different:
        raise ExportError(f"{model} has another interface ({different[0]}); give another --name")
