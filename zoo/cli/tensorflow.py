"""TensorFlow without its greetings, for commands."""

from zoo.quiet import import_tensorflow

__all__ = ["import_tensorflow"]
