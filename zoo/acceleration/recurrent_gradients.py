"""What the gradients of recurrent layers have in common: the loop back through time, and products over all steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Tensor = Any


def backwards(
    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    d_outputs: Tensor,
    d_carried: Tensor,
    *,
    sequences: bool,
    steps: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Go from the last step to the first; return what each step gives first, stacked, and both gradients at its end.

    ``step(at, d_hidden, d_carried)`` gives the gradient of its gates, of the hidden state before it, and of what else
    is carried. ``d_outputs`` is (time, batch, units), or (batch, units) of the last step where not ``sequences``.
    """

    def body(at: Tensor, d_hidden: Tensor, d_carried: Tensor, kept: tf.TensorArray) -> tuple[Any, ...]:
        d_gates, d_hidden, d_carried = step(at, d_hidden + d_outputs[at] if sequences else d_hidden, d_carried)
        return at - 1, d_hidden, d_carried, kept.write(at, d_gates)

    d_hidden = tf.zeros_like(d_outputs[0]) if sequences else d_outputs
    kept = tf.TensorArray(tf.float32, steps)
    start = (steps - 1, d_hidden, d_carried, kept)
    _, d_hidden, d_carried, kept = tf.while_loop(lambda at, *_: at >= 0, body, start, maximum_iterations=steps)
    return kept.stack(), d_hidden, d_carried


def input_gradient(d_gates: Tensor, kernel: Tensor) -> Tensor:
    """The gradient of inputs (time, batch, n) by that of their projections on ``kernel`` (n, gates)."""
    flat = tf.matmul(_rows(d_gates), kernel, transpose_b=True)
    return tf.reshape(flat, tf.concat([tf.shape(d_gates)[:2], tf.shape(kernel)[:1]], 0))


def weight_gradients(inputs: Tensor, before: Tensor, d_gates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of kernel (n, gates), recurrent kernel (units, gates) and bias (gates,) in one product.

    ``d_gates`` (time, batch, gates) is larger than all that it is multiplied with, ``inputs`` (time, batch, n), the
    hidden states ``before`` each step (time, batch, units) and ones: so it is read once.
    """
    values = tf.concat([inputs, before, tf.ones_like(before[..., :1])], 2)
    product = tf.matmul(_rows(values), _rows(d_gates), transpose_a=True)
    n, units = inputs.shape[-1], before.shape[-1]
    return product[:n], product[n : n + units], product[n + units]


def _rows(values: Tensor) -> Tensor:
    """All steps' rows one below the other: (time, batch, n) as (time * batch, n)."""
    return tf.reshape(values, (-1, values.shape[-1]))
