"""The page of a study: one self-contained file, drawn and written as a run's report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median
from typing import Any

from zoo.reports.drawing import figures
from zoo.reports.page_parts import page, paragraph, table
from zoo.settings.schema import RunConfig
from zoo.settings.toml_file import config_text
from zoo.tuning.search_range import plain_range
from zoo.tuning.study_pictures import by_window, history, importance, parallel_coordinates
from zoo.tuning.study_plan import StudyPlan
from zoo.tuning.trial_record import COMPLETE, FAILED, PRUNED, TrialRecord, best_of, complete_ones

TRIAL_HEADS = ("trial", "architecture", "error", "spread", "epochs", "seconds", "parameters")
_MOST_ROWS = 200  # of a table


def study_page(
    name: str,
    plan: StudyPlan,
    trials: Sequence[TrialRecord],
    best: RunConfig,
    importances: Mapping[str, Mapping[str, float]],
) -> str:
    """The page as text; ``importances`` are those of each architecture, and of all under an empty name."""
    complete = complete_ones(trials)
    winner = best_of(trials, name)
    measure = str(winner.result["measure"])
    title = f"Study {name}"
    sections = [
        ("History", figures([(history(trials, measure), f"Cross-validated {measure} by trial.")], wide=True)),
        ("Importance", _importances(importances)),
        ("Parallel coordinates", _coordinates(plan, complete, measure)),
        ("Error by window length", _windows(plan, complete, measure)),
        ("Best configuration", f"<pre>{escape(config_text(best))}</pre>"),
        ("Trials", _trials(trials)),
        ("Search", table(("", "range"), _ranges(plan), texts=(0, 1))),
        ("Summary", table(("", ""), _facts(plan, trials), texts=(0, 1))),
    ]
    verdict = (
        f"Trial {winner.number}, {winner.architecture}, is the best of {len(complete)} complete ones:"
        f" {named(measure)} of {winner.error:.4g}, with a spread of {winner.spread:.2g} over {plan.study.folds} folds."
    )
    unit = "in original units" if measure == "MAE" else "as the folds' test rows measure it"
    remark = (
        f"The {measure}, {unit}, is the mean over the folds, all of which lie before the run's test rows: no trial has"
        " seen these."
    )
    body = [f"<h1>{escape(title)}</h1>", paragraph(verdict, "verdict"), paragraph(remark, "note")]
    body += [f"<h2>{head}</h2>\n{content}" for head, content in sections if content]
    return page(title, "\n".join(body))


def named(measure: str) -> str:
    """A measure with its article."""
    return f"{'an' if measure == 'MAE' else 'a'} {measure}"


def trial_rows(trials: Sequence[TrialRecord]) -> list[tuple[str, ...]]:
    """Complete trials as texts under ``TRIAL_HEADS``, the best first."""
    rows: list[tuple[str, ...]] = []
    for trial in sorted(complete_ones(trials), key=lambda trial: (trial.error, trial.number)):
        result = trial.result
        rows.append(
            (
                str(trial.number),
                trial.architecture,
                f"{trial.error:.4g}",
                f"{trial.spread:.2g}",
                str(result["epochs"]),
                f"{result['seconds']:.1f}",
                parameters_text(trial),
            )
        )
    return rows


def parameters_text(trial: TrialRecord) -> str:
    """A trial's parameters in a line."""
    return ", ".join(
        f"{name.removeprefix(trial.architecture + '.')}={value:.4g}"
        if isinstance(value, float)
        else f"{name.removeprefix(trial.architecture + '.')}={value}"
        for name, value in trial.parameters.items()
    )


def _importances(importances: Mapping[str, Mapping[str, float]]) -> str:
    known = {name: shares for name, shares in importances.items() if shares}
    if not known:
        return paragraph("Too few complete trials to tell which parameters matter.", "note")
    captions = {
        name: f"{name or 'All architectures'}: share of the errors' variance that each parameter explains (fANOVA)."
        for name in known
    }
    return figures([(importance(shares), captions[name]) for name, shares in known.items()])


