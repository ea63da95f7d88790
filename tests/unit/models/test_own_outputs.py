"""What an architecture of API 2 may have of its own: outputs that it decodes, weights, layers, and what it is told."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

import zoo
from zoo.models.custom_objects import load_with
from zoo.models.network import build_network, decoded, put_pretrained
from zoo.settings.resolve import resolve
from zoo.settings.schema import TrainingConfig
from zoo.training.trainer import fit
from zoo_registry import discover, head, sequence_inputs
from zoo_registry.errors import ConfigError, PluginError, ZooError


def build(hp, shape):
    inputs = sequence_inputs(shape)
    return keras.Model(inputs.ends, head(shape)(keras.layers.Flatten()(inputs.sequence), inputs))


def squared_first(hp, context):
    return lambda y_true, y_pred: keras.ops.mean(keras.ops.square(y_true - y_pred[..., 0]), axis=(1, 2))


def first_and_steps(hp, shape, ops, outputs):
    steps = [outputs[..., 0] + float(step) for step in range(len(shape.quantiles))]
    return ops.stack(steps, axis=-1) if steps else outputs[..., 0]


OWN = {"build": build, "loss": squared_first, "outputs_per_target": 3, "decode": first_and_steps, "api": 2}


def test_what_belongs_together(make_architecture):
    for without in ("loss", "decode", "outputs_per_target"):
        with pytest.raises(ValueError, match="architecture 'mine': outputs_per_target, decode and a loss belong"):
            make_architecture(**{name: value for name, value in OWN.items() if name != without})
    with pytest.raises(ValueError, match="architecture 'mine': only API version 2 has outputs_per_target, decode"):
        make_architecture(**OWN | {"api": 1})
    make_architecture(build=build, loss=squared_first)
    with pytest.raises(ValueError, match="inputs: there is no input 'windo'; did you mean 'window'"):
        make_architecture(inputs=("windo",), api=2)
    with pytest.raises(ValueError, match=r"field 'toy\.windo': expected 'window', .*, found 'windo'"):
        make_architecture(toy={"windo": 3}, api=2)


@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)])
def test_outputs_are_decoded(make_architecture, shape, quantiles):
    own, asked = make_architecture(**OWN), replace(shape, quantiles=quantiles)
    network = build_network(own, own.configure({}), asked)
    assert network.output_shape == (None, 3, 1, 3)
    told = decoded(own, own.configure({}), asked, network)
    windows = np.ones((2, *shape.input), np.float32)
    assert told.output_shape == (None, *asked.output)
    np.testing.assert_array_equal(np.ravel(told(windows)[..., :1]), np.ravel(network(windows)[..., 0]))
    assert told.count_params() == network.count_params()


def test_a_decode_that_gives_something_else(make_architecture, shape):
    for decode, told in (
        (lambda *_: 3, "found int"),
        (lambda hp, shape, ops, outputs: outputs, "found .None, 3, 1, 3"),
    ):
        own = make_architecture(**OWN | {"decode": decode})
        with pytest.raises(PluginError, match=rf"decode must give shape \(None, 3, 1\), {told}"):
            decoded(own, own.configure({}), shape, build_network(own, own.configure({}), shape))


def test_one_number_for_each_target_reaches_the_loss_with_its_axis(make_architecture, prepared):
    own = make_architecture(**OWN | {"outputs_per_target": 1})
    fitted = fit(own, own.configure({}), prepared, TrainingConfig(loss="architecture", epochs=2, learning_rate=0.01))
    assert fitted.model.output_shape == (None, 3, 1)
    assert fitted.history["loss"][1] < fitted.history["loss"][0]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"loss": "mae"}, "is trained with its own loss alone, found `loss` mae"),
        ({"normalize_window": "last"}, "`normalize_window` last cannot be undone on what architecture 'mine' gives"),
        ({"epochs": 0}, "`epochs=0` trains nothing, and architecture 'mine' has no weights to begin with"),
    ],
)
def test_what_does_not_suit_it(make_architecture, settings, told):
    with pytest.raises(ConfigError, match=told):
        resolve("mine", make_architecture(**OWN), {}, settings)


def test_its_loss_is_that_of_quantiles_too(make_architecture):
    config = resolve("mine", make_architecture(**OWN), {}, {"quantiles": (0.1, 0.9)})
    assert config.training.loss == "architecture"


def ones(hp, shape):
    return [np.ones((8, 3)), np.zeros(3)]


def test_weights_to_begin_with_are_taken_as_they_are(make_architecture, prepared):
    """Features are 2, the window is 8: a network of one sum of all, which no epoch changes."""
    seen = []

    def one_column(hp, shape):
        inputs = sequence_inputs(shape)
        return keras.Model(inputs.ends, head(shape)(inputs.sequence[:, :, 0], inputs))

    def pretrained(hp, shape):
        seen.append(shape)
        return ones(hp, shape)

    own = make_architecture(one_column, pretrained=pretrained, api=2)
    config = resolve("mine", own, {}, {"epochs": 0, "window": 8, "horizon": 3})
    fitted = fit(own, own.configure({}), prepared, config.training)
    assert seen == [prepared.shape]
    assert (fitted.best_epoch, fitted.loss, fitted.history["loss"]) == (0, None, [])
    assert fitted.val_loss > 0
    windows = np.random.default_rng(0).normal(size=(4, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(fitted.model(windows)[:, 0, 0], windows[:, :, 0].sum(axis=1), rtol=1e-5, atol=1e-5)
    with pytest.raises(ConfigError, match="architecture 'mine' has no weights to begin with; give epochs"):
        fit(make_architecture(one_column, pretrained=lambda hp, shape: None, api=2), None, prepared, config.training)


def test_weights_of_another_network(make_architecture, shape):
    own = make_architecture(build, pretrained=ones, api=2)
    network = build_network(own, own.configure({}), replace(shape, horizon=4))
    with pytest.raises(PluginError, match="weights are those of another network: expected 'head/kernel' of shape"):
        put_pretrained(own, own.configure({}), shape, network, needed=True)


def test_another_runs_weights_without_an_epoch(trained, series, tmp_path):
    settings = {"target": "load", "window": 8, "horizon": 3, "hyperparameters": {"units": 4}}
    run = zoo.train("basic", series, epochs=0, start_from=str(trained.folder), runs=tmp_path, **settings)
    assert (run.record.training.epochs, run.record.training.best_epoch, run.record.training.loss) == (0, 0, None)
    assert run.record.training.val_loss == pytest.approx(trained.record.training.val_loss)
    np.testing.assert_array_equal(run.predict(series), trained.predict(series))
    report = (run.folder / "report.html").read_text()
    assert "Nothing was trained" in report
    assert "weights of epoch 0" not in report
    assert zoo.load_run(run.folder).export(tmp_path / "exported").manifest.run == run.id


class Outer(keras.layers.Layer):
    """Names another class in its configuration, and holds no object of it."""

    def call(self, values):
        return values * Inner.factor

    def get_config(self):
        inner = {"module": None, "class_name": "Inner", "config": {}, "registered_name": "Inner"}
        return {**super().get_config(), "inner": inner}

    @classmethod
    def from_config(cls, config):
        assert isinstance(keras.saving.deserialize_keras_object(config.pop("inner")), Inner)
        return cls(**config)


class Inner:
    factor = 2.0

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls()


def test_what_keras_cannot_find_in_the_network(make_architecture, shape, tmp_path):
    def with_outer(hp, shape):
        inputs = sequence_inputs(shape)
        return keras.Model(inputs.ends, head(shape)(Outer()(keras.layers.Flatten()(inputs.sequence)), inputs))

    def load(**fields):
        own = make_architecture(with_outer, **fields)
        return load_with(tmp_path / "a.keras", lambda: build_network(own, own.configure({}), shape), "run one")

    own = make_architecture(with_outer)
    network = build_network(own, own.configure({}), shape)
    network.save(tmp_path / "a.keras")
    with pytest.raises(ZooError, match="names Inner, of which the architecture builds nothing"):
        load()
    again = load(layers=lambda: [Inner], api=2)
    again.save(tmp_path / "a.keras")
    windows = np.ones((2, *shape.input), np.float32)
    np.testing.assert_array_equal(load(layers=lambda: [Inner], api=2)(windows), network(windows))


def test_what_an_architecture_cannot_be_told(make_architecture, shape):
    own = make_architecture(build, inputs=("window",), api=2)
    with pytest.raises(ConfigError, match="architecture 'mine' cannot be told 'future'; those that can: none"):
        build_network(own, own.configure({}), replace(shape, inputs=("window", "future")))
    told = discover().catalogue
    assert {entry.item.api for entry in told.values() if entry.distribution == "lstm-zoo"} == {2}
