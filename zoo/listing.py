"""The catalogue as plain data; imports no TensorFlow, pandas or scikit-learn."""

from __future__ import annotations

from typing import Any

from zoo.capabilities import known_capabilities
from zoo_registry import Architecture, Entry, discover


def list_architectures() -> list[dict[str, Any]]:
    """One dict for each architecture: name, summary, reference, tags, tasks, where it comes from, and its exports."""
    return [describe_entry(name, entry) for name, entry in discover().catalogue.items()]


def describe_entry(name: str, entry: Entry[Architecture]) -> dict[str, Any]:
    """What the catalogue knows of one architecture.

    ``exports`` are the formats and runtimes that bundles of all its tasks can be had as, None where nothing is known.
    """
    architecture = entry.item
    capabilities = known_capabilities(entry.distribution, architecture.name, entry.version)
    return {
        "name": name,
        "summary": architecture.summary,
        "reference": architecture.reference,
        "tags": list(architecture.tags),
        "tasks": [str(task) for task in architecture.tasks],
        "distribution": entry.distribution,
        "version": entry.version,
        "plugin": entry.plugin,
        "exports": None if capabilities is None else list(capabilities.exported),
    }
