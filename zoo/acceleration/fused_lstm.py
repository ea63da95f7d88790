"""The recurrence of an LSTM layer in few, large operations, with its gradient.

Forward it is TensorFlow's kernel for a whole sequence, ``BlockLSTMV2``, which has Keras' order of gates (i, f, c, o).
The gradient that TensorFlow has registered for it is that of another order of gates, so it is written out here, by
backpropagation through time (Gers, Schmidhuber & Cummins 2000): only what one step needs of the next is computed in a
loop, which XLA compiles into one function, and the gradients of weights and inputs are a matrix product each over all
steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from zoo.acceleration.recurrent_gradients import backwards, input_gradient, weight_gradients

Tensor = Any


def lstm(
    inputs: Tensor,
    state: tuple[Tensor, Tensor],
    weights: tuple[Tensor, Tensor, Tensor],
    *,
    sequences: bool,
) -> tuple[Tensor, Tensor]:
    """Run tanh/sigmoid LSTM cells along the first axis; all float32.

    ``inputs`` is (time, batch, n), ``state`` the hidden and the cell state before, each (batch, units), and ``weights``
    are Keras' kernel (n, 4 units), recurrent kernel (units, 4 units) and bias (4 units,). Returns the hidden states,
    (time, batch, units), or the last one, (batch, units), and the last cell state.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        inputs: Tensor, hidden: Tensor, cell: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Callable[..., tuple[Tensor, ...]]]:
        no_peephole = tf.zeros_like(bias[: bias.shape[0] // 4])
        gate_i, cells, gate_f, gate_o, candidates, squashed, states = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.shape(inputs, out_type=tf.int64)[0],
            x=inputs,
            cs_prev=cell,
            h_prev=hidden,
            w=tf.concat([kernel, recurrent], 0),
            wci=no_peephole,
            wcf=no_peephole,
            wco=no_peephole,
            b=bias,
            cell_clip=0.0,
            use_peephole=False,
        )

        def gradient(d_outputs: Tensor, d_cell: Tensor) -> tuple[Tensor, ...]:
            saved = (gate_i, gate_f, gate_o, candidates, squashed, cells)
            d_gates, d_hidden, d_cell = _through_time(saved, cell, recurrent, d_outputs, d_cell, sequences)
            before = tf.concat([hidden[None], states[:-1]], 0)
            return (
                input_gradient(d_gates, kernel),
                d_hidden,
                d_cell,
                *weight_gradients(inputs, before, d_gates),
            )

        return (states if sequences else states[-1], cells[-1]), gradient

    outputs: tuple[Tensor, Tensor] = run(inputs, *state, *weights)
    return outputs


@tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
def _through_time(
    saved: tuple[Tensor, ...], cell: Tensor, recurrent: Tensor, d_outputs: Tensor, d_cell: Tensor, sequences: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients before the gates' nonlinearities, (time, batch, 4 units), and of both states before."""
    gate_i, gate_f, gate_o, candidates, squashed, cells = saved
    back = tf.transpose(recurrent)

    def step(at: Tensor, d_hidden: Tensor, d_cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i, f, o, candidate, squash = gate_i[at], gate_f[at], gate_o[at], candidates[at], squashed[at]
        cell_before = tf.where(at > 0, cells[tf.maximum(at - 1, 0)], cell)
        d_cell += d_hidden * o * (1.0 - squash * squash)
        d_gates = tf.concat(
            [
                d_cell * candidate * i * (1.0 - i),
                d_cell * cell_before * f * (1.0 - f),
                d_cell * i * (1.0 - candidate * candidate),
                d_hidden * squash * o * (1.0 - o),
            ],
            1,
        )
        return d_gates, tf.matmul(d_gates, back), d_cell * f

    return backwards(step, d_outputs, d_cell, sequences=sequences, steps=tf.shape(gate_i)[0])
