"""Import TensorFlow without its greetings."""

from __future__ import annotations

import os
import sys

from zoo.forking import refuse_forked
from zoo.importing import uncollected


def import_tensorflow() -> None:
    """Import TensorFlow and look for devices while file descriptor 2 is closed to it.

    Its C++ parts write to it before they read TF_CPP_MIN_LOG_LEVEL, which is set where it is not: its remarks are left
    out, and errors still show. Where TensorFlow is imported already, that is left as it is. An error of the import is
    still raised, and so is ConfigError in a process that was forked after TensorFlow ran.
    """
    refuse_forked()
    if sys.modules.get("tensorflow") is not None:
        return
    from zoo_registry.streams import silent_stderr

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with silent_stderr():
        with uncollected():
            import keras  # noqa: F401
            import tensorflow as tf

        tf.config.list_physical_devices()
