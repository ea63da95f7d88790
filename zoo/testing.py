"""The conformance kit: what every architecture must pass, for plugin authors' tests and for ours.

import pytest
from zoo.testing import CHECKS, check

@pytest.mark.parametrize("name", CHECKS)
def test_mine(name, tmp_path):
    check(name, ARCHITECTURE, tmp_path)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from zoo.bundle.loading import load_bundle
from zoo.export.exporter import Trained, export
from zoo.training.config import RunConfig
from zoo.training.measurement import measure
from zoo.training.network import build_network
from zoo.training.preparation import Prepared, prepare
from zoo.training.resolution import resolve
from zoo.training.run_folder import make_record
from zoo.training.trainer import Fitted, fit
from zoo_registry import Architecture, Entry, SequenceShape, Task

Check = Callable[[Architecture, Path], None]

SHAPES = ((12, 1, 1, 1), (5, 3, 4, 1), (24, 2, 6, 2))  # window, n_features, horizon, n_targets


def check(name: str, architecture: Architecture, folder: Path) -> None:
    """Run one of ``CHECKS``; raises AssertionError that says what does not hold. ``folder`` is for files."""
    CHECKS[name](architecture, folder)


def check_hyperparameters(architecture: Architecture, folder: Path) -> None:
    """Every field has a description, numbers have bounds, defaults and ``tiny`` are valid and survive JSON."""
    properties = architecture.hyperparameters.model_json_schema().get("properties", {})
    for name, field in properties.items():
        assert field.get("description"), f"hyperparameter '{name}' has no description"
        if field.get("type") in ("integer", "number"):
            assert field.keys() & {"minimum", "exclusiveMinimum"}, f"hyperparameter '{name}' has no lower bound"
    for values in ({}, architecture.tiny):
        hp = architecture.configure(values)
        again = architecture.hyperparameters.model_validate_json(hp.model_dump_json())
        assert again == hp, f"{hp!r} comes back from JSON as {again!r}"


def check_shapes(architecture: Architecture, folder: Path) -> None:
    """The network maps (batch, *shape.input) to finite (batch, *shape.output), for several shapes of each task."""
    forecasts = [_shape(*sizes) for sizes in SHAPES]
    shapes = [replace(forecasts[1], quantiles=(0.1, 0.5, 0.9))] if Task.FORECAST in architecture.tasks else []
    for task in architecture.tasks:
        shapes += forecasts if task is Task.FORECAST else [_of_task(shape, task, architecture) for shape in forecasts]
    for shape in shapes:
        network = build_network(architecture, architecture.configure(architecture.tiny), shape)
        output = np.asarray(network(_noise(3, *shape.input)))
        assert output.shape == (3, *shape.output), f"expected {(3, *shape.output)}, found {output.shape}"
        assert np.isfinite(output).all(), f"outputs are not finite for {shape}"


def check_batch_independence(architecture: Architecture, folder: Path) -> None:
    """A window's forecast does not depend on its neighbours in the batch."""
    shape = _shape(12, 2, 3, 1)
    network = build_network(architecture, architecture.configure(architecture.tiny), shape)
    windows = _noise(8, *shape.input)
    together = np.asarray(network(windows))
    alone = np.concatenate([np.asarray(network(windows[index : index + 1])) for index in range(8)])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5, err_msg="a forecast depends on its neighbours")


def check_same_seed_same_weights(architecture: Architecture, folder: Path) -> None:
    """Two trainings with one seed give bit-equal weights; another seed gives others."""
    first, second, other = (_train(architecture, seed, epochs=1).model.get_weights() for seed in (1, 1, 2))
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two, err_msg="two trainings with one seed differ")
    assert any((one != two).any() for one, two in zip(first, other, strict=True)), "the seed has no effect"


def check_loss_falls(architecture: Architecture, folder: Path) -> None:
    """Training on a learnable series brings the validation loss down by a tenth at least."""
    losses = _train(architecture, 0, epochs=15).history["val_loss"]
    assert min(losses) < 0.9 * losses[0], f"the validation loss does not fall: {losses[0]:.4g} to {min(losses):.4g}"


def check_save_and_reload(architecture: Architecture, folder: Path) -> None:
    """The network is its Keras file: saved, loaded in safe mode, it gives the same outputs."""
    shape = _shape(12, 2, 3, 1)
    network = build_network(architecture, architecture.configure(architecture.tiny), shape)
    network.save(folder / "network.keras")
    windows = _noise(4, *shape.input)
    reloaded = keras.saving.load_model(folder / "network.keras", compile=False)
    np.testing.assert_array_equal(np.asarray(network(windows)), np.asarray(reloaded(windows)))


