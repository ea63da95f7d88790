"""Plugins of other distributions, installed with pip and used through the real command."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "0.3.0"
dependencies = ["lstm-zoo"]

[project.entry-points.zoo]
{entry} = "{module}"
"""

TIDE = '''
"""Tide: an LSTM layer and a hidden layer before the head."""

from typing import Annotated

from pydantic import Field

from zoo_registry import (
    Architecture, RecurrentHyperparameters, Search, TrainingDefaults, head, hookimpl, recurrent_layer
)


class TideHyperparameters(RecurrentHyperparameters):
    width: Annotated[int, Field(ge=1, description="width of the hidden layer"), Search.int(8, 64)] = 16


def build(hp, shape):
    import keras

    inputs = keras.Input(shape.input, name="window")
    hidden = keras.layers.Dense(hp.width, "relu")(recurrent_layer(hp)(inputs))
    return keras.Model(inputs, head(shape)(hidden), name="tide")


@hookimpl
def zoo_architectures():
    return [
        Architecture(
            name="tide",
            summary="One LSTM layer and a hidden layer.",
            hyperparameters=TideHyperparameters,
            build=build,
            defaults=TrainingDefaults(loss="mae", batch_size=64),
        )
    ]
'''
RAISING = "raise RuntimeError('the licence server does not answer')\n"
QUITTING = "import sys\n\nsys.exit()\n"
SECOND_BASIC = TIDE.replace('name="tide"', 'name="basic"')


@dataclass(frozen=True)
class Command:
    """The real command in a folder of its own, with other distributions on the path."""

    folder: Path
    path: str

    def __call__(self, *arguments, code=0, **environment):
        command = [sys.executable, "-m", "zoo", *map(str, arguments)]
        kept = {key: value for key, value in os.environ.items() if key != "ZOO_DISABLE_PLUGINS"}
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, (self.path, os.environ.get("PYTHONPATH"))))
        kept |= environment
        done = subprocess.run(command, cwd=self.folder, env=kept, capture_output=True, text=True, check=False)
        assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture(scope="module")
