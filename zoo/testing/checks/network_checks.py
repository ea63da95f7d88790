"""The network alone: its shapes, its independence of the batch, and that its weights are all that it is."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from zoo.models.custom_objects import load_with, names_of
from zoo.tasks import find_task
from zoo.testing.bench import STATED, Bench, default_network, noise
from zoo.testing.outcomes import Findings, NotApplicableError
from zoo.testing.reloading import reload_elsewhere
from zoo_registry import SequenceShape
from zoo_registry.errors import ConfigError

# One of each, more than one, and a horizon longer than the window
TRIED: tuple[dict[str, int], ...] = (
    {"window": 6, "n_features": 1, "horizon": 1},
    {"window": 5, "n_features": 3, "horizon": 4},
    {"window": 12, "horizon": 6, "n_targets": 2},
    {"window": 4, "n_features": 3, "horizon": 9, "n_targets": 2},
)


def check_shapes(bench: Bench) -> Findings:
    """The network maps (batch, *shape.input) to finite (batch, *shape.output), for several sizes of each task.

    A size that the architecture's own ``check`` refuses is a warning, unless it refuses all of a task.
    """
    architecture, warnings = bench.architecture, []
    for task in architecture.tasks:
        built = 0
        for shape in _shapes(bench, task):
            try:
                network = bench.network(shape)
            except ConfigError as refusal:
                warnings.append(f"task {task}: refuses {_sizes(shape)}: {refusal}")
                continue
            built += 1
            output = _outputs(network, noise(3, *shape.input))
            expected = (3, *shape.output)
            assert output.shape == expected, f"task {task}, {_sizes(shape)}: expected {expected}, found {output.shape}"
            assert np.isfinite(output).all(), f"task {task}, {_sizes(shape)}: outputs are not finite"
        assert built, f"no size can be built; name some that check accepts in the architecture's toy ({warnings[-1]})"
    sized = default_network(architecture)
    return Findings({"parameters": None if sized is None else int(sized.count_params())}, tuple(warnings))


def check_real_length(bench: Bench) -> None:
    """Outputs are finite for a window of a length that people use, 96 steps, too."""
    shape = bench.shape(bench.first_task, STATED.window)
    try:
        outputs = _outputs(bench.network(shape), noise(3, *shape.input))
    except ConfigError as refusal:
        raise NotApplicableError(f"the architecture refuses {_sizes(shape)}: {refusal}") from refusal
    assert np.isfinite(outputs).all(), f"outputs are not finite for a window of {shape.window} steps"


def check_batch_independence(bench: Bench) -> None:
    """A window's output depends neither on its neighbours in the batch nor on its place there."""
    shape = bench.shape(bench.first_task)
    network = bench.network(shape)
    windows = noise(8, *shape.input)
    together, some = _outputs(network, windows), (0, 3, 7)
    alone = np.concatenate([_outputs(network, windows[index : index + 1]) for index in some])
    _assert_near(together[list(some)], alone, "a window's forecast depends on its neighbours in the batch")
    _assert_near(
        _outputs(network, windows[::-1])[::-1], together, "a window's forecast depends on its place in the batch"
    )


def check_state(bench: Bench) -> None:
    """Weights are all that the network is: called twice, built twice, or given a trained one's weights, it is equal."""
    trained = bench.training.fitted.model
    windows = noise(5, *trained.input_shape[1:])
    expected = _outputs(trained, windows)
    assert np.array_equal(_outputs(trained, windows), expected), "a second call of the network gives another output"
    one, two = (bench.fresh(seed=3).get_weights() for _ in range(2))
    same = len(one) == len(two) and all(map(np.array_equal, one, two))
    assert same, "built twice from one seed, the network has other weights"
    fresh = bench.fresh(seed=4)
    assert not np.array_equal(_outputs(fresh, windows), expected), "training changes no output"
    fresh.set_weights(trained.get_weights())
    _assert_near(
        _outputs(fresh, windows),
        expected,
        "a fresh network with the trained one's weights gives other outputs, so that something outside the weights"
        " was changed by training",
    )


def check_save_and_reload(bench: Bench) -> Findings:
    """The trained network is its Keras file: loaded in safe mode, in a new process too, it gives the same outputs.

    A file that names nothing of the plugin's own is loaded here alone, as no process needs more for it than Keras.
    """
    network, folder = bench.training.fitted.model, bench.folder
    path, windows = folder / "network.keras", noise(4, *network.input_shape[1:])
    network.save(path)
    expected = _outputs(network, windows)
    here = load_with(path, lambda: network, "the network")
    assert np.array_equal(_outputs(here, windows), expected), "saved and loaded again, the network gives other outputs"
    if not (own := names_of(path)):
        return Findings()
    subject, training = bench.subject, bench.training
    if not subject.module or subject.module == "__main__":
        return Findings(warnings=("it was not loaded in a new process, which cannot import the architecture",))
    np.save(folder / "windows.npy", windows)
    error = reload_elsewhere(
        {
            "folder": str(folder.resolve()),
            "name": subject.plugin,
            "value": subject.module,
            "architecture": subject.architecture.name,
            "config": training.config.model_dump(mode="json"),
            "problem": training.prepared.problem.model_dump(mode="json"),
        }
    )
    assert not error, f"saved, and loaded in a new process, which needs {', '.join(sorted(own))} of the plugin: {error}"
    sentence = "saved, and loaded in a new process, the network gives other outputs"
    _assert_near(np.load(folder / "reloaded.npy"), expected, sentence)
    return Findings()


def _shapes(bench: Bench, task: str) -> list[SequenceShape]:
    sizes = TRIED if task == bench.first_task else TRIED[-2:]
    shapes = [bench.shape(task, **one) for one in sizes]
    if find_task(task).roles.ahead:
        shapes.append(replace(shapes[1], quantiles=(0.1, 0.5, 0.9)))
    return shapes


def _sizes(shape: SequenceShape) -> str:
    quantiles = f", {len(shape.quantiles)} quantiles" if shape.quantiles else ""
    return f"window {shape.window}, {shape.n_features} feature(s), output {shape.output}{quantiles}"


def _outputs(network: keras.Model, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(network(windows, training=False))


def _assert_near(found: NDArray[np.float32], expected: NDArray[np.float32], sentence: str) -> None:
    """Within 1e-5 (float32 sums in another order), else the sentence with the largest difference."""
    worst = float(np.nan_to_num(np.abs(found - expected), nan=np.inf).max())
    assert worst <= 1e-5, f"{sentence} (by {worst:.2g})"
