"""The kit finds what is wrong with an architecture, says it in a sentence, and lets nothing else pass for it."""

from __future__ import annotations

import importlib
import itertools
import sys
from typing import Annotated

import keras
import numpy as np
import pytest
from keras import ops
from pydantic import Field

from zoo.testing import CHECKS, check, run_checks
from zoo.testing.kit import MAIN
from zoo.testing.subject import Subject
from zoo_registry import Architecture, Hyperparameters, Task, head
from zoo_registry.errors import PluginError

CALLS = itertools.count(1)


@keras.saving.register_keras_serializable("kit")
class Forgetful(keras.layers.Layer):
    """Counts its calls in Python."""

    def call(self, inputs):
        return inputs * float(next(CALLS))


class Unsaved(keras.layers.Layer):
    """Is not registered, and cannot be made anew."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


class NoTraining(keras.layers.Layer):
    """Fails where it would drop something."""

    def call(self, inputs, training=False):
        if training:
            raise ValueError("no rows to drop")
        return inputs


def diverging(x):
    return ops.exp(100.0 * (1.0 + ops.abs(x)))


def network(middle=lambda x: x, *, units=6, **layer):
    """``build`` of a small dense network, with something in its middle."""

    def build(hp, shape):
        inputs = keras.Input(shape.input)
        hidden = keras.layers.Dense(units, "tanh", **layer)(keras.layers.Flatten()(inputs))
        return keras.Model(inputs, head(shape)(middle(hidden)))

    return build


def architecture(build, **more):
    return Architecture(name="tried", summary="Tried.", build=build, **more)


def verdict(name, build, tmp_path, distribution="", **more):
    subject = Subject(architecture(build, **more), distribution=distribution)
    (found,) = run_checks(subject, tmp_path, [name]).verdicts
    return found


def unseeded(shape, dtype=None):
    return np.random.default_rng().normal(size=shape)


def short(hp, shape):
    inputs = keras.Input(shape.input)
    return keras.Model(inputs, keras.layers.Flatten()(inputs))


class Longer:
    """A network with a layer more each time that it is built, behind all others."""

    def __init__(self):
        self.more = 0

    def __call__(self, hp, shape):
        inputs = keras.Input(shape.input)
        outputs = head(shape)(keras.layers.Flatten()(inputs))
        for _ in range(self.more):
            outputs = keras.layers.PReLU(alpha_initializer="ones")(outputs)
        self.more += 1
        return keras.Model(inputs, outputs)


def raising(hp, shape):
    raise RuntimeError("the weather\n is bad")


def quitting(hp, shape):
    sys.exit(3)


def looping(hp, shape):
    inputs = keras.Input(shape.input)
    return keras.Model(inputs, head(shape)(keras.layers.SimpleRNN(3)(inputs)))


WRONG = {
    "wrong shape": ("shapes", short, "the network's output must have shape (None, 1, 1), found (None, 6)"),
    "no network": ("shapes", lambda hp, shape: "a network", "build must return a keras.Model, found str"),
    "nan": ("shapes", network(lambda x: ops.log(-1.0 - ops.abs(x))), "outputs are not finite"),
    "raises": ("shapes", raising, "RuntimeError: the weather is bad"),
    "quits": ("shapes", quitting, "SystemExit: 3"),
    "neighbours": ("batch independence", network(lambda x: x - ops.mean(x, axis=0)), "depends on its neighbours"),
    "learns nothing": ("loss falls", network(lambda x: x * 0.0, trainable=False), "does not fall by a tenth"),
    "unseeded": ("same seed, same weights", network(kernel_initializer=unseeded), "with one seed differ"),
    "another training": ("same seed, same weights", Longer(), "with one seed differ"),
    "another network": ("no state outside the weights", Longer(), "built twice from one seed"),
    "forgetful": ("no state outside the weights", network(Forgetful()), "a second call of the network gives another"),
    "fails with dropout": ("dropout", network(NoTraining()), "no rows to drop"),
    "not finite with dropout": ("dropout", network(diverging), "the losses of training steps are [nan"),
    "unsaved": ("save and reload", network(Unsaved(2.0)), "Unsaved"),
}


class Sizes(Hyperparameters):
    sizes: Annotated[tuple[list[int], ...], Field(description="of the layers")] = ([6],)
    dropout: Annotated[float, Field(ge=0.0, description="dropped in training")] = 0.0


def growing(hp, shape):
    hp.sizes[0].append(3)
    return network(units=sum(hp.sizes[0]))(hp, shape)


def unlearned(hp, shape):
    """A layer that the loss cannot reach."""
    return network(lambda x: x + ops.stop_gradient(keras.layers.Dense(6, name="frozen")(x)))(hp, shape)


def exploding(hp, shape):
    return network(lambda x: x * (1.0 if shape.window < 50 else float("inf")))(hp, shape)


def dropping_all(hp, shape):
    return network(lambda x: x / (0.0 if hp.dropout else 1.0))(hp, shape)


ALONE = {
    "hyperparameters kept": (growing, "changes the hyperparameters from {'sizes': ([6],)"),
    "gradients": (unlearned, "the loss has no gradient by frozen/kernel, frozen/bias"),
    "real length": (exploding, "outputs are not finite for a window of 96 steps"),
    "dropout": (dropping_all, "the losses of training steps are [nan"),
}


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("name", ALONE)
def test_what_is_wrong_fails_its_own_check_and_no_other(name, tmp_path):
    build, told = ALONE[name]
    tried = architecture(build, hyperparameters=Sizes, tiny={"dropout": 0.0})
    report = run_checks(tried, tmp_path, [name for name in CHECKS if name not in ("import", "time")])
    assert [verdict.check for verdict in report.failed] == [name], report.failed
    assert told in report.failed[0].reason


def test_a_shape_that_the_architecture_takes_is_what_it_is_tried_on(tmp_path):
    def check(hp, shape):
        if (shape.window, shape.n_features) != (20, 3):
            raise ValueError("a window has 20 rows of 3 features")

    toy = {"window": 20, "n_features": 3}
    names = [name for name in MAIN if name != "import"]
    report = run_checks(architecture(network(), check=check, toy=toy, api=2), tmp_path, names)
    passed = {verdict.check for verdict in report.verdicts if verdict.status == "passed"}
    assert set(names) - passed == {"real length", "dropout"}  # which want a length, and three targets one by one
    assert report.passed
    assert report.warnings == ()


CROOKED = """
from zoo_registry import Runtime, discover, hookimpl