def install(tmp_path_factory):
    """``install(("tide-models", TIDE))`` -> a folder for the path that holds these distributions, made once."""

    @cache
    def make(*distributions):
        folder = tmp_path_factory.mktemp("distributions")
        for name, source in distributions:
            module = name.replace("-", "_")
            (folder / name).mkdir()
            (folder / name / f"{module}.py").write_text(source)
            pyproject = PYPROJECT.format(name=name, entry=name.split("-")[0], module=module)
            (folder / name / "pyproject.toml").write_text(pyproject)
        options = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
        command = [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site"]
        done = subprocess.run(
            [*command, *(folder / name for name, _ in distributions)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return str(folder / "site")

    return make


@pytest.fixture
def with_tide(install, tmp_path):
    return Command(tmp_path, install(("tide-models", TIDE)))


@pytest.fixture
def with_broken(install, tmp_path):
    distributions = ("tide-models", TIDE), ("raising-models", RAISING), ("quitting-models", QUITTING)
    return Command(tmp_path, install(*distributions))


@pytest.fixture
def with_second_basic(install, tmp_path):
    return Command(tmp_path, install(("impostor-models", SECOND_BASIC)))


def test_an_outsider_is_listed_beside_the_built_ins_and_shown_with_its_hyperparameters(with_tide):
    listed = with_tide("list", "--json")
    assert listed.stderr == ""
    found = {entry["name"]: entry for entry in json.loads(listed.stdout)}
    assert {"basic", "bidirectional", "custom-loss", "stacked", "tide"} <= set(found)
    tide = found["tide"]
    assert (tide["distribution"], tide["version"], tide["plugin"]) == ("tide-models", "0.3.0", "tide")
    (row,) = [line for line in with_tide("list").stdout.splitlines() if line.startswith("tide ")]
    assert row.split()[:3] == ["tide", "forecast", "tide-models"]
    shown = with_tide("show", "tide").stdout
    assert "from: tide-models 0.3.0" in shown
    assert "training defaults: loss mae, batch_size 64" in shown
    (row,) = [line for line in shown.splitlines() if line.startswith("width ")]
    assert " ".join(row.split()) == "width integer 16 >= 1 8 to 64 width of the hidden layer"


def test_an_outsider_trains_and_its_bundle_needs_no_plugin(with_tide):
    trained = with_tide("train", "tide", *("--epochs", 1, "--set", "units=2", "--set", "width=3", "--export", "--json"))
    run = json.loads(trained.stdout)
    assert run["config"]["hyperparameters"] | {"units": 2, "width": 3} == run["config"]["hyperparameters"]
    assert (run["config"]["training"]["loss"], run["config"]["training"]["batch_size"]) == ("mae", 64)
    bundle = with_tide.folder / run["bundle"]
    assert bundle == with_tide.folder / "exported" / "tide-co2" / "1"
    assert "tide-models" in (bundle / "manifest.json").read_text()

    elsewhere = Command(with_tide.folder, "")
    assert "tide" not in elsewhere("list").stdout
    verified = json.loads(elsewhere("verify", run["bundle"], "--runtime", "all", "--json").stdout)
    assert verified["passed"]
    assert {replay["runtime"] for replay in verified["runtimes"]} == {"onnxruntime", "tensorflow"}


def test_broken_outsiders_are_named_and_everything_else_goes_on(with_broken):
    for arguments in (("list",), ("show", "tide"), ("list", "--json"), ("show", "basic", "--json")):
        done = with_broken(*arguments)
        told = done.stderr.splitlines()
        assert told == [
            "warning: plugin 'quitting' of distribution 'quitting-models' was left out: SystemExit",
            "warning: plugin 'raising' of distribution 'raising-models' was left out:"
            " RuntimeError: the licence server does not answer",
        ]
    assert {"basic", "tide"} <= {entry["name"] for entry in json.loads(with_broken("list", "--json").stdout)}

    done = with_broken("list", ZOO_DISABLE_PLUGINS="raising, quitting-models")
    assert done.stderr == ""
    assert "tide" in done.stdout
    done = with_broken("show", "tied", code=2)
    assert done.stderr.splitlines()[-1] == "error: there is no architecture 'tied'; did you mean 'tide'?"
    assert done.stdout == ""


def test_a_name_of_two_distributions_has_to_be_qualified(with_second_basic):
    for command in ("show", "train"):
        done = with_second_basic(command, "basic", code=2)
        assert done.stderr.splitlines()[-1].endswith("; say lstm-zoo:basic or impostor-models:basic")
        assert done.stdout == ""
    assert list(with_second_basic.folder.iterdir()) == []
    assert "from: lstm-zoo " in with_second_basic("show", "lstm-zoo:basic").stdout
    assert "from: impostor-models 0.3.0" in with_second_basic("show", "impostor-models:basic").stdout
    listed = with_second_basic("list", "--json")
    names = [entry["name"] for entry in json.loads(listed.stdout)]
    assert {"lstm-zoo:basic", "impostor-models:basic", "stacked"} <= set(names)
    assert "basic" not in names
    assert "'lstm-zoo' and 'impostor-models'" in listed.stderr
    assert with_second_basic("show", "stacked").stdout


SCALER_PLUGIN = '''
"""Two scalers: one that gives itself as tensor operations, and one of scikit-learn's that cannot."""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from zoo_registry import Scaler, TensorForm, hookimpl


class ArcsinhScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.unit_ = np.std(X, axis=0)
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X):
        return np.arcsinh(X / self.unit_)

    def inverse_transform(self, X):
        return np.sinh(X) * self.unit_


def make_quantile():
    from sklearn.preprocessing import QuantileTransformer

    return QuantileTransformer(n_quantiles=50, output_distribution="normal")


@hookimpl
def zoo_scalers():
    return [
        Scaler(
            name="arcsinh",
            summary="Inverse hyperbolic sine of the value in deviations.",
            make=ArcsinhScaler,
            form=TensorForm(
                formula="scaled = asinh(raw / unit); raw = sinh(scaled) * unit",
                parameters=lambda fitted: {"unit": fitted.unit_},
                forward=lambda ops, raw, p: ops.log(raw / p["unit"] + ops.sqrt(ops.square(raw / p["unit"]) + 1)),
                inverse=lambda ops, scaled, p: (ops.exp(scaled) - ops.exp(-scaled)) / 2 * p["unit"],
            ),
        ),
        Scaler(name="quantile", summary="Quantiles of a normal distribution.", make=make_quantile),
    ]
'''
QUICK = ("--epochs", 1, "--set", "units=2", "--export", "--json")


@pytest.fixture
def with_scalers(install, tmp_path):
    return Command(tmp_path, install(("scaler-models", SCALER_PLUGIN)))


@pytest.mark.full
def test_an_outsiders_scaler_is_exported_in_the_graph(with_scalers):
    run = json.loads(with_scalers("train", "basic", "--scaler", "arcsinh", *QUICK).stdout)
    bundle = with_scalers.folder / run["bundle"]
    assert json.loads((bundle / "manifest.json").read_text())["problem"]["units"] == "raw"
    (target,) = json.loads((bundle / "preprocessing.json").read_text())["targets"]
    formula = "scaled = asinh(raw / unit); raw = sinh(scaled) * unit"
    assert (target["scaler"], target["formula"]) == ("arcsinh", formula)
    assert set(target["parameters"]) == {"unit"}
    assert not target["in_scalers_joblib"]
    assert b"scaler_models" not in (bundle / "scalers.joblib").read_bytes()
    assert json.loads(Command(with_scalers.folder, "")("verify", run["bundle"], "--json").stdout)["passed"]


@pytest.mark.full
def test_an_outsiders_scaler_without_a_form_gives_a_scaled_bundle(with_scalers):
    run = json.loads(with_scalers("train", "basic", "--scaler", "quantile", *QUICK).stdout)
    bundle = with_scalers.folder / run["bundle"]
    problem = json.loads((bundle / "manifest.json").read_text())["problem"]
    assert (problem["units"], problem["inputs"][0]["dtype"]) == ("scaled", "float32")
    assert "**scaled in, scaled out**" in (bundle / "README.md").read_text()
    elsewhere = Command(with_scalers.folder, "")
    assert json.loads(elsewhere("verify", run["bundle"], "--json").stdout)["passed"]
    refused = elsewhere("predict", run["bundle"], "--data", "example:co2", code=2)
    assert "takes scaled values" in refused.stderr
    refused = with_scalers("export", "latest", "--serving-dtype", "float64", code=2)
    assert "takes scaled float32 values" in refused.stderr


def test_without_its_plugin_a_scaler_is_unknown(with_scalers):
    refused = Command(with_scalers.folder, "")("train", "basic", "--scaler", "arcsinh", code=2)
    assert "there is no scaler 'arcsinh'" in refused.stderr


LOSS_PLUGIN = '''
"""A loss with a parameter."""

from typing import Annotated

from pydantic import Field

from zoo_registry import Hyperparameters, Loss, hookimpl


class PowerParameters(Hyperparameters):
    power: Annotated[float, Field(gt=1.0, description="power of the absolute error")] = 3.0


def make_power(parameters, context):
    from keras import ops

    return lambda y_true, y_pred: ops.mean(ops.abs(y_true - y_pred) ** parameters.power, axis=(1, 2))


@hookimpl
def zoo_losses():
    return [Loss(name="power", summary="Power of the absolute error.", parameters=PowerParameters, make=make_power)]
'''


@pytest.mark.full
def test_an_outsiders_loss_trains_and_its_run_needs_no_plugin(install, tmp_path):
    with_losses = Command(tmp_path, install(("loss-models", LOSS_PLUGIN)))
    flags = ("--epochs", 1, "--set", "units=2", "--json")
    run = json.loads(with_losses("train", "custom-loss", "--loss", "loss-models:power:power=2.5", *flags).stdout)
    assert run["config"]["training"]["loss"] == "loss-models:power:power=2.5"

    elsewhere = Command(tmp_path, "")
    assert run["id"] in elsewhere("runs").stdout
    elsewhere("export", run["id"])
    refused = elsewhere("train", "basic", "--loss", "power", code=2)
    assert "there is no loss 'power'; known are: " in refused.stderr
    refused = with_losses("train", "basic", "--loss", "power:power=1", code=2)
    assert "loss 'power', parameter 'power': expected greater than 1, found '1'" in refused.stderr


LAYERS = '''
"""Layers of a plugin's own, registered with Keras and not; a function and an initializer that are not."""

import keras


@keras.saving.register_keras_serializable("Custom")
class Gate(keras.layers.Layer):
    def call(self, values):
        return values * keras.ops.sigmoid(values)


def halved(values):
    return keras.ops.tanh(values) / 2


class Small(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.random.normal(shape, stddev=0.01, dtype=dtype)


class Scale(keras.layers.Layer):
    def __init__(self, factor, **settings):
        super().__init__(**settings)
        self.factor = factor

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, values):
        return values * self.kernel * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
'''
LAYERED = '''
"""An architecture of them."""

import os
import signal

from zoo_registry import Architecture, head, hookimpl


def build(hp, shape):
    import keras

    from layered_layers import Gate, Scale, Small, halved

    inputs = keras.Input(shape.input)
    hidden = keras.layers.LSTM(3, recurrent_activation=halved, kernel_initializer=Small())(inputs)
    return keras.Model(inputs, head(shape)(Scale(2.0)(Gate()(hidden))))


@hookimpl
def zoo_architectures():
    return [Architecture(name="layered", summary="Layers of its own.", build=build)]


@hookimpl
def zoo_epoch_ended(epoch):
    if os.environ.get("STOPPED") and epoch == 1:
        os.kill(os.getpid(), signal.SIGTERM)
'''
USED = """
import zoo

run = zoo.load_run("latest")
print(run.export().folder)
zoo.backtest("latest", origins=2)
settings = {"window": 6, "horizon": 2, "epochs": 1, "normalize_window": "instance", "start_from": "latest"}
print(zoo.train("layered", **settings).record.training.started_from.run == run.id)
"""


@pytest.mark.full
def test_repair_02_layers_of_a_plugin_are_found_in_fresh_processes(install, tmp_path):
    path = Path(install(("layered-models", LAYERED)))
    (path / "layered_layers.py").write_text(LAYERS)
    with_layers, without = Command(tmp_path, str(path)), Command(tmp_path, "")
    settings = ("--window", 6, "--horizon", 2, "--epochs", 2, "--normalize-window", "instance")
    with_layers("train", "layered", *settings, code=143, STOPPED="1")
    with_layers("train", "--resume", "latest")
    environment = os.environ | {"PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", USED], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True"
    refused = without("export", "latest", code=2).stderr.splitlines()
    assert len(refused) == 1
    assert "its network has layers of a plugin, and cannot be loaded without it: there is no architecture" in refused[0]
