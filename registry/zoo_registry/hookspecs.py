"""The hooks that a plugin may implement. Decorate a function of the same name and signature with ``hookimpl``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from zoo_registry.architecture import Architecture
    from zoo_registry.loss import Loss
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
