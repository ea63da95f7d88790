"""The page of a comparison: the table of its runs and baselines, and what they have in common."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.evaluation.comparison import Measured, Row, cells, heads, scaled_as, shown
from zoo.reports.page_parts import page, paragraph, table


def comparison_page(rows: Sequence[Row], runs: Sequence[Measured]) -> str:
    """One self-contained page with the table of these runs, and what they have in common."""
    common = "; ".join(f"{name}: {shown(value)}" for name, value in runs[0].same.items())
    strong = [index for index, row in enumerate(rows) if not row.baseline]
    ranking = runs[0].measures
    titles = heads(rows, ranking)
    order = f"the {'greatest' if ranking.greatest else 'least'} {ranking.name} comes first"
    title = "Runs and baselines, ranked"
    body = [
        f"<h1>{title}</h1>",
        paragraph(f"{runs[0].source}, measured on the untouched test split; {order}."),
        table(titles, [cells(row, ranking) for row in rows], texts=(1, 2, len(titles) - 1), strong=strong),
        paragraph(f"The same in all runs: {common}.", "note"),
    ]
    if remark := scaled_as(runs):
        body.append(paragraph(f"{remark[0].upper()}{remark[1:]}.", "note"))
    return page(title, "\n".join(body))
