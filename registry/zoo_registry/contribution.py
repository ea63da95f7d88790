"""What all contracts of plugins share: fields that pydantic checks, and one sentence about each that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import field
from functools import wraps
from typing import Annotated, Any, TypeVar, dataclass_transform

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from zoo_registry.api_version import UNDECLARED_API, check_api
from zoo_registry.errors import close_match_hint

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_KNOWN = {
    "callable_type": "expected a function, or another callable",
    "model_attributes_type": "expected its fields by name",
    "string_type": "expected text",
}

T = TypeVar("T")


def _name(value: object) -> object:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError(f"a name is made of a-z, 0-9 and '-', found {value!r}")
    return value


def _sentence(value: str) -> str:
    if not value.strip():
        raise ValueError(f"expected a sentence, found {value!r}")
    return value


def _api(value: object) -> object:
    check_api("it", value)
    return value


Name = Annotated[str, BeforeValidator(_name)]
Sentence = Annotated[str, AfterValidator(_sentence)]
Api = Annotated[int, BeforeValidator(_api)]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field, Field))
def contract(what: str) -> Callable[[type[T]], type[T]]:
    """Make a frozen dataclass, all arguments named, whose fields pydantic checks without converting anything.

    It raises ValueError with a sentence for each wrong field, which begins with ``what`` and the ``name`` given.
    """

    def decorate(declared: type[T]) -> type[T]:
        config = ConfigDict(strict=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)
        made: Any = dataclass(frozen=True, kw_only=True, config=config)(declared)
        initialize = made.__init__

        @wraps(initialize)
        def checked(self: Any, **values: Any) -> None:
            try:
                initialize(self, **values)
            except ValidationError as error:
                named = f"{what} {values['name']!r}" if "name" in values else what
                raise ValueError(complaints(error, f"{named}, field", made.__pydantic_fields__)) from error
            finally:
                made.__init__ = checked  # for which pydantic has put its own, as it builds when it is first called

        made.__init__ = checked
        return made  # type: ignore[no-any-return]

    return decorate


@contract("contribution")
class Contribution:
    """What every contribution has: its ``name``, a ``summary`` in a sentence, and the ``api`` it is written for."""

    name: Name
    summary: Sentence
    api: Api = UNDECLARED_API


def complaints(error: ValidationError, what: str, known: Collection[str]) -> str:
    """Turn pydantic's complaints into a sentence; ``what`` opens each, ``known`` are the names of the fields.

    For example ``"architecture 'basic', hyperparameter"`` for ``what``.
    """
    return "; ".join(_complaint(what, item, known) for item in error.errors())


def _complaint(what: str, item: Any, known: Collection[str]) -> str:
    name, kind = ".".join(str(part) for part in item["loc"] if part != "[key]"), item["type"]
    message = item["msg"].removeprefix("Value error, ")
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{what} '{name}' is unknown{close_match_hint(name, known) if len(item['loc']) == 1 else ''}"
    if kind == "missing":
        return f"{what} '{name}' is required"
    if kind == "value_error":  # a validator's own sentence
        return f"{what} '{name}': {message}" if name else f"{what.removesuffix(', field')}: {message}"
    if kind == "union_tag_invalid":
        tags = " or ".join(item["ctx"]["expected_tags"].rsplit(", ", 1))
        return f"{what} '{name}': expected {tags}, found '{item['ctx']['tag']}'"
    message = _KNOWN.get(kind) or message.split(", unable to parse")[0].replace("Input should be ", "expected ")
    return f"{what} '{name}': {message}, found {item['input']!r}"
