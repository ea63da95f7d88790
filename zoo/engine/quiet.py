"""Import TensorFlow without its greetings."""

from __future__ import annotations

from zoo.importing import uncollected
from zoo.streams import silent_stderr


def import_tensorflow() -> None:
    """Import TensorFlow and look for devices while file descriptor 2 is closed to it.

    Its C++ parts write to it before they read TF_CPP_MIN_LOG_LEVEL. An error of the import is still raised.
    """
    with silent_stderr():
        with uncollected():
            import keras  # noqa: F401
            import tensorflow as tf

        tf.config.list_physical_devices()
