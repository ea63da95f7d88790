"""``zoo predict`` of a folder: how its files get on, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cli.flags import in_flags
from zoo.cli.output import note, print_json, print_table, say
from zoo.cli.prediction_output import SUFFIXES, progress_bar

if TYPE_CHECKING:
    from zoo.inference.outcome import FileOutcome, Scored

_SHOWN = 3  # names in a line


def is_scored(data: str, output: Path | None) -> bool:
    """Whether each file of a folder is answered to by itself: where the results go to a folder too.

    Without one, or with a file for them, the folder is one table, in which each file is a series.
    """
    if output is None or data.startswith("example:") or not Path(data).is_dir():
        return False
    return output.is_dir() or output.suffix.lower() not in SUFFIXES


def predict_folder(bundle: Path, data: str, output: Path, settings: Mapping[str, Any], *, as_json: bool) -> None:
    """Score a folder with settings of :func:`zoo.score`; raises ScoringError at the end where a file failed."""
    from zoo.inference.folders import score

    with progress_bar() as show:
        show("looking", 0, None)

        def on_file(outcome: FileOutcome) -> None:
            if outcome.state == "failed":
                note(f"failed: {outcome.file}: {outcome.reason}")

        def on_progress(running: Mapping[str, float], ended: int, total: int) -> None:
            at = "; ".join(f"{name} {share:.0%}" for name, share in list(running.items())[:_SHOWN])
            show(f"files ({at})" if at else "files", ended, total)

        scored = score(bundle, data, output, on_file=on_file, on_progress=on_progress, **settings)
    if as_json:
        print_json(scored.plain())
    else:
        _print(scored)
    scored.raise_for_failed()


def _print(scored: Scored) -> None:
    """Name each file that failed, and count the others."""
    if scored.failed:
        print_table(("failed", "reason"), [(outcome.file, in_flags(outcome.reason)) for outcome in scored.failed])
        say()
    if scored.ignored:
        note(f"left out, as neither Parquet nor CSV: {_some(scored.ignored)}")
    if outside := [outcome.file for outcome in scored.files if outcome.outside]:
        note(f"values outside the training's range, which --json tells: in {_some(outside)}")
    rows = sum(outcome.rows for outcome in scored.done)
    counts = f"{len(scored.done)} done, {len(scored.skipped)} skipped, {len(scored.failed)} failed"
    say(f"{len(scored.files)} files: {counts}; {rows} rows written to {scored.output}")


def _some(names: Any) -> str:
    """How many files these are, and the first of them."""
    more = ", …" if len(names) > _SHOWN else ""
    return f"{len(names)} {'file' if len(names) == 1 else 'files'} ({', '.join(names[:_SHOWN])}{more})"
