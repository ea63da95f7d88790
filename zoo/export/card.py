"""The model card: what a bundle is, how good it is, and how to call it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zoo.bundle.manifest import Manifest
from zoo.evaluation.headline import ANOMALY_MEASURES, CLASS_MEASURES, everybody
from zoo.outputs import QUANTILES
from zoo.texts import printable


def model_card(manifest: Manifest, summary: str, row: Sequence[str]) -> str:
    """Render the card; ``row`` is each row of the clients' sample window, as numbers are written."""
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
    heads, rows = _table(manifest.metrics)
    return environment.get_template("card.md.jinja").render(
        manifest=manifest,
        summary=summary,
        outputs=[tensor.name for tensor in manifest.problem.outputs if tensor.name != QUANTILES],
        heads=heads,
        rows=rows,
        row=row,
    )


def _table(metrics: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """What was measured: the table's heads, and a row for the network and for each baseline."""
    network = metrics["network"]
    if targets := network.get("targets"):
        heads = ["forecast", *(f"{error} {target}" for target in targets for error in ("MAE", "RMSE"))]
        values = {
            name: [measured["targets"][target][error] for target in targets for error in ("mae", "rmse")]
            for name, measured in everybody(metrics).items()
        }
    else:
        classes = "log_loss" in network
        measures = CLASS_MEASURES if classes else {**ANOMALY_MEASURES, "flagged": "rows flagged"}
        known = [measure for measure in measures if measure in network]  # without labels it is flagged rows alone
        heads = ["told by" if classes else "scores of", *(measures[measure] for measure in known)]
        values = {name: [measured[key] for key in known] for name, measured in everybody(metrics).items()}
    rows = [[name, *("" if value is None else f"{value:.4g}" for value in own)] for name, own in values.items()]
    return heads, rows


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
