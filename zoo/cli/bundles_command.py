"""``zoo bundles``: what is exported, by the manifests alone; neither TensorFlow nor an array library."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from zoo.atomic import check_folder
from zoo.cli.output import Json, note, print_json, print_table
from zoo.provenance import Evaluation


@dataclass(frozen=True)
class _Listed:
    """A bundle in one line; all but model, version, folder and bytes are None where the manifest cannot be read.

    ``measure`` is what decides between network and baselines, and with their values None where a manifest lacks it.
    """

    model: str
    version: int
    folder: str
    bytes: int
    error: str | None = None
    task: str | None = None
    architecture: str | None = None
    created: str | None = None
    measure: str | None = None
    network: float | None = None
    baseline: str | None = None
    baseline_value: float | None = None


def bundles(
    exported: Annotated[Path, typer.Argument(help="Folder of all models.")] = Path("exported"),
    as_json: Json = False,
) -> None:
    """List all models and versions: what each is, how it compares with its best baseline, and its size.

    Only manifests are read; for every file's hash: zoo verify --quick BUNDLE

    Examples:
        zoo bundles
        zoo bundles exported --json
    """
    from zoo.export.leftovers import list_versions

    check_folder(exported, "EXPORTED")
    found = [_look(model, number) for model, numbers in list_versions(exported).items() for number in numbers]
    for bundle in found:
        if bundle.error is not None:
            note(f"warning: {bundle.error}")
    if as_json:
        print_json([asdict(bundle) for bundle in found])
    elif found:
        heads = ("model", "version", "task", "architecture", "created", "measure", "network", "best baseline", "size")
        print_table((*heads, "manifest"), map(_row, found))
    else:
        note(f"{exported}: there are no bundles; make one with: zoo train basic --export, or zoo export latest")


def _look(model: Path, number: int) -> _Listed:
    from zoo.bundle.manifest import Manifest
    from zoo.export.leftovers import size_of
    from zoo_registry.errors import BundleError

    folder = model / str(number)
    known: dict[str, Any] = {"model": model.name, "version": number, "folder": str(folder)}
    known["bytes"] = size_of(folder)
    try:
        manifest = Manifest.read(folder)
    except BundleError as error:
        return _Listed(**known, error=str(error))
    return _Listed(
        **known,
        task=manifest.problem.task,
        architecture=manifest.architecture.name,
        created=manifest.created,
        **_headline(manifest.problem.task, manifest.metrics),
    )


def _headline(task: str, metrics: Evaluation) -> dict[str, Any]:
    """The measure that decides, where the manifest has what it takes: anybody may have written it."""
    from zoo.evaluation.headline import headline
    from zoo.tasks import find_task

    try:
        found = headline(metrics, find_task(task).measures_of(metrics))
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}
    return {
        "measure": found.measure,
        "network": found.network,
        "baseline": found.baseline,
        "baseline_value": found.other,
    }


def _row(bundle: _Listed) -> tuple[str, ...]:
    measured = (
        ("-", "-", "-")
        if bundle.measure is None
        else (bundle.measure, f"{bundle.network:.4g}", f"{bundle.baseline} {bundle.baseline_value:.4g}")
    )
    told = [text or "-" for text in (bundle.task, bundle.architecture, bundle.created)]
    size = f"{bundle.bytes / 1e6:.2f} MB"
    return bundle.model, str(bundle.version), *told, *measured, size, "reads" if bundle.error is None else "UNREADABLE"
