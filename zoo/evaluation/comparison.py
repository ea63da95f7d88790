"""Rank runs that were measured on the same test rows, the baselines among them; needs no array library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zoo.evaluation.pages import page, paragraph, table
from zoo_registry.errors import RunError

HEADS = (
    "rank",
    "run",
    "architecture",
    "scaled MAE",
    "scaled MSE",
    "MASE",
    "parameters",
    "epochs",
    "seconds",
    "against its best baseline",
)
_TEXTS = (1, 2, 9)
_LONGEST = 160  # characters of two values in a sentence
BASELINE = "(baseline)"
DATA = "data"  # what has to be equal first of all: the fingerprint


@dataclass(frozen=True)
class Measured:
    """What a comparison needs of a run, as plain data; ``same`` says, by name, what has to be equal in all runs.

    ``evaluation`` is as :func:`zoo.evaluation.evaluation.evaluate` returns it.
    """

    name: str
    source: str
    architecture: str
    parameters: int
    epochs: int
    seconds: float
    same: Mapping[str, Any]
    evaluation: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A place in the ranking, of a run, or of a baseline, which has no architecture and was not trained."""

    rank: int
    name: str
    baseline: bool
    scaled_mae: float
    scaled_mse: float
    mase: float
    mase_by_target: dict[str, float]
    architecture: str | None = None
    parameters: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    best_baseline: str | None = None
    verdict: str | None = None


def against(own: float, other: float) -> tuple[bool, str]:
    """Whether an error is less than another one, and how far they are apart, in words that may follow its name."""
    if own < other:
        return True, f"by {1 - own / other:.1%}"
    if other == 0:
        return False, "(which makes no error)"
    return False, f"by {own / other - 1:.1%}" if own < 2 * other else f"({own / other:.1f} times its error)"


def compare(runs: Sequence[Measured]) -> list[Row]:
    """Rank runs and baselines by scaled MAE, the least first.

    All errors are scaled as those of the first run are, as another scaler or other train rows give other units. A
    baseline that differs between runs, as ridge regression does with the window, stands there once for each result.
    Raises RunError where runs were not measured on the same, and says which and what.
    """
    _check(runs)
    unit = runs[0].evaluation["unit"]
    rows: list[Row] = []
    found: dict[str, list[tuple[list[str], Row]]] = {}
    for run in runs:
        baselines = {name: _row(name, measured, unit) for name, measured in run.evaluation["baselines"].items()}
        rows.append(_run_row(run, baselines.values(), unit))
        for name, row in baselines.items():
            known = found.setdefault(name, [])
            for names, other in known:
                if _equal(row, other):
                    names.append(run.name)
                    break
            else:
                known.append(([run.name], row))
    for name, variants in found.items():
        for names, row in variants:
            rows.append(row if len(variants) == 1 else replace(row, name=f"{name} of {', '.join(names)}"))
    rows.sort(key=lambda row: (row.scaled_mae, row.baseline))
    return [replace(row, rank=rank) for rank, row in enumerate(rows, start=1)]


def _check(runs: Sequence[Measured]) -> None:
    for run in runs:
        if "unit" not in run.evaluation:
            raise RunError(f"run {run.name} does not say in which units its errors are scaled; train it again")
    first, *others = runs
    for other in others:
        names = dict.fromkeys([*first.same, *other.same])
        apart = [name for name in names if first.same.get(name) != other.same.get(name)]
        if apart:
            told = ", ".join(_told(name, first, other) for name in apart)
            raise RunError(
                f"runs {first.name} and {other.name} cannot be ranked together, as they differ in {told}; compare runs"
                " of the same data, test rows, targets and horizon"
            )


def _told(name: str, own: Measured, other: Measured) -> str:
    """What differs, with both values where they are short enough to say something."""
    if name == DATA:
        return f"{DATA} ({own.source} and {other.source if other.source != own.source else 'other columns or values'})"
    values = f"{_shown(own.same.get(name))} and {_shown(other.same.get(name))}"
    return f"{name} ({values})" if len(values) <= _LONGEST else name


def scaled_as(runs: Sequence[Measured]) -> str:
    """A sentence where the runs' own scaled errors are in other units than the table's, else nothing."""
    first, *others = runs
    names = [run.name for run in others if run.evaluation["unit"] != first.evaluation["unit"]]
    if not names:
        return ""
    return f"errors are scaled as in {first.name}; {', '.join(names)} scaled otherwise (scaler or train rows)"


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _equal(own: Row, other: Row) -> bool:
    """Whether a baseline's results are the same but for rounding."""
    return all(
        math.isclose(getattr(own, error), getattr(other, error), rel_tol=1e-9, abs_tol=1e-12)
        for error in ("scaled_mae", "scaled_mse")
    )


def _row(name: str, measured: Mapping[str, Any], unit: Mapping[str, float]) -> Row:
    """A forecast's errors, as the row of a baseline."""
    targets = measured["targets"]
    mase = {target: float(errors["mase"]) for target, errors in targets.items()}
    return Row(
        rank=0,
        name=name,
        baseline=True,
        scaled_mae=sum(errors["mae"] / unit[target] for target, errors in targets.items()) / len(targets),
        scaled_mse=sum((errors["rmse"] / unit[target]) ** 2 for target, errors in targets.items()) / len(targets),
        mase=sum(mase.values()) / len(mase),
        mase_by_target=mase,
    )


def _run_row(run: Measured, baselines: Iterable[Row], unit: Mapping[str, float]) -> Row:
    row, best = _row(run.name, run.evaluation["network"], unit), min(baselines, key=lambda row: row.scaled_mae)
    beats, how = against(row.scaled_mae, best.scaled_mae)
    return replace(
        row,
        baseline=False,
        architecture=run.architecture,
        parameters=run.parameters,
        epochs=run.epochs,
        seconds=run.seconds,
        best_baseline=best.name,
        verdict=f"{'beats' if beats else 'loses to'} {best.name} {how}",
    )


def heads(rows: Sequence[Row]) -> tuple[str, ...]:
    """The table's heads, which say so where MASE is a mean."""
    return tuple("mean MASE" if head == "MASE" and len(rows[0].mase_by_target) > 1 else head for head in HEADS)


def cells(row: Row) -> tuple[str, ...]:
    """A row as texts."""
    return (
        str(row.rank),
        row.name,
        BASELINE if row.architecture is None else row.architecture,
        f"{row.scaled_mae:.4f}",
        f"{row.scaled_mse:.4f}",
        f"{row.mase:.4g}",
        "" if row.parameters is None else f"{row.parameters:,}",
        "" if row.epochs is None else str(row.epochs),
        "" if row.seconds is None else f"{row.seconds:.1f}",
        row.verdict or "",
    )


def comparison_page(rows: Sequence[Row], runs: Sequence[Measured]) -> str:
    """One self-contained page with the table of these runs, and what they have in common."""
    common = "; ".join(f"{name}: {_shown(value)}" for name, value in runs[0].same.items())
    strong = [index for index, row in enumerate(rows) if not row.baseline]
    title = "Runs and baselines, ranked"
    body = [
        f"<h1>{title}</h1>",
        paragraph(f"{runs[0].source}, measured on the untouched test split; the least scaled MAE comes first."),
        table(heads(rows), [cells(row) for row in rows], texts=_TEXTS, strong=strong),
        paragraph(f"The same in all runs: {common}.", "note"),
    ]
    if remark := scaled_as(runs):
        body.append(paragraph(f"{remark[0].upper()}{remark[1:]}.", "note"))
    return page(title, "\n".join(body))
