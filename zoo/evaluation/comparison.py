"""Rank runs that were measured on the same test rows, the baselines among them; needs no array library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zoo.evaluation.headline import Measures, against, told
from zoo.texts import some
from zoo_registry.errors import RunError

_LONGEST = 160  # characters of two values in a sentence
BASELINE = "(baseline)"
DATA = "data"  # what has to be equal first of all: the fingerprint


@dataclass(frozen=True)
class Measured:
    """What a comparison needs of a run, as plain data; ``same`` says, by name, what has to be equal in all runs.

    ``evaluation`` is as the run's record has it, and ``measures`` are those of its task.
    """

    name: str
    source: str
    architecture: str
    parameters: int
    epochs: int
    seconds: float
    same: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    measures: Measures


@dataclass(frozen=True)
class Row:
    """A place in the ranking, of a run, or of a baseline, which has no architecture and was not trained."""

    rank: int
    name: str
    baseline: bool
    measures: Mapping[str, Any]
    architecture: str | None = None
    parameters: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    best_baseline: str | None = None
    verdict: str | None = None

    def plain(self) -> dict[str, Any]:
        """Everything as plain data, the measures beside the rest."""
        rest = {name: value for name, value in vars(self).items() if name != "measures"}
        return rest | dict(self.measures)


def compare(runs: Sequence[Measured]) -> list[Row]:
    """Rank runs of one task and baselines by the measure that decides, the best first.

    All errors are scaled as those of the first run are, as another scaler or other train rows give other units. A
    baseline that differs between runs, as ridge regression does with the window, stands there once for each result.
    Raises RunError where runs were not measured on the same, and says which and what, and where nothing was measured
    that could decide.
    """
    ranking = ranked_by(runs)
    _check(runs, ranking)
    naive = next((run.evaluation["naive"] for run in runs if "naive" in run.evaluation), None)
    scale = {"unit": runs[0].evaluation.get("unit"), "naive": naive}
    rows: list[Row] = []
    found: dict[str, list[tuple[list[str], Row]]] = {}
    for run in runs:
        baselines = {
            name: Row(0, name, True, ranking.of(measured, scale))
            for name, measured in run.evaluation["baselines"].items()
        }
        rows.append(_run_row(run, ranking, scale))
        for name, row in baselines.items():
            known = found.setdefault(name, [])
            for names, other in known:
                if _equal(row, other, ranking):
                    names.append(run.name)
                    break
            else:
                known.append(([run.name], row))
    for name, variants in found.items():
        for names, row in variants:
            rows.append(row if len(variants) == 1 else replace(row, name=f"{name} of {', '.join(names)}"))
    rows.sort(key=lambda row: (_cost(row, ranking), row.baseline))
    return [replace(row, rank=rank) for rank, row in enumerate(rows, start=1)]


def ranked_by(runs: Sequence[Measured]) -> Measures:
    """The measures that all these runs have."""
    first = runs[0].measures
    others = [run.measures for run in runs if run.measures is not first]
    if not others:
        return first
    return next((one.instead for one in (first, *others) if one.instead is not None), first)


def _check(runs: Sequence[Measured], ranking: Measures) -> None:
    for run in runs:
        if not run.measures.decides:
            raise RunError(
                f"run {run.name} has no labelled anomalies in its test rows, so nothing tells whether it is better than"
                " another; train with `label`, and with a `split` whose test part has some"
            )
        if run.measures.scaled and "unit" not in run.evaluation:
            raise RunError(f"run {run.name} does not say in which units its errors are scaled; train it again")
    first, *others = [
        replace(run, same={**run.same, **{name: run.evaluation.get(name) for name in ranking.same}}) for run in runs
    ]
    for other in others:
        names = dict.fromkeys([*first.same, *other.same])
        apart = [name for name in names if first.same.get(name) != other.same.get(name)]
        if apart:
            differing = ", ".join(_told(name, first, other) for name in apart)
            raise RunError(
                f"runs {first.name} and {other.name} cannot be ranked together, as they differ in {differing}; compare"
                " runs of the same data, test rows, targets and horizon"
            )


def _told(name: str, own: Measured, other: Measured) -> str:
    """What differs, with both values where they are short enough to say something."""
    if name == DATA:
        return f"{DATA} ({own.source} and {other.source if other.source != own.source else 'other columns or values'})"
    values = f"{shown(own.same.get(name))} and {shown(other.same.get(name))}"
    return f"{name} ({values})" if len(values) <= _LONGEST else name


def scaled_as(runs: Sequence[Measured]) -> str:
    """A sentence where the runs' own scaled errors are in other units than the table's, else nothing."""
    first, *others = runs
    names = [run.name for run in others if run.evaluation.get("unit") != first.evaluation.get("unit")]
    if not names:
        return ""
    return f"errors are scaled as in {first.name}; {', '.join(names)} scaled otherwise (scaler or train rows)"


def shown(value: Any) -> str:
    return some(list(map(str, value))) if isinstance(value, (list, tuple)) else str(value)


def _equal(own: Row, other: Row, ranking: Measures) -> bool:
    """Whether a baseline's results are the same but for rounding."""
    pairs = [(own.measures[name], other.measures[name]) for name in ranking.heads]
    return all(a == b or (a and b and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)) for a, b in pairs)


def _cost(row: Row, ranking: Measures) -> float:
    """The measure that decides, so that the least is the best; what is not known comes last."""
    if row.measures[ranking.by] is None:
        return math.inf
    value = float(row.measures[ranking.by])
    return -value if ranking.greatest else value


def _run_row(run: Measured, ranking: Measures, scale: Mapping[str, Any]) -> Row:
    row = Row(
        rank=0,
        name=run.name,
        baseline=False,
        measures=ranking.of(run.evaluation["network"], scale),
        architecture=run.architecture,
        parameters=run.parameters,
        epochs=run.epochs,
        seconds=run.seconds,
    )
    rivals = ranking.rivals(run.evaluation, scale)
    best = ranking.best(rivals)
    outcome = against(*rivals[best], greatest=ranking.greatest)
    return replace(row, best_baseline=best, verdict=told({best: outcome}))


def heads(rows: Sequence[Row], ranking: Measures) -> tuple[str, ...]:
    """The table's heads, which say so where MASE is a mean."""
    several = len(rows[0].measures.get("mase_by_target", ())) > 1
    titles = ("mean MASE" if head == "MASE" and several else head for head in ranking.heads.values())
    return ("rank", "run", "architecture", *titles, "parameters", "epochs", "seconds", "against its best baseline")


def cells(row: Row, ranking: Measures) -> tuple[str, ...]:
    """A row as texts."""
    values = {name: row.measures[name] for name in ranking.heads}
    return (
        str(row.rank),
        row.name,
        BASELINE if row.architecture is None else row.architecture,
        *("" if value is None else f"{value:{'.4g' if name == 'mase' else '.4f'}}" for name, value in values.items()),
        "" if row.parameters is None else f"{row.parameters:,}",
        "" if row.epochs is None else str(row.epochs),
        "" if row.seconds is None else f"{row.seconds:.1f}",
        row.verdict or "",
    )
