"""The page of a comparison: the table of its runs and baselines, and what they have in common."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.evaluation.comparison import Measured, Row, cells, heads, ranked_by, scaled_as, shown
from zoo.reports.pages import render


def comparison_page(rows: Sequence[Row], runs: Sequence[Measured]) -> str:
    """One self-contained page with the table of these runs, and what they have in common."""
    ranking = ranked_by(runs)
    return render(
        "comparison.html",
        title="Runs and baselines, ranked",
        source=runs[0].source,
        ranking=ranking,
        heads=heads(rows, ranking),
        rows=rows,
        cells=cells,
        same=runs[0].same,
        shown=shown,
        remark=scaled_as(runs),
    )
