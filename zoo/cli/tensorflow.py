"""TensorFlow without its greetings, for commands."""

from zoo.engine.quiet import import_tensorflow

__all__ = ["import_tensorflow"]
