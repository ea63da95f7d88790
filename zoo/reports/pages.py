"""Self-contained web pages from templates: no script, nothing that is fetched, and every text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from zoo.evaluation.headline import everybody, headline, outcomes
from zoo.texts import some

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **data: Any) -> str:
    """The page of a template as text; ``data`` is what it shows, its ``title`` among it."""
    return _environment().get_template(template).render(data)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # a command that shows no page does without

    environment = Environment(
        loader=PackageLoader("zoo.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"listed": listed, "some": some, "written": _written}
    environment.globals |= {"everybody": everybody, "headline": headline, "outcomes": outcomes}
    return environment


def listed(names: Sequence[str]) -> str:
    """Names in words: one, or some and the last."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _written(value: float | None, form: str) -> str:
    """A number in the form that ``format`` takes; nothing where there is none."""
    return "" if value is None else format(value, form)
