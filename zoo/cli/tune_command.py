"""``zoo tune``: search for the best configuration by cross-validation, on this host or on a cluster."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.atomic import check_folder
from zoo.cli.output import Json, catalogue, check_apart, note, print_json, print_table, say, tell_form
from zoo.cli.prediction_output import progress_bar
from zoo.cli.results import print_results, to_export
from zoo.cli.setting_options import (
    Hyperparameters,
    study_settings,
    take_workers,
    trial_settings,
    with_settings,
    worker_settings,
)
from zoo.quiet import import_tensorflow
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.tuning.search import Watcher
    from zoo.tuning.study import Study
    from zoo.tuning.study_file import StudyFile
    from zoo.tuning.trial_record import TrialRecord

_search = partial(typer.Option, rich_help_panel="Search")
_result = partial(typer.Option, rich_help_panel="Result")
BUDGET = ("source", "trials", "minutes")  # what a study may be gone on with
_SHOWN = 10  # trials in the table


@with_settings(trial_settings, study_settings, worker_settings)
def tune(
    ctx: typer.Context,
    architectures: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARCH...", help="Architectures, as zoo list gives them [default: that of --config]."),
    ] = None,
    hyperparameters: Hyperparameters = None,
    config: Annotated[
        Path | None,
        _search(help="A TOML file as for zoo train, with tables study and search; flags win [default: none]."),
    ] = None,
    search: Annotated[
        list[str] | None,
        _search(
            help="Search a setting or hyperparameter over these values: A,B,C, or LOW..HIGH, LOW..HIGH:log or"
            " LOW..HIGH:step=N; repeat it for more [default: what the architectures declare].",
            metavar="NAME=VALUES",
        ),
    ] = None,
    only: Annotated[
        str | None,
        _search(
            help="Beside --search, search only these, separated by commas [default: all that declare a range].",
            metavar="NAMES",
        ),
    ] = None,
    storage: Annotated[
        str | None,
        _result(
            help="A database that several hosts share, such as postgresql+psycopg://user@host/db [default: SQLite in"
            " the study's folder].",
            metavar="URL",
        ),
    ] = None,
    study: Annotated[
        str | None,
        _result(
            help="The study's name; an existing one with the same settings is continued [default: date and"
            " architectures].",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        _result(
            help="Continue a study: its name, the beginning of it, its folder, or latest; it keeps its settings"
            " [default: a new study].",
            metavar="STUDY",
        ),
    ] = None,
    studies: Annotated[Path, _result(help="Folder of all studies.")] = Path("studies"),
    retrain: Annotated[
        bool, _result("--retrain", help="Train the best on train and validation rows, as a run.")
    ] = False,
    runs: Annotated[Path, _result(help="Folder of all runs.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """Search hyperparameters and settings of one or several architectures; the test rows are never touched.

    Each trial is cross-validated on folds that respect time, all before the test rows; its score is the mean error on
    the folds' own test rows: in original units, or of several series the mean of their MASE. A setting that is given a
    value is not searched. Ctrl-C, a kill or a lost worker costs no finished trial.

    Examples:
        zoo tune basic --trials 20
        zoo tune basic stacked --data ETTh1.csv --target OT --search window=24,48,96 --only units,layers --jobs 2
        zoo tune --resume latest --trials 80 --retrain
        zoo tune gru --backend dask --address tcp://10.0.0.1:8786
    """
    check_folder(studies, "--studies")
    check_folder(runs, "--runs")
    workers = take_workers(ctx)
    known = catalogue()
    asked = _asked_resume(ctx) if resume is not None else _asked(ctx.params, ctx.obj, config)
    for name in asked.get("architectures", ()):
        known[name]  # an unknown name is told before anything slow is imported
    from zoo.tuning.study import BEST_FILE
    from zoo.tuning.tune import tune as run_study

    if study is not None:
        check_apart(studies / study / BEST_FILE, "--study", config)
    with progress_bar() as show:
        found = run_study(
            **asked,
            study=study,
            resume=resume,
            storage=storage,
            studies=studies,
            **workers,
            watcher=_watcher(show),
        )
    if retrain:
        import_tensorflow()
        found.retrain(runs, progress=True)
    if as_json:
        print_json(found.plain())
        return
    _print(found)


def _asked(own: dict[str, Any], given: dict[str, Any], config: Path | None) -> dict[str, Any]:
    """What is asked for by file and flags, as the arguments of ``zoo.tune``."""
    from zoo.settings.parse import parse_settings
    from zoo.settings.schema import DEFAULT_SOURCE
    from zoo.settings.setting import laid_over
    from zoo.tuning.search_range import parse_search

    file = _file(config)
    settings = laid_over(file.run.settings | file.study, given)
    source = settings.pop("source", None)
    if source is None:
        note(f"no --data: searching on {DEFAULT_SOURCE}, weekly CO2 at Mauna Loa")
    else:
        tell_form(source, settings)
    pairs = [parse_search(item) for item in own["search"] or []]
    asked = dict(pairs)
    if len(asked) < len(pairs):
        raise ConfigError("`search`: a name is given more than once; give it once")
    for name in asked:
        settings.pop(name, None)  # a file's value, which the flag beats
    only = [part.strip() for part in (own["only"] or "").split(",") if part.strip()]
    return {
        "architectures": own["architectures"] or list(file.architectures),
        "data": source,
        "hyperparameters": file.run.hyperparameters | parse_settings(own["hyperparameters"] or [], "`hyperparameters`"),
        "search": file.search | asked,
        "only": only or list(file.only),
        **settings,
    }


def _file(config: Path | None) -> StudyFile:
    from zoo.tuning.study_file import StudyFile, read_study

    return StudyFile() if config is None else read_study(config)


def _asked_resume(ctx: typer.Context) -> dict[str, Any]:
    """Where the table is, and the budget; raises ConfigError for settings beside --resume."""
    own = ("architectures", "hyperparameters", "config", "search", "only", "study")
    kept = {"data" if name == "source" else name: ctx.obj.pop(name) for name in BUDGET if name in ctx.obj}
    if given := [f"`{name}`" for name in (*ctx.obj, *own) if name in ctx.obj or ctx.params.get(name)]:
        raise ConfigError(f"`resume` goes on with the study's own settings; leave {', '.join(given)} out")
    return kept


def _watcher(show: Any) -> Watcher:
    """Tell each trial that ends on standard error, and what runs in a bar."""
    from zoo.tuning.search import Watcher
    from zoo.tuning.study_page import parameters_text
    from zoo.tuning.trial_record import FAILED

    def on_trial(trial: TrialRecord) -> None:
        told = f"{trial.state}{': ' if trial.state == FAILED else ' '}{trial.reason}"
        if trial.error is not None:
            told = f"{trial.error:.4g} ± {trial.spread:.2g}"
        note(f"trial {trial.number} {trial.architecture}: {told} ({parameters_text(trial)})")

    def on_progress(running: dict[int, str], done: int, total: int | None) -> None:
        at = "; ".join(f"{number}: {where}" for number, where in running.items())
        show(f"trials ({at})" if at else "trials", done, total)

    return Watcher(on_trial, on_progress)


def _print(study: Study) -> None:
    from zoo.tuning.study import BEST_FILE, PAGE_FILE
    from zoo.tuning.study_page import TRIAL_HEADS, trial_rows

    found, best = study.plain(), study.best
    rows = trial_rows(study.trials)
    print_table(TRIAL_HEADS, rows[:_SHOWN])
    say()
    left = f", {_SHOWN} of them above" if len(rows) > _SHOWN else ""
    say(f"trials: {len(rows)} complete{left}, {found['pruned']} pruned, {found['failed']} failed")
    if study.run is not None:
        say()
        print_results(study.run.record, "run.json")
        say(f"run: {study.run.folder}")
    say(f"report: {study.folder / PAGE_FILE}")
    say(f"best: {study.folder / BEST_FILE}")
    train = f"zoo train --config {shlex.quote(str(study.folder / BEST_FILE))} --export"
    say(f"next: {train if study.run is None else to_export(study.run)}")
    say(
        f"The best is trial {best.number}, {best.architecture}: a cross-validated {found['measure']} of"
        f" {best.error:.4g}, with a spread of {best.spread:.2g} over the folds."
    )
