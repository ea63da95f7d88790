"""Any number of windows goes through a model of a fixed batch, each exactly once."""

import numpy as np
import pytest

from zoo_plugins.runtimes.fixed_batch import in_batches


@pytest.mark.parametrize("windows", [1, 3, 4, 5, 8])
@pytest.mark.parametrize("batch", [1, 4])
def test_every_window_once_and_in_order(windows, batch):
    sizes = []

    def run(window):
        sizes.append(len(window))
        return {"sum": window.sum(axis=(1, 2))[:, None], "first": window[:, 0]}

    values = np.arange(windows * 6, dtype=np.float32).reshape(windows, 3, 2)
    found = in_batches(run, values, batch)
    np.testing.assert_array_equal(found["sum"], values.sum(axis=(1, 2))[:, None])
    np.testing.assert_array_equal(found["first"], values[:, 0])
    assert sizes == [batch] * -(-windows // batch)
