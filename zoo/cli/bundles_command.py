"""``zoo bundles``: what is exported, by the manifests alone; neither TensorFlow nor an array library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.atomic import check_folder
from zoo.cli.output import Json, note, print_json, print_table

if TYPE_CHECKING:
    from zoo.provenance import Evaluation

# None where the manifest cannot be read; from ``measure``, which decides, on, also where a manifest lacks it
_OF_MANIFEST = (
    "error",
    "task",
    "architecture",
    "created",
    "untested",
    "measure",
    "network",
    "baseline",
    "baseline_value",
)


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
        if bundle["error"] is not None:
            note(f"warning: {bundle['error']}")
    if as_json:
        print_json(found)
    elif found:
        heads = ("model", "version", "task", "architecture", "created", "measure", "network", "best baseline", "size")
        print_table((*heads, "manifest"), map(_row, found))
    else:
        note(f"{exported}: there are no bundles; make one with: zoo train basic --export, or zoo export latest")


def _look(model: Path, number: int) -> dict[str, Any]:
    from zoo.bundle.manifest import Manifest
    from zoo.export.leftovers import size_of
    from zoo.provenance import why_untested
    from zoo_registry.errors import BundleError

    folder = model / str(number)
    known = {"model": model.name, "version": number, "folder": str(folder), "bytes": size_of(folder)}
    known |= dict.fromkeys(_OF_MANIFEST)
    try:
        manifest = Manifest.read(folder)
    except BundleError as error:
        return known | {"error": str(error)}
    task = manifest.problem.task
    known |= {"task": task, "architecture": manifest.architecture.name, "created": manifest.created}
    if manifest.metrics is None:
        return known | {"untested": why_untested(manifest.retrained_from)}
    return known | _headline(task, manifest.metrics)


def _headline(task: str, metrics: Evaluation) -> dict[str, Any]:
    """The measure that decides, where the manifest has what it takes: anybody may have written it."""
    from zoo.evaluation.headline import headline
    from zoo.tasks import find_task

    try:
        found = headline(metrics, find_task(task).measures_of(metrics))
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        return {}
    return dict(zip(_OF_MANIFEST[-4:], (found.measure, found.network, found.baseline, found.other), strict=True))


def _row(bundle: dict[str, Any]) -> tuple[str, ...]:
    measured = ["-", "-", "-" if bundle["untested"] is None else "none, trained on all rows"]
    if bundle["measure"] is not None:
        best = f"{bundle['baseline']} {bundle['baseline_value']:.4g}"
        measured = [bundle["measure"], f"{bundle['network']:.4g}", best]
    told = [bundle[name] or "-" for name in ("task", "architecture", "created")]
    state = "reads" if bundle["error"] is None else "UNREADABLE"
    return bundle["model"], str(bundle["version"]), *told, *measured, f"{bundle['bytes'] / 1e6:.2f} MB", state
