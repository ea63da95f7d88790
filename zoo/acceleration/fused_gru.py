"""The recurrence of a GRU layer with its gradient, each a loop that XLA compiles, with all products over steps outside.

The variant whose reset gate acts after the recurrent product, as Keras has it by default (``reset_after``) and cuDNN
(Cho et al. 2014, arXiv:1406.1078v1). The order of gates is Keras': z, r, h.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from zoo.acceleration.recurrent_gradients import backwards, input_gradient, weight_gradients

Tensor = Any


def gru(inputs: Tensor, state: Tensor, weights: tuple[Tensor, Tensor, Tensor], *, sequences: bool) -> Tensor:
    """Run tanh/sigmoid GRU cells along the first axis; all float32.

    ``inputs`` is (time, batch, n), ``state`` the hidden state before, (batch, units), and ``weights`` are Keras' kernel
    (n, 3 units), recurrent kernel (units, 3 units) and biases (2, 3 units). Returns the hidden states, (time, batch,
    units), or the last one, (batch, units).
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        inputs: Tensor, hidden: Tensor, kernel: Tensor, recurrent: Tensor, biases: Tensor
    ) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, ...]]]:
        projected = tf.tensordot(inputs, kernel, 1) + biases[0]
        saved = _forward(projected, hidden, recurrent, biases[1])
        states = saved[-1]

        def gradient(d_outputs: Tensor) -> tuple[Tensor, ...]:
            d_gates, d_hidden = _through_time(saved, hidden, recurrent, d_outputs, sequences)
            before = tf.concat([hidden[None], states[:-1]], 0)
            d_kernel, d_recurrent, d_bias = weight_gradients(inputs, before, d_gates)
            z_r, candidate = tf.split(kernel, [2 * hidden.shape[-1], hidden.shape[-1]], 1)
            return (
                input_gradient(d_gates, tf.concat([z_r, tf.zeros_like(candidate), candidate], 1)),
                d_hidden,
                _of_projection(d_kernel),
                _of_state(d_recurrent),
                tf.stack([_of_projection(d_bias), _of_state(d_bias)]),
            )

        return states if sequences else states[-1], gradient

    return run(inputs, state, *weights)


@tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
def _forward(projected: Tensor, hidden: Tensor, recurrent: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    """Gates z and r, candidates, what r acts on, and hidden states of all steps, each (time, batch, units)."""
    steps = tf.shape(projected)[0]

    def body(at: Tensor, hidden: Tensor, kept: tuple[tf.TensorArray, ...]) -> tuple[Any, ...]:
        inner = tf.matmul(hidden, recurrent) + bias
        (x_z, x_r, x_h), (h_z, h_r, h_h) = tf.split(projected[at], 3, 1), tf.split(inner, 3, 1)
        z, r = tf.sigmoid(x_z + h_z), tf.sigmoid(x_r + h_r)
        candidate = tf.tanh(x_h + r * h_h)
        hidden = z * hidden + (1.0 - z) * candidate
        values = (z, r, candidate, h_h, hidden)
        return at + 1, hidden, tuple(array.write(at, value) for array, value in zip(kept, values, strict=True))

    kept = tuple(tf.TensorArray(tf.float32, steps) for _ in range(5))
    _, _, kept = tf.while_loop(lambda at, *_: at < steps, body, (0, hidden, kept), maximum_iterations=steps)
    return tuple(array.stack() for array in kept)


@tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
def _through_time(
    saved: tuple[Tensor, ...], hidden: Tensor, recurrent: Tensor, d_outputs: Tensor, sequences: bool
) -> tuple[Tensor, Tensor]:
    """The gradients before the gates' nonlinearities, (time, batch, 4 units), and of the state before.

    The gates are z, r, and h twice, as the two projections' gradients differ in it: the state's, then the inputs'.
    """
    gates_z, gates_r, candidates, inners, states = saved
    back = tf.transpose(recurrent)

    def step(at: Tensor, d_hidden: Tensor, carried: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z, r, candidate = gates_z[at], gates_r[at], candidates[at]
        before = tf.where(at > 0, states[tf.maximum(at - 1, 0)], hidden)
        d_candidate = d_hidden * (1.0 - z) * (1.0 - candidate * candidate)
        d_z = d_hidden * (before - candidate) * z * (1.0 - z)
        d_r = d_candidate * inners[at] * r * (1.0 - r)
        d_inner = tf.concat([d_z, d_r, d_candidate * r], 1)
        return tf.concat([d_inner, d_candidate], 1), d_hidden * z + tf.matmul(d_inner, back), carried

    nothing = tf.zeros(())
    d_gates, d_hidden, _ = backwards(step, d_outputs, nothing, sequences=sequences, steps=tf.shape(gates_z)[0])
    return d_gates, d_hidden


def _of_state(gates: Tensor) -> Tensor:
    """Of z, r, h of the state and h of the inputs, (..., 4 units), what belongs to the state's projection."""
    return gates[..., : gates.shape[-1] // 4 * 3]


def _of_projection(gates: Tensor) -> Tensor:
    """What belongs to the inputs' projection."""
    z, r, _, candidate = tf.split(gates, 4, -1)
    return tf.concat([z, r, candidate], -1)
