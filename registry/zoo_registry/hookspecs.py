"""The hooks that a plugin may implement. Decorate a function of the same name and signature with ``hookimpl``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from zoo_registry.architecture import Architecture
    from zoo_registry.exporter import Exporter
    from zoo_registry.loss import Loss
    from zoo_registry.runtime import Runtime
    from zoo_registry.scaler import Scaler

PROJECT = "zoo"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def zoo_architectures() -> list[Architecture]:  # type: ignore[empty-body]
    """Return the architectures that this plugin contributes.

    Called for every command, ``zoo list`` too: import TensorFlow and Keras inside ``build``, never here.
    """


@hookspec
def zoo_scalers() -> list[Scaler]:  # type: ignore[empty-body]
    """Return the scalers that this plugin contributes.

    Called for every command, ``zoo list`` too: import scikit-learn inside ``make``, never here.
    """


@hookspec
def zoo_losses() -> list[Loss]:  # type: ignore[empty-body]
    """Return the losses that this plugin contributes.

    Called for every command, ``zoo list`` too: import Keras inside ``make``, never here.
    """


@hookspec
def zoo_exporters() -> list[Exporter]:  # type: ignore[empty-body]
    """Return the exporters that this plugin contributes.

    Called for every command, ``zoo list`` too: import what they need inside ``write``, never here.
    """


@hookspec
def zoo_runtimes() -> list[Runtime]:  # type: ignore[empty-body]
    """Return the runtimes that this plugin contributes.

    Called for every command, ``zoo list`` too: import what they need inside ``load``, never here.
    """


@hookspec
def zoo_run_started(run_id: str, config: dict[str, Any]) -> None:
    """Be told that a training begins, or goes on; ``config`` is what ``run.json`` will have under that name.

    An error that one of these four hooks raises is told once and ends no training; that plugin is told nothing more.
    """


@hookspec
def zoo_epoch_ended(run_id: str, epoch: int, metrics: dict[str, float]) -> None:
    """Be told of an epoch, counted from 1: ``loss`` and ``val_loss`` (on scaled values), ``learning_rate`` and others.

    A training on all rows has no ``val_loss``. One that was killed and is resumed may tell of an epoch again.
    """


@hookspec
def zoo_run_finished(run_id: str, folder: str, record: dict[str, Any]) -> None:
    """Be told that a run is whole, in ``folder``; ``record`` is the content of its ``run.json``.

    Its ``evaluation`` is None where all rows were trained on.
    """


@hookspec
def zoo_bundle_written(run_id: str, folder: str, manifest: dict[str, Any]) -> None:
    """Be told that a bundle is published, in ``folder``; ``manifest`` is the content of its ``manifest.json``."""
