"""The helpers of plugins' build functions."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from zoo_registry import RecurrentHyperparameters, Task, head, recurrent_layer, sequence_inputs


@pytest.fixture(scope="module")
def keras():
    import zoo  # names Keras' backend

    assert zoo
    import keras

    return keras


@pytest.mark.parametrize(
    ("changes", "output"),
    [
        ({"horizon": 3}, (3, 1)),
        ({"horizon": 4, "n_targets": 2, "target_columns": (0, None)}, (4, 2)),
        ({"horizon": 2, "quantiles": (0.1, 0.5, 0.9)}, (2, 1, 3)),
        ({"task": Task.CLASSIFY, "classes": 5}, (5,)),
    ],
)
def test_the_head_gives_just_the_shapes_output(keras, make_shape, changes, output):
    shape = make_shape(**changes)
    assert shape.output == output
    inputs = keras.Input((7,))
    model = keras.Model(inputs, head(shape)(inputs, sequence_inputs(shape)))
    assert model.output_shape == (None, *output)
    assert model.output.name == "output" or model.layers[-1].name == "output"


def test_the_inputs_of_a_network(keras, make_shape):
    inputs = sequence_inputs(make_shape())
    assert inputs.ends is inputs.sequence is inputs.named["window"]
    assert (inputs.sequence.name, inputs.sequence.shape) == ("window", (None, 6, 2))
    assert (inputs.future, inputs.static, inputs.length) == (None, None, None)
    both = {**inputs.named, "static": keras.Input((3,), name="static")}
    assert replace(inputs, named=both).ends == both


def test_the_head_is_linear(keras, make_shape):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, head(make_shape(horizon=3, n_targets=2, target_columns=(0, 1)))(inputs))
    states = np.random.default_rng(0).normal(0, 100, (5, 4)).astype("float32")
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model(states).numpy(), (states @ kernel + bias).reshape(5, 3, 2), rtol=1e-6, atol=1e-4)


def test_a_recurrent_layer_takes_all_hyperparameters(keras):
    hp = RecurrentHyperparameters(units=5, dropout=0.1, recurrent_dropout=0.2, l1=1e-3, l2=1e-4)
    layer = recurrent_layer(hp, name="first")
    assert type(layer) is keras.layers.LSTM
    assert (layer.name, layer.units, layer.dropout, layer.recurrent_dropout) == ("first", 5, 0.1, 0.2)
    for penalty in (layer.cell.kernel_regularizer, layer.cell.recurrent_regularizer):
        assert (float(penalty.l1), float(penalty.l2)) == pytest.approx((1e-3, 1e-4))
    assert layer.cell.bias_regularizer is None


def test_the_penalties_are_those_of_the_kernels(keras):
    hp = RecurrentHyperparameters(units=3, l1=0.5, l2=0.25)
    layer = recurrent_layer(hp)
    layer.build((None, 4, 2))
    kernel, recurrent, _ = layer.get_weights()
    expected = sum(0.5 * np.abs(weights).sum() + 0.25 * np.square(weights).sum() for weights in (kernel, recurrent))
    assert float(sum(layer.losses)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.1), (0.1, 0.0)])
def test_one_penalty_is_enough(keras, l1, l2):
    layer = recurrent_layer(RecurrentHyperparameters(l1=l1, l2=l2))
    assert (float(layer.cell.kernel_regularizer.l1), float(layer.cell.kernel_regularizer.l2)) == pytest.approx((l1, l2))


def test_without_penalties_there_is_no_regularizer(keras):
    layer = recurrent_layer(RecurrentHyperparameters())
    assert layer.cell.kernel_regularizer is None
    assert layer.cell.recurrent_regularizer is None


def test_units_and_dropout_can_be_overridden(keras):
    layer = recurrent_layer(RecurrentHyperparameters(units=5, dropout=0.3), units=9, dropout=0.0)
    assert (layer.units, layer.dropout) == (9, 0)


def test_sequences_or_the_last_state(keras):
    hp = RecurrentHyperparameters(units=5)
    windows = np.zeros((2, 6, 3), "float32")
    assert recurrent_layer(hp)(windows).shape == (2, 5)
    assert recurrent_layer(hp, return_sequences=True)(windows).shape == (2, 6, 5)


def test_importing_the_registry_imports_no_array_library():
    code = "import sys, zoo_registry; print({'numpy', 'pandas', 'tensorflow', 'keras', 'sklearn'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