class Crooked:
    def __init__(self, folder):
        self.session = discover().runtimes["onnxruntime"].item.load(folder, None)

    def run(self, window):
        return {name: values + 1e-3 for name, values in self.session.run(window).items()}


@hookimpl
def zoo_runtimes():
    return [Runtime(name="crooked", summary="Is a little off.", load=Crooked, distribution="numpy")]
"""


def test_a_runtime_over_the_limit_leaves_what_the_others_gave(install_plugin, tmp_path):
    install_plugin("crooked", CROOKED)
    report = run_checks(architecture(network()), tmp_path, ["export", "native recurrence", "runtimes"])
    (failed,) = report.failed
    assert failed.check == "runtimes"
    assert "other outputs than the trained network's are given by crooked" in failed.reason
    found = report.capabilities.tasks["forecast"]
    assert (found.runtimes["onnxruntime"], found.runtimes["tensorflow"]) == ("equal", "equal")
    assert found.runtimes["crooked"] == "differs"
    assert found.formats == ("savedmodel", "onnx")


def test_a_loss_below_0_has_to_fall_too(tmp_path):
    def loss(hp, context):
        return lambda y_true, y_pred: ops.mean(0.0 * y_pred, axis=(1, 2)) - 1.0

    assert "does not fall by a tenth" in verdict("loss falls", network(), tmp_path, loss=loss).reason


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_told(kind, tmp_path):
    name, build, told = WRONG[kind]
    found = verdict(name, build, tmp_path)
    assert found.status == "failed"
    assert told in found.reason
    assert "\n" not in found.reason
    assert found.facts == {}


def test_the_same_network_without_the_fault_passes(tmp_path):
    names = [name for name in MAIN if name != "import"]
    report = run_checks(architecture(network()), tmp_path, names)
    assert [f"{v.check}: {v.reason}" for v in report.verdicts if v.status != "passed"] == []
    assert report.passed
    assert not report.complete
    forecast = report.capabilities.tasks["forecast"]
    assert (forecast.formats, forecast.recurrence) == (("savedmodel", "onnx"), "none")
    assert (forecast.runtimes["onnxruntime"], forecast.runtimes["tensorflow"]) == ("equal", "equal")
    assert report.to_json()["capabilities"]["exports"][:4] == ["savedmodel", "onnx", "onnxruntime", "tensorflow"]


def test_what_needs_a_failed_training_is_skipped_and_says_so(tmp_path):
    names = ["loss falls", "save and reload", "export"]
    report = run_checks(architecture(raising), tmp_path, names)
    assert [v.status for v in report.verdicts] == ["failed", "skipped", "skipped"]
    assert report.verdicts[1].reason == "the training failed in an earlier check"
    assert [v.check for v in report.failed] == ["loss falls"]


def test_a_loop_is_an_outsiders_warning_and_a_built_ins_failure(tmp_path):
    for distribution, status in (("tide-models", "passed"), ("lstm-zoo", "failed")):
        (tmp_path / distribution).mkdir()
        found = verdict("native recurrence", looping, tmp_path / distribution, distribution)
        assert found.status == status
        assert "the ONNX graph holds a loop" in "".join((found.reason, *found.warnings))


def test_a_size_that_is_refused_is_a_warning_and_all_of_them_a_failure(tmp_path):
    def refuse(least):
        def check(hp, shape):
            if shape.window < least:
                raise ValueError(f"a window below {least} has no segment")

        return check

    found = verdict("shapes", network(), tmp_path, check=refuse(5))
    assert found.status == "passed"
    assert any("refuses window 4" in text and "has no segment" in text for text in found.warnings)
    found = verdict("shapes", network(), tmp_path, check=refuse(500))
    assert found.status == "failed"
    assert "no size can be built; name some that check accepts in the architecture's toy" in found.reason


class NoWords(Hyperparameters):
    width: Annotated[int, Field(ge=1)] = 3


class NoBounds(Hyperparameters):
    width: Annotated[int | None, Field(description="of it")] = 3


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"hyperparameters": NoWords}, "'width' has no description"),
        ({"hyperparameters": NoBounds}, "'width' has no lower bound"),
        ({"tiny": {"widht": 3}}, "hyperparameter 'widht' is unknown"),
    ],
)
def test_hyperparameters_say_what_they_are(fields, told, tmp_path):
    assert told in verdict("hyperparameters", network(), tmp_path, **fields).reason


def test_a_check_alone_raises_what_does_not_hold(tmp_path):
    check("shapes", architecture(network()), tmp_path)
    with pytest.raises(PluginError, match="the network's output must have shape"):
        check("shapes", architecture(short), tmp_path)
    broken = architecture(raising)
    with pytest.raises(PluginError, match="build failed: RuntimeError: the weather is bad"):
        check("loss falls", broken, tmp_path)
    with pytest.raises(AssertionError, match="the training failed in an earlier check"):
        check("save and reload", broken, tmp_path)


def test_checks_that_do_not_apply_are_skipped(tmp_path):
    names = ["export of other tasks", "export with dropout"]
    report = run_checks(architecture(network(), tasks=(Task.REGRESS,)), tmp_path, names)
    assert [(v.status, bool(v.reason)) for v in report.verdicts] == [("skipped", True)] * 2
    check(names[0], architecture(network()), tmp_path)


def test_every_check_says_what_it_holds():
    for one in CHECKS.values():
        assert one.summary.endswith("."), one.name
    assert set(MAIN) < set(CHECKS)


def test_watching(tmp_path):
    seen = []
    run_checks(architecture(network()), tmp_path, ["hyperparameters", "shapes"], seen.append)
    assert seen == ["hyperparameters", "shapes"]


def test_ctrl_c_ends_it(tmp_path):
    def interrupted(hp, shape):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_checks(architecture(interrupted), tmp_path, ["shapes"])


OWN_LAYER = """
import keras

from zoo_registry import Architecture, head, hookimpl


class {name}(keras.layers.Layer):
    def call(self, values):
        return values * {factor}


def build(hp, shape):
    inputs = keras.Input(shape.input)
    return keras.Model(inputs, head(shape)({name}()(keras.layers.Flatten()(inputs))))


@hookimpl
def zoo_architectures():
    return [Architecture(name="tried", summary="Tried.", build=build)]
"""


@pytest.mark.full
@pytest.mark.parametrize(("factor", "told"), [("2", ""), ("(1 + ('pytest' in sys.modules))", "gives other outputs")])
def test_repair_02_saving_is_checked_in_a_new_process(factor, told, tmp_path, monkeypatch):
    source = "import sys\n" + OWN_LAYER.format(name="Own", factor=factor)
    (tmp_path / "own_layer.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    (own,) = importlib.import_module("own_layer").zoo_architectures()
    try:
        (found,) = run_checks(Subject.of(own), tmp_path, ["save and reload"]).verdicts
    finally:
        del sys.modules["own_layer"]
    assert found.status == ("failed" if told else "passed"), found.reason
    assert told in found.reason
    assert found.warnings == ()
