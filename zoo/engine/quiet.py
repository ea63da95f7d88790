"""Import TensorFlow without its greetings."""

from __future__ import annotations

import os

from zoo.importing import uncollected


def import_tensorflow() -> None:
    """Import TensorFlow and look for devices while file descriptor 2 is closed to it.

    Its C++ parts write to it before they read TF_CPP_MIN_LOG_LEVEL. An error of the import is still raised.
    """
    kept, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 2)
    try:
        with uncollected():
            import keras  # noqa: F401
            import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(void)
