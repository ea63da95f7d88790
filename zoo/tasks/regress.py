"""Regress: the targets in the window's last row, of which the network sees other columns alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from zoo.data.roles import Roles
from zoo.tasks.base import SequenceTask
from zoo.tasks.forecast import Forecast
from zoo_registry import Architecture, Search, Task

if TYPE_CHECKING:
    from zoo.data.readers.examples import Example
    from zoo.data.windows import Layout
    from zoo.settings.schema import DataConfig, RunConfig


class Regress(Forecast):
    """The task ``regress``: measured and told as forecasts are."""

    name: ClassVar[str] = Task.REGRESS
    normalizes = False
    roles = Roles(apart=True)

    def example_settings(self, example: Example) -> dict[str, Any]:
        """None: no example has a target that is no feature."""
        return {}

    def searched(self, config: RunConfig, architecture: Architecture) -> dict[str, Search]:
        """Losses alone: a target that is no feature has no last value to begin from."""
        return SequenceTask.searched(self, config, architecture)

    def layout(self, config: DataConfig) -> Layout:
        """The target is at the window's last row."""
        return SequenceTask.layout(self, config)

    def span(self, config: DataConfig) -> str:
        """A window holds what is told of it."""
        return SequenceTask.span(self, config)

    def described(self, data: DataConfig) -> str:
        """The window, and what is told."""
        return f"window {data.window}; the targets in the window's last row"
