"""Settings as a command names them: the library says `momentum`, a command ``--momentum``."""

from __future__ import annotations

import ast
import re
import shlex
from contextlib import suppress
from functools import cache

_OTHERS = {"architecture": "architecture", "architectures": "architectures", "hyperparameters": "--set"}


def in_flags(text: str) -> str:
    """Translate settings in backquotes, which is how the library names them, into options.

    `` `momentum` `` becomes ``--momentum``, `` `keep='last'` `` ``--keep last`` and `` `sort=False` `` ``--no-sort``;
    so is ``setting 'momentum':``, with which what pydantic says begins.
    """
    text = re.sub(r"\b(?:setting|study) '([a-z_]+)(?:\.\d+)?':", r"`\1`:", text)
    return re.sub(r"(?<![\w'\"])`([a-z_]+)(?:=([^`]+))?`", _flag, text) if "`" in text else text


def _flag(found: re.Match[str]) -> str:
    name, value = found.groups()
    option = _irregular().get(name, f"--{name.replace('_', '-')}")
    if value in (None, "True"):
        return option
    if value == "False":
        return option.replace("--", "--no-", 1)
    with suppress(SyntaxError, ValueError):
        text = str(ast.literal_eval(value))
        value = shlex.quote(text) if re.search(r"[\w']", text) else f"'{text}'"  # a sign alone is hard to see
    return f"{option} {value}"


@cache
def _irregular() -> dict[str, str]:
    """Options that do not follow from the setting's name."""
    from zoo.settings.schema import RunConfig
    from zoo.settings.sessions import ExportSettings
    from zoo.settings.setting import settings_of

    settings = settings_of(RunConfig) | settings_of(ExportSettings)
    return _OTHERS | {name: found.flag for name, found in settings.items()}