def _coordinates(plan: StudyPlan, complete: Sequence[TrialRecord], measure: str) -> str:
    pictures = []
    for name in plan.configs:
        own = [trial for trial in complete if trial.architecture == name]
        ranges = plan.space.parameters(name)
        if own and ranges:
            caption = f"{name}: a line for each complete trial, from its parameters to its {measure}; dark is best."
            pictures.append((parallel_coordinates(own, ranges, measure), caption))
    return figures(pictures, wide=True)


def _windows(plan: StudyPlan, complete: Sequence[TrialRecord], measure: str) -> str:
    lengths = [_window(plan, trial) for trial in complete]
    if len(set(lengths)) < 2:
        return ""
    errors = [float(trial.error or 0.0) for trial in complete]
    rows = []
    for length in sorted(set(lengths)):
        own = [error for one, error in zip(lengths, errors, strict=True) if one == length]
        rows.append((str(length), str(len(own)), f"{min(own):.4g}", f"{median(own):.4g}"))
    picture = figures([(by_window(lengths, errors, measure), f"{measure} of complete trials by window length.")])
    told = table(("window, rows", "trials", f"least {measure}", f"median {measure}"), rows, texts=())
    return f'<div class="beside">{picture}{told}</div>'


def _window(plan: StudyPlan, trial: TrialRecord) -> int:
    key = plan.space.parameter(trial.architecture, "window")
    return int(trial.parameters.get(key, plan.configs[trial.architecture].data.window))


def _trials(trials: Sequence[TrialRecord]) -> str:
    rows = trial_rows(trials)
    parts = [table(TRIAL_HEADS, rows[:_MOST_ROWS], texts=(1, 6), strong=(0,))]
    others = [trial for trial in trials if trial.state in (PRUNED, FAILED)]
    if others:
        told = [
            (str(trial.number), trial.architecture, trial.state, trial.reason or "", parameters_text(trial))
            for trial in others[:_MOST_ROWS]
        ]
        parts.append("<h3>Without an error</h3>")
        parts.append(table(("trial", "architecture", "ended", "why", "parameters"), told, texts=(1, 2, 3, 4)))
    if (left := max(0, len(rows) - _MOST_ROWS) + max(0, len(others) - _MOST_ROWS)) > 0:
        parts.append(paragraph(f"{left} more trials are in the study's database.", "note"))
    return "\n".join(parts)


def _ranges(plan: StudyPlan) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for name in plan.configs:
        for key, search in plan.space.parameters(name).items():
            told = plain_range(search)
            if isinstance(told, dict):
                marks = [f"step {told['step']}"] if "step" in told else ["logarithmic"] if "log" in told else []
                found[key] = ", ".join([f"{told['low']:.6g} to {told['high']:.6g}", *marks])
            else:
                found[key] = ", ".join(map(str, told))
    return list(found.items())


def _facts(plan: StudyPlan, trials: Sequence[TrialRecord]) -> list[tuple[str, str]]:
    data, how = plan.base.data, plan.study
    counts = {state: sum(trial.state == state for trial in trials) for state in (COMPLETE, PRUNED, FAILED)}
    seconds = sum(trial.result["seconds"] for trial in complete_ones(trials))
    facts: list[tuple[str, Any]] = [
        ("architectures", ", ".join(plan.configs)),
        ("task", str(data.task)),
        ("data", data.source),
        ("fingerprint", plan.fingerprint),
        ("targets", ", ".join(data.target) or "all features"),
        ("horizon", data.horizon),
        ("trials", ", ".join(f"{count} {state}" for state, count in counts.items())),
        ("seconds of complete trials", f"{seconds:,.0f}"),
        ("sampler", f"{how.sampler}, seed {plan.seed}"),
        ("pruner", how.pruner),
        ("folds", f"{how.folds}, {how.fold_kind}"),
    ]
    return [(name, str(value)) for name, value in facts]
