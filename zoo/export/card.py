"""The model card: what a bundle is, how good it is, and how to call it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zoo.bundle.golden import kinds_of
from zoo.bundle.manifest import Manifest
from zoo.provenance import why_untested
from zoo.tasks import find_task
from zoo.texts import printable

_MOST_NAMES = 100  # in a list
_MOST_COLUMNS = 20  # of a row that stands in a client


def model_card(
    manifest: Manifest, summary: str, row: Sequence[str], *, whole: bool = True, unknown_series: str | None = None
) -> str:
    """Render the card; ``row`` is each row of the clients' sample window, as numbers are written.

    ``whole`` says that golden.npz holds that window, not only what it is made of. ``unknown_series`` says, where each
    series has scalers of its own, what becomes of others, as :class:`SeriesScaling` has it.
    """
    environment = Environment(
        loader=PackageLoader("zoo.export"),
        autoescape=True,  # which marks what is escaped already, by _text
        finalize=_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = _code
    problem = manifest.problem
    task, kinds = find_task(problem.task), kinds_of(problem)
    wanted = {kind: name for name, kind in reversed(kinds.items())}  # the first output of each kind
    metrics = manifest.metrics
    meanings = task.meanings(problem, metrics or {}, manifest.threshold, _listed)
    return environment.get_template("card.md.jinja").render(
        manifest=manifest,
        summary=summary,
        in_units=task.in_units,
        meanings={name: Markup(meaning) for name, meaning in meanings.items()},
        listed=_listed,
        outputs=[name for name in kinds if name in wanted.values()],
        table=None if metrics is None else task.card_table(metrics, problem.targets),
        untested=why_untested(manifest.retrained_from),
        row=row,
        whole=whole,
        unknown_series=unknown_series,
        many=len(row) > _MOST_COLUMNS,
    )


def _listed(names: Sequence[str]) -> Markup:
    more = f" and {len(names) - _MOST_NAMES:,} more, as manifest.json has them" if len(names) > _MOST_NAMES else ""
    return Markup(", ").join(map(_code, names[:_MOST_NAMES])) + more


def _text(text: object) -> Markup:
    """A text that Markdown shows as it is, on one line: no HTML, no link and no end of a table's cell stands in it."""
    if isinstance(text, Markup):
        return text
    return Markup(re.sub(r"[\\`*\[\]<>&|]", r"\\\g<0>", printable(" ".join(str(text).split()))))


def _code(text: str) -> Markup:
    """A name as code, fenced by more backticks than it has in a row."""
    name = printable(" ".join(text.split()))
    longest = max(map(len, re.findall("`+", name)), default=0)
    fence, space = "`" * (longest + 1), " " if name[:1] == "`" or name[-1:] == "`" else ""
    return Markup(f"{fence}{space}{name}{space}{fence}")
