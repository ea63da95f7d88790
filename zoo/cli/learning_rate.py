"""``zoo train --find-lr``: a learning rate by a few batches, and nothing saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cli.output import check_apart, check_picture, note, print_json, say
from zoo.quiet import import_tensorflow
from zoo_registry.errors import ConfigError

if TYPE_CHECKING:
    from zoo.preprocessing.prepared import Prepared
    from zoo.settings.schema import RunConfig
    from zoo_registry import Architecture


def check_find_lr(find_lr: bool, plot: Path | None, export: bool, config: Path | None = None) -> None:
    """Raise ConfigError for options that do not go together; ``config`` is the file of the settings."""
    if find_lr and export:
        raise ConfigError("--find-lr trains nothing that could be exported; leave --export out")
    if plot is not None and not find_lr:
        raise ConfigError("--plot draws what --find-lr finds, but that was not given; add it, or leave --plot out")
    check_picture(plot, "--plot")
    check_apart(plot, "--plot", config)


def suggest_rate(
    config: RunConfig, prepared: Prepared, architecture: Architecture, plot: Path | None, *, as_json: bool
) -> None:
    """Find a rate, draw what was found where a picture is asked for, and print it."""
    check_apart(plot, "--plot", config.data.source)
    import_tensorflow()
    from zoo.training.rate_range import BATCHES, draw, find_rate

    hp = architecture.configure(config.hyperparameters)
    found = find_rate(architecture, hp, prepared, config.training, config.network)
    if plot is not None:
        draw(found, plot)
        note(f"drawn: {plot}")
    if as_json:
        print_json({"suggestion": found.suggestion, "rates": found.rates, "losses": found.losses})
        return
    say(
        f"suggested: --learning-rate {found.suggestion:.2g}, a tenth of the rate with the least smoothed loss"
        f" ({found.losses[found.lowest]:.4g}, after {found.lowest + 1} batches; tried: {len(found.rates)} of {BATCHES},"
        f" rates from {found.rates[0]:.0e} to {found.rates[-1]:.2g})"
    )
