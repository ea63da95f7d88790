"""The page of a study: one self-contained file, drawn and written as a run's report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from zoo.reports.pages import render
from zoo.settings.schema import RunConfig
from zoo.settings.toml_file import config_text
from zoo.texts import some
from zoo.tuning.search_range import plain_range
from zoo.tuning.study_pictures import by_window, history, importance, parallel_coordinates
from zoo.tuning.study_plan import StudyPlan
from zoo.tuning.trial_record import COMPLETE, FAILED, PRUNED, TrialRecord, best_of, complete_ones

TRIAL_HEADS = ("trial", "architecture", "error", "spread", "epochs", "seconds", "parameters")


def study_page(
    name: str,
    plan: StudyPlan,
    trials: Sequence[TrialRecord],
    best: RunConfig,
    importances: Mapping[str, Mapping[str, float]],
) -> str:
    """The page as text; ``importances`` are those of each architecture, and of all under an empty name."""
    complete = complete_ones(trials)
    best_trial = best_of(trials, name)
    measure = str(best_trial.result["measure"])
    windows = _by_window(plan, complete)
    return render(
        "study.html",
        title=f"Study {name}",
        best=best_trial,
        measure=measure,
        named=named,
        folds=plan.study.folds,
        history=history(trials, measure),
        importances=[
            (
                importance(shares),
                f"{architecture or 'All architectures'}: share of the errors' variance that each parameter explains"
                " (fANOVA).",
            )
            for architecture, shares in importances.items()
            if shares
        ],
        coordinates=_coordinates(plan, complete, measure),
        windows=windows,
        by_window=by_window(windows, measure) if windows else None,
        median=median,
        config=config_text(best),
        trial_heads=TRIAL_HEADS,
        complete=trial_rows(trials),
        others=[trial for trial in trials if trial.state in (PRUNED, FAILED)],
        parameters_text=parameters_text,
        ranges=_ranges(plan),
        facts=_facts(plan, trials),
    )


def named(measure: str) -> str:
    """A measure with its article."""
    return f"{'an' if measure == 'MAE' else 'a'} {measure}"


def trial_rows(trials: Sequence[TrialRecord]) -> list[tuple[str, ...]]:
    """Complete trials as texts under ``TRIAL_HEADS``, the best first."""
    rows: list[tuple[str, ...]] = []
    for trial in sorted(complete_ones(trials), key=lambda trial: (trial.error, trial.number)):
        errors = f"{trial.error:.4g}", f"{trial.spread:.2g}"
        cost = str(trial.result["epochs"]), f"{trial.result['seconds']:.1f}"
        rows.append((str(trial.number), trial.architecture, *errors, *cost, parameters_text(trial)))
    return rows


def parameters_text(trial: TrialRecord) -> str:
    """A trial's parameters in a line."""
    return ", ".join(
        f"{name.removeprefix(trial.architecture + '.')}={f'{value:.4g}' if isinstance(value, float) else value}"
        for name, value in trial.parameters.items()
    )


def _coordinates(plan: StudyPlan, complete: Sequence[TrialRecord], measure: str) -> list[tuple[str, str]]:
    pictures = []
    for name in plan.configs:
        own = [trial for trial in complete if trial.architecture == name]
        ranges = plan.space.parameters(name)
        if own and ranges:
            caption = f"{name}: a line for each complete trial, from its parameters to its {measure}; dark is best."
            pictures.append((parallel_coordinates(own, ranges, measure), caption))
    return pictures


def _by_window(plan: StudyPlan, complete: Sequence[TrialRecord]) -> dict[int, list[float]]:
    """The errors of complete trials by the length of their windows; empty where that is the same in all."""
    found: dict[int, list[float]] = {}
    for trial in complete:
        key = plan.space.parameter(trial.architecture, "window")
        length = int(trial.parameters.get(key, plan.configs[trial.architecture].data.window))
        found.setdefault(length, []).append(float(trial.error or 0.0))
    return dict(sorted(found.items())) if len(found) > 1 else {}


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
    return [
        ("architectures", ", ".join(plan.configs)),
        ("task", str(data.task)),
        ("data", data.source),
        ("fingerprint", plan.fingerprint),
        ("targets", some(data.target) or "all features"),
        ("horizon", str(data.horizon)),
        ("trials", ", ".join(f"{count} {state}" for state, count in counts.items())),
        ("seconds of complete trials", f"{seconds:,.0f}"),
        ("sampler", f"{how.sampler}, seed {plan.seed}"),
        ("pruner", how.pruner),
        ("folds", f"{how.folds}, {how.fold_kind}"),
    ]
