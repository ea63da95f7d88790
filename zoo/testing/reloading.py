"""Load a trained network's file in a process that knows nothing of its training, as ``zoo export RUN`` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.processes import NoAnswerError, ask
from zoo.testing.probe import local_point
from zoo_registry import Problem
from zoo_registry.discovery import discover_from, sentence_of

PATIENCE = 120.0  # seconds


def reload_elsewhere(specification: Mapping[str, Any]) -> str:
    """Have a fresh process do what :func:`run` says; returns the error that it ended with, else nothing."""
    try:
        return str(ask(__name__, specification, PATIENCE)["error"])
    except NoAnswerError as silence:
        return f"it {silence}"


def run(specification: Mapping[str, Any]) -> None:
    """In the fresh process: load ``folder``/network.keras with what ``value``, the plugin, has; tell how it went.

    Writes what it makes of the windows in windows.npy to reloaded.npy.
    """
    error = ""
    try:
        _reload(Path(specification["folder"]), specification)
    except Exception as caught:  # whatever a plugin does
        error = sentence_of(caught)
    print("\n" + json.dumps({"error": error}))


def _reload(folder: Path, specification: Mapping[str, Any]) -> None:
    from zoo.quiet import import_tensorflow

    import_tensorflow()
    import numpy as np

    from zoo.acceleration.tensorflow_threads import choose_threads
    from zoo.models.custom_objects import load_with
    from zoo.runs.store import untrained
    from zoo.settings.schema import RunConfig

    choose_threads()
    name, config = specification["architecture"], RunConfig.model_validate(specification["config"])
    problem = Problem.model_validate(specification["problem"])
    found = discover_from([local_point(specification["name"], specification["value"], "reloaded", "0")])
    network = load_with(
        folder / "network.keras",
        lambda: untrained(found.catalogue[name].item, config, problem),
        f"architecture '{name}'",
    )
    np.save(folder / "reloaded.npy", np.asarray(network(np.load(folder / "windows.npy"), training=False)))
