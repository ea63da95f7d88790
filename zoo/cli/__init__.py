"""The command ``zoo``: a file for each command; what a command needs is imported when it runs."""

from zoo.cli.main import main

__all__ = ["main"]
