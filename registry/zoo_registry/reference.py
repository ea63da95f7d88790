"""A function that a plugin names by module, so that the module is loaded when the function is first called."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import Any

from zoo_registry.errors import PluginError, close_match_hint


@dataclass(frozen=True)
class Reference:
    """``module:function``, which can be called as the function itself.

    A plugin's entry point is loaded for every command: what needs an array library stands in a module beside it.
    """

    target: str

    def __post_init__(self) -> None:
        module, colon, name = self.target.partition(":")
        if not colon or not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise ValueError(f"expected 'module:function', found {self.target!r}")

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.resolve()(*arguments, **named)

    def resolve(self) -> Any:
        """What is named; raises PluginError, with a close match, where it is not there."""
        name, _, attribute = self.target.partition(":")
        try:
            module = import_module(name)
        except ImportError as error:
            raise PluginError(f"'{self.target}' cannot be loaded ({error}); install what it needs") from error
        try:
            return attrgetter(attribute)(module)
        except AttributeError as error:
            hint = close_match_hint(attribute, (known for known in vars(module) if not known.startswith("_")))
            raise PluginError(f"'{self.target}': the module has no '{attribute}'{hint}") from error
