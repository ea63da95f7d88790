"""The run folder: everything needed to reload, export or audit a run; written whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from zoo.acceleration.step_plan import Plan
from zoo.atomic import rename_to_free, staging_folder
from zoo.models.assembly import assemble
from zoo.models.custom_objects import load_with
from zoo.preprocessing.prepared import Prepared
from zoo.preprocessing.preprocessor import PARAMETERS_FILE, Preprocessor
from zoo.preprocessing.window_scale import WindowScale
from zoo.provenance import Provenance
from zoo.runs.record import READ_FILES, RECORD_FILE, RunRecord, read_record
from zoo.runs.unfinished import UnfinishedRecord
from zoo.settings.schema import RunConfig, TrainingConfig
from zoo.sums import stage_sums
from zoo.training.trainer import Fitted
from zoo.versions import library_versions
from zoo_registry import Architecture, Entry, Problem, discover
from zoo_registry.errors import RunError, ZooError, first_line

MODEL_FILE, HISTORY_FILE, REPORT_FILE = "model.keras", "history.csv", "report.html"
MAX_REASON = 200  # characters of a reader's own sentence


def make_record(
    run_id: str,
    config: RunConfig,
    entry: Entry[Architecture],
    prepared: Prepared,
    fitted: Fitted,
    evaluation: dict[str, Any] | None,
    unfinished: UnfinishedRecord | None = None,
) -> RunRecord:
    """Put together what a run is; ``unfinished`` is what was written when it began."""
    return RunRecord.model_validate(
        {
            "id": run_id,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "config": config.model_copy(update={"training": _repeatable(fitted.config, fitted.plan)}),
            "plugin": Provenance.of(entry),
            "versions": library_versions(),
            "retrained_from": None if unfinished is None else unfinished.retrained_from,
            "loss_scale": "window" if unfinished is None else unfinished.loss_scale,
            "problem": prepared.problem,
            "data": prepared.record(config.data, None if unfinished is None else unfinished.fingerprint),
            "training": {
                "epochs": len(fitted.history["loss"]),
                "best_epoch": fitted.best_epoch,
                "validate_every": fitted.pace.validate_every,
                "steps": fitted.pace.steps_after(len(fitted.history["loss"])),
                "best_step": fitted.pace.steps_after(fitted.best_epoch),
                "seconds": round(fitted.seconds, 3),
                "loss": fitted.loss,
                "val_loss": fitted.val_loss,
                "parameters": fitted.model.count_params(),
                "engine": fitted.engine,
                "started_from": None if unfinished is None else unfinished.started_from,
            },
            "evaluation": evaluation,
        }
    )


def write_run(
    runs: Path,
    record: RunRecord,
    prepared: Prepared,
    fitted: Fitted,
    report: str | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    *,
    staging: Path | None = None,
) -> Path:
    """Write a run beside the others, whole or not at all, and return its folder; -2 and so on where the id is taken.

    ``report`` is its page, which not every run has, and each of ``tables`` becomes a CSV file of this name; ``staging``
    is a folder in the same file system to write it in first.
    """
    runs.mkdir(parents=True, exist_ok=True)
    with staging_folder(staging or runs) as folder:
        fitted.model.save(folder / MODEL_FILE)
        prepared.preprocessor.save(folder)
        _write_history(folder / HISTORY_FILE, fitted.history)
        (folder / RECORD_FILE).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if report is not None:
            (folder / REPORT_FILE).write_text(report, encoding="utf-8")
        for name, table in (tables or {}).items():
            table.to_csv(folder / f"{name}.csv", index=False)
        stage_sums(folder, READ_FILES)
        return rename_to_free(folder, lambda number: runs / (record.id if number == 1 else f"{record.id}-{number}"))


def _repeatable(config: TrainingConfig, plan: Plan) -> TrainingConfig:
    """The settings with what was chosen for this training, so that one with them is computed alike."""
    fused = plan.engine == "fused"
    chosen = {"engine": plan.engine, "autotune": False, "steps_per_execution": plan.steps_per_execution}
    return config.model_copy(
        update=chosen | {"batch_parts": plan.parts if fused else None, "xla": None if fused else plan.jit}
    )


def load_network(folder: Path) -> keras.Model:
    """Load a run's network, in Keras' safe mode.

    Raises RunError where its file is missing or damaged, or it has layers of a plugin that is not there.
    """
    who = f"run {folder.resolve().name}"

    def build() -> keras.Model:
        record = read_record(folder)
        return network_like(record.config, record.problem, who)

    with _reading(folder / MODEL_FILE) as path:
        return load_with(path, build, who)


def load_preprocessor(folder: Path) -> Preprocessor:
    """Load a run's fitted preprocessing; raises RunError where its file is missing or damaged."""
    with _reading(folder / PARAMETERS_FILE):
        return Preprocessor.load(folder)


@contextmanager
def _reading(path: Path) -> Iterator[Path]:
    """Tell a file of a run that cannot be read in one sentence, whatever its reader raises."""
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise RunError(f"{path}: expected a run's file, found {found}; put it back, or train again")
    try:
        yield path
    except ZooError:
        raise
    except Exception as error:  # zipfile's, h5py's, json's, Keras' own
        reason = f"{type(error).__name__}: {first_line(error)[:MAX_REASON]}"
        raise RunError(f"{path}: cannot be read ({reason}); it was damaged, put it back, or train again") from error


def network_like(config: RunConfig, problem: Problem, who: str) -> keras.Model:
    """An untrained network like the one that a configuration trained.

    Raises RunError, which begins with ``who``, where its architecture is not there or builds none.
    """
    try:
        return untrained(discover().catalogue[config.architecture].item, config, problem)
    except ZooError as error:
        raise RunError(
            f"{who}: its network has layers of a plugin, and cannot be loaded without it: {error}"
        ) from error


def untrained(architecture: Architecture, config: RunConfig, problem: Problem) -> keras.Model:
    """The network that an architecture builds for a configuration; raises as its build."""
    hp, shape = architecture.configure(config.hyperparameters), problem.shape
    by = WindowScale(config.network.normalize_window, problem.season or 1)
    return assemble(architecture, hp, shape, config.network, by).told


def _write_history(path: Path, history: dict[str, list[float]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *history])
        writer.writerows([epoch, *values] for epoch, values in enumerate(zip(*history.values(), strict=True), start=1))
