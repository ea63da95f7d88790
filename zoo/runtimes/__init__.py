"""The runtimes that can run a bundle, one file each, loaded when they are asked for."""

from zoo.runtimes.runtime import RUNTIMES, Runtime, Session, find_runtime

__all__ = ["RUNTIMES", "Runtime", "Session", "find_runtime"]