def check_export(architecture: Architecture, folder: Path) -> None:
    """SavedModel and ONNX file equal the trained network; recurrence is native, never an ONNX Loop.

    Where the architecture has recurrent dropout, that must not change it.
    """
    _export(architecture, folder, architecture.tasks[:1])


def check_other_tasks(architecture: Architecture, folder: Path) -> None:
    """What holds of the export of the first task holds of the others."""
    _export(architecture, folder, architecture.tasks[1:])


def _export(architecture: Architecture, folder: Path, tasks: tuple[Task, ...]) -> None:
    dropout = {"recurrent_dropout": 0.2} if "recurrent_dropout" in architecture.hyperparameters.model_fields else {}
    for task in tasks:
        hyperparameters = {**architecture.tiny, **dropout}
        config, prepared = _plan(architecture, hyperparameters=hyperparameters, task=task, epochs=1)
        fitted = fit(architecture, architecture.configure(hyperparameters), prepared, config.training)
        entry = Entry(architecture, "kit", "kit", "0")
        record = make_record("kit", config, entry, prepared, fitted, measure(fitted.model, prepared, config).evaluation)
        trained = Trained(fitted.model, prepared.preprocessor, record)
        bundle = load_bundle(export(trained, folder, f"kit-{task}"))  # raises ParityError where they differ
        operators = bundle.manifest.onnx["operators"]
        assert "Loop" not in operators, f"task {task}: the ONNX graph holds a Loop, slow and not portable: {operators}"


CHECKS: dict[str, Check] = {
    "hyperparameters": check_hyperparameters,
    "shapes": check_shapes,
    "batch independence": check_batch_independence,
    "same seed, same weights": check_same_seed_same_weights,
    "loss falls": check_loss_falls,
    "save and reload": check_save_and_reload,
    "export": check_export,
    "export of other tasks": check_other_tasks,
}


def _shape(window: int, n_features: int, horizon: int, n_targets: int) -> SequenceShape:
    columns = tuple(range(n_targets))
    return SequenceShape(
        task=Task.FORECAST,
        window=window,
        n_features=n_features,
        horizon=horizon,
        n_targets=n_targets,
        target_columns=columns,
    )


def _of_task(shape: SequenceShape, task: Task, architecture: Architecture) -> SequenceShape:
    """A shape of the same sizes for another task than forecast."""
    if task is Task.CLASSIFY:
        return replace(shape, task=task, horizon=1, n_targets=1, target_columns=(None,), classes=shape.horizon + 1)
    if task is Task.REGRESS:
        return replace(shape, task=task, horizon=1, target_columns=(None,) * shape.n_targets)
    reconstruct = architecture.anomaly == "reconstruct"
    return replace(shape, task=task, horizon=shape.window if reconstruct else 1)


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _plan(
    architecture: Architecture, *, hyperparameters: Mapping[str, Any], **settings: Any
) -> tuple[RunConfig, Prepared]:
    """A learnable toy series: a sine, a second column that runs ahead of it, and whether the first one rises."""
    steps, task = np.arange(300), settings.get("task", architecture.tasks[0])
    frame = pd.DataFrame({"level": 50 + 5 * np.sin(steps / 3), "lead": 2 * np.sin((steps + 2) / 3)})
    frame["phase"] = np.where(np.cos(steps / 3) > 0, "rising", "falling")
    toy = {"source": "DataFrame", "task": task, "window": 12, "learning_rate": 1e-2, "patience": 0}
    toy["target"] = "phase" if task is Task.CLASSIFY else "level"
    toy["features"] = ["lead"] if task is Task.REGRESS else ["level", "lead"]
    toy["horizon"] = 3 if task is Task.FORECAST else 1
    config = resolve(architecture.name, architecture, hyperparameters, toy | settings)
    return config, prepare(config.data, frame)


def _train(architecture: Architecture, seed: int, epochs: int) -> Fitted:
    hp = architecture.configure(architecture.tiny)
    config, prepared = _plan(architecture, hyperparameters=architecture.tiny, seed=seed, epochs=epochs, batch_size=16)
    return fit(architecture, hp, prepared, config.training)
