"""More formats of a bundle, made by the exporters that plugins register, in ``extra/<exporter>/``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.bundle.manifest import ExtraRecord
from zoo_registry import Entry, ExportContext, Exporter, Problem, discover
from zoo_registry.discovery import sentence_of
from zoo_registry.errors import ConfigError, ExportError

if TYPE_CHECKING:
    from zoo.export.graph import Served

EXTRA_FOLDER = "extra"


def choose_exporters(
    formats: Sequence[str], batch: int | None = None, problem: Problem | None = None
) -> list[Entry[Exporter]]:
    """Return the exporters of these names, each once; told before anything slow.

    Raises UnknownExporterError with a close match, ConfigError for a batch below 1 or without a format, and ExportError
    where a distribution is missing, two exporters would write one folder, or an exporter refuses the interface.
    """
    if batch is not None and not formats:
        raise ConfigError("`batch` fixes the batch of other formats, expected `formats`; name one, or leave it out")
    if batch is not None and batch < 1:
        raise ConfigError(f"`batch`: expected 1 or more windows, found {batch}")
    known = discover().exporters
    entries = list({known[name].qualified_name: known[name] for name in formats}.values())
    for index, entry in enumerate(entries):
        if entry.name in {other.name for other in entries[:index]}:
            raise ExportError(f"`formats` {entry.name}: two of this name would write one folder; leave one out")
        entry.item.require()
        refuses = entry.item.refuses
        if problem is not None and refuses is not None and (reason := refuses(problem.interface())) is not None:
            raise ExportError(f"`formats` {entry.name}: {reason}")
    return entries


def write_extra(
    served: Served, entries: Sequence[Entry[Exporter]], folder: Path, problem: Problem, batch: int | None
) -> dict[str, ExtraRecord]:
    """Let the exporters write into a staged bundle, and return for each what the manifest says of it.

    That is its distribution and version, ``batch`` (the only number of windows that its files take, or None), and
    ``facts``, what it says itself. Raises ExportError, which names the culprit, where one fails or writes nothing.
    """
    said = {}
    for entry in entries:
        exporter = entry.item
        fixed_batch = batch or 1 if exporter.fixed_batch else batch
        own = folder / EXTRA_FOLDER / exporter.name
        own.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as temporary:
            fixed = None
            if exporter.fixed_batch and fixed_batch is not None:
                from zoo.export.formats import write_fixed_saved_model

                fixed = Path(temporary) / "fixed"
                write_fixed_saved_model(served, fixed_batch, fixed)
            context = ExportContext(
                bundle=folder,
                folder=own,
                interface=problem.interface(),
                batch=fixed_batch,
                fixed=fixed,
            )
            try:
                with redirect_stdout(sys.stderr):  # standard output is for the command's result
                    facts = dict(exporter.write(context) or {})
            except ExportError as error:
                raise ExportError(f"`formats` {exporter.name}: {error}; nothing was published") from error
            except Exception as error:  # whatever a plugin's converter raises
                raise ExportError(f"{_culprit(entry)} failed: {sentence_of(error)}; nothing was published") from error
        if not any(path.is_file() for path in own.rglob("*")):
            raise ExportError(f"{_culprit(entry)} wrote no file into {own.name}; nothing was published")
        said[exporter.name] = ExtraRecord(
            distribution=entry.distribution, version=entry.version, batch=fixed_batch, facts=facts
        )
    return said


def _culprit(entry: Entry[Exporter]) -> str:
    return f"`formats` {entry.name}: exporter '{entry.name}' of distribution '{entry.distribution}'"
