"""Names of models: folders, and what servers call them."""

from __future__ import annotations

import re

from zoo_registry.errors import ConfigError

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_model_name(name: str) -> None:
    """Raise ConfigError unless the name can be a folder's and a server's."""
    if not MODEL_NAME.fullmatch(name):
        raise ConfigError(
            "a model's name begins with a letter or digit and goes on with letters, digits, '.', '_' or '-',"
            f" found {name!r}; give another --name"
        )
