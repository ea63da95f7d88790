"""The command ``zoo``: a file for each command; what a command needs is imported when it runs."""

import gc

gc.set_threshold(200_000)  # half of a short command is importing, which makes many objects and no garbage

from zoo.cli.main import main  # noqa: E402

__all__ = ["main"]
