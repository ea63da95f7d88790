"""What is told of a setting beside type, bounds, default and help: a mark on its field, and what follows from it."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zoo_registry import Search

SPLITS = ("split", "split_dates", "split_last")  # of which one is given
_RULING_OUT = {"epochs": ("steps", "validate_every"), "steps": ("epochs", "validate_every")} | dict.fromkeys(
    SPLITS, SPLITS
)
_UNBOUNDED = 1_000_000  # a limit that only keeps mistakes out is not told


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A mark in a field's annotation.

    ``unset`` says in words what holds where it is left out and that is not the field's default; ``preset`` whose
    default comes before the field's. ``panel`` is its group where that is not its section's. ``flag`` is its option,
    ``metavar`` what stands behind that, and with ``many`` it may be repeated. ``tasks`` are those that it is for, all
    unless given. ``takes`` are the Python types that it is read from, where its own is only what becomes of them.
    ``tuned`` lets a search try values of it, and ``searched`` gives the range that a search begins with, which may be
    a :class:`Search` in the annotation as well; not for ``trials`` is what a study cannot have. ``estimators`` makes it
    a parameter of the estimators. ``bundles`` says what holds where a bundle's table is read and it is left out; "" for
    the same, None where it cannot be given then. One that is not ``asked`` is recorded and no user's.
    """

    unset: str = ""
    preset: str = ""
    panel: str = ""
    flag: str = ""
    metavar: str | None = None
    many: bool = False
    tasks: tuple[str, ...] = ()
    takes: str = ""
    tuned: bool = False
    trials: bool = True
    searched: Callable[[Any, Any], Search | None] | None = None
    estimators: bool = False
    bundles: str | None = None
    asked: bool = True


@dataclass(frozen=True)
class Described:
    """A setting by name, with its field, its mark and the title of its section."""

    name: str
    field: FieldInfo
    mark: Setting
    title: str

    @cached_property
    def panel(self) -> str:
        """The group that it stands in."""
        return self.mark.panel or self.title

    @cached_property
    def flag(self) -> str:
        """Its option."""
        return self.mark.flag or f"--{self.name.replace('_', '-')}"

    @cached_property
    def kind(self) -> Any:
        """Its type without None."""
        return plain_type(self.field.annotation)

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The names to choose from, where they are a closed set."""
        kinds = (self.kind, *get_args(self.kind)) if get_origin(self.kind) is not Literal else (self.kind,)
        for kind in kinds:
            if get_origin(kind) is Literal:
                return tuple(map(str, get_args(kind)))
            if isinstance(kind, type) and issubclass(kind, Enum):
                return tuple(str(member.value) for member in kind)
        return ()

    @cached_property
    def bounds(self) -> str:
        """The range of its numbers in words, else ""."""
        words = {Ge: ("ge", "at least"), Gt: ("gt", "above"), Le: ("le", "at most"), Lt: ("lt", "below")}
        told = []
        for mark in self.field.metadata:
            if type(mark) in words:
                key, word = words[type(mark)]
                if (limit := getattr(mark, key)) < _UNBOUNDED:
                    told.append(f"{word} {limit:g}")
        return ", ".join(told)

    @cached_property
    def default(self) -> str:
        """What holds where it is left out, in words."""
        if self.mark.unset:
            return self.mark.unset
        value = self.field.get_default(call_default_factory=True)
        if isinstance(value, bool):
            told = str(value).lower()
        elif value is None or value in ((), {}):
            told = "none"
        elif isinstance(value, tuple):
            told = ",".join(f"{part:g}" for part in value)
        else:
            told = f"{value:g}" if isinstance(value, (int, float)) else str(getattr(value, "kind", value))
        return f"{self.mark.preset}, else {told}" if self.mark.preset else told

    @cached_property
    def help(self) -> str:
        """What it is, with its choices, in one line without a full stop."""
        text = self.field.description or ""
        if len(self.mark.tasks) == 1:
            text = f"For task {self.mark.tasks[0]}: {text[:1].lower()}{text[1:]}"
        if any(choice not in text for choice in self.choices):
            head, last = ", ".join(self.choices[:-1]), self.choices[-1]
            text += f": {head} or {last}"
        return text

    def is_for(self, task: str) -> bool:
        """Whether it has a meaning for a task."""
        return not self.mark.tasks or task in self.mark.tasks

    def search(self, config: Any, architecture: Any) -> Search | None:
        """The range that a search begins with, given the configuration without one; None where there is none."""
        if self.mark.searched is not None:
            return self.mark.searched(config, architecture)
        return next((mark for mark in self.field.metadata if isinstance(mark, Search)), None)


def plain_type(annotation: Any) -> Any:
    """A type without None and marks."""
    if get_origin(annotation) is Annotated:
        return plain_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return plain_type(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


def sections_of(schema: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The fields of a configuration that are settings' models, by name."""
    kinds = {name: plain_type(field.annotation) for name, field in schema.model_fields.items()}
    return {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, BaseModel)}


def settings_of(schema: type[BaseModel], title: str = "") -> dict[str, Described]:
    """All settings of a model, those of its sections among them, by name and in their order.

    A section is titled by its name, and the model's own settings by ``title``.
    """
    return {found.name: found for found in _settings(schema, title)}


def _settings(schema: type[BaseModel], title: str) -> Iterator[Described]:
    for name, section in sections_of(schema).items():
        yield from _settings(section, name.capitalize())
    for name, field in schema.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, Setting):
                yield Described(name, field, mark, title)


def laid_over(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with those over them that were given beside: of two that rule each other out the one that was given."""
    ruled_out = {other for name, others in _RULING_OUT.items() if is_given(given.get(name)) for other in others}
    return {name: value for name, value in settings.items() if name not in ruled_out} | dict(given)


def is_given(value: Any) -> bool:
    """Whether a setting was given a value; None and what is empty count as left out."""
    return value is not None and value not in ((), [], {})


def is_set(config: BaseModel, name: str) -> bool:
    """Whether a field has another value than by default."""
    default: Any = type(config).model_fields[name].get_default(call_default_factory=True)
    return bool(getattr(config, name) != default)


def given_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were given a value."""
    return {name: value for name, value in settings.items() if is_given(value)}
