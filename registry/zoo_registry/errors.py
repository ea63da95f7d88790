"""The zoo's exceptions: one tree, each with the exit code that the command ends with.

Every message is one sentence that says what was expected, what was found and where, and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(Exception):
    """Base of every error that a user can cause and mend; the command prints it without a traceback."""

    exit_code = 2


class ConfigError(ZooError, ValueError):
    """A setting has an unknown name, a wrong type, or a value out of bounds."""


class DataError(ZooError, ValueError):
    """The table cannot be used as it is; the message names file, column and row."""


class PluginError(ZooError):
    """A plugin could not be loaded, or returned what the hook specification does not allow."""


class TrainingError(ZooError):
    """The training could not be brought to a usable result."""


class RunError(ZooError):
    """A run folder is missing, ambiguous or incomplete."""


class ExportError(ZooError):
    """A bundle cannot be published."""


class ParityError(ExportError):
    """The exported graph does not give what the trained model gives."""


class BundleError(ZooError):
    """A bundle is incomplete, changed, or not readable by this version."""


class RefusalError(BundleError):
    """A runtime cannot run this bundle, which says nothing against the bundle."""


class UnknownNameError(ZooError, KeyError):
    """Nothing of that kind has this name, or more than one plugin registers it."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would put quotes around the sentence


class UnknownArchitectureError(UnknownNameError):
    """There is no such architecture."""


class UnknownScalerError(UnknownNameError, ConfigError):
    """There is no such scaler."""


class UnknownLossError(UnknownNameError, ConfigError):
    """There is no such loss."""


class UnknownExporterError(UnknownNameError, ConfigError):
    """There is no such exporter."""


class UnknownRuntimeError(UnknownNameError, BundleError):
    """There is no such runtime."""


def close_match_hint(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest other of the known names, case aside, else the first few."""
    candidates = {candidate.casefold(): candidate for candidate in sorted(known) if candidate != name}
    if matches := difflib.get_close_matches(name.casefold(), candidates, n=1, cutoff=0.5):
        return f"; did you mean '{candidates[matches[0]]}'?"
    shown = list(candidates.values())
    more = ", …" if len(shown) > 12 else ""
    return f"; known are: {', '.join(shown[:12])}{more}" if shown else ""


def first_line(error: BaseException) -> str:
    """The first line of what an error of a library says, without its full stop, or its kind where it says nothing."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return str(text).splitlines()[0].rstrip(".")
