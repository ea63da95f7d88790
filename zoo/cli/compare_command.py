"""``zoo compare``: rank runs of the same data beside the baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.output import RUNS, Json, Runs, check_apart, note, print_json, print_table, say
from zoo_registry.errors import ConfigError, RunError

if TYPE_CHECKING:
    from zoo.evaluation.comparison import Measured
    from zoo.runs.record import RunRecord


def compare(
    names: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Runs: id, the beginning of it, folder, or latest.")
    ],
    runs: Runs = RUNS,
    html: Annotated[
        Path | None, typer.Option(help="Write the table as a web page too, to this file [default: no page].")
    ] = None,
    as_json: Json = False,
) -> None:
    """Rank runs on the same test rows, the baselines among them.

    Forecasts and regressions rank by scaled MAE, those of several series by mean MASE, classes by log loss, anomalies
    by average precision. Runs on other data, test rows, targets, tasks or horizons are refused, and those that were
    trained on all rows.

    Examples:
        zoo compare 20250101-101500-basic 20250101-103000-stacked --html ranking.html
    """
    from zoo.atomic import behind_links, write_text
    from zoo.evaluation.comparison import cells, heads, ranked_by, scaled_as
    from zoo.evaluation.comparison import compare as rank
    from zoo.reports.comparison_page import comparison_page
    from zoo.runs.record import find_run, read_record

    if html is not None and (html.is_dir() or not html.parent.is_dir()):
        raise ConfigError(f"--html: expected a file in a folder that is there, found {html}; name another")
    folders = {folder.resolve(): folder for folder in (find_run(name, runs) for name in names)}
    check_apart(html, "--html", *folders)
    records = [read_record(folder) for folder in folders.values()]
    measured = [_measured(record, folder) for record, folder in zip(records, folders.values(), strict=True)]
    ids = [run.name for run in measured]
    if len(set(ids)) < len(ids):  # of several folders of runs
        measured = [_measured(record, folder, whole=True) for record, folder in zip(records, folders, strict=True)]
    rows = rank(measured)
    remark = scaled_as(measured)
    if remark:
        note(remark)
    if html is not None:
        write_text(behind_links(html), comparison_page(rows, measured))
    if as_json:
        print_json([row.plain() for row in rows])
        return
    ranking = ranked_by(measured)
    print_table(heads(rows, ranking), [cells(row, ranking) for row in rows], whole_in="--json")
    if html is not None:
        say(f"page: {html}")


def _measured(record: RunRecord, folder: Path, *, whole: bool = False) -> Measured:
    """What is compared of a run; ``same`` is in the order in which it is told."""
    from zoo.evaluation.comparison import DATA, Measured
    from zoo.provenance import why_untested
    from zoo.tasks import find_task

    config, data, training, evaluation = record.config, record.data, record.training, record.evaluation
    if evaluation is None:
        raise RunError(f"run {record.id} was {why_untested(record.retrained_from)}; leave it out")
    task = find_task(config.task)
    test = data.split["test"]
    number = f", {test.rows} in all" if isinstance(test.rows, int) else ""  # of several series
    return Measured(
        name=str(folder) if whole else record.id,
        source=data.source,
        architecture=config.architecture,
        parameters=training.parameters,
        epochs=training.epochs,
        seconds=training.seconds,
        same={
            DATA: data.fingerprint,
            "targets": list(record.problem.targets),
            "task": record.problem.task,
            **task.same(config, evaluation),
            "horizon": record.problem.horizon,
            "gap": record.problem.gap,
            "test rows": f"{test.first} to {test.last}{number}",
            "test windows": evaluation["windows"],
            "stride": config.data.stride,
        },
        evaluation=evaluation,
        measures=task.measures_of(evaluation),
    )
