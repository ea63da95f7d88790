"""The loss of a training: the one that was chosen, else the default of architecture and task."""

from __future__ import annotations

from typing import Any

from zoo.settings.loss_names import choose_loss, read_loss
from zoo.tasks.base import SequenceTask
from zoo_registry import OWN_LOSS, Architecture, discover
from zoo_registry.errors import ConfigError


def losses_for(task: SequenceTask) -> list[str]:
    """The names of the losses that serve a task."""
    return [name for name, entry in discover().losses.items() if task.among(entry.item.tasks)]


def resolve_loss(
    chosen: Any, name: str, architecture: Architecture, task: SequenceTask, quantiles: tuple[float, ...] = ()
) -> str:
    """Return as canonical text the loss that was ``chosen``, else (None) the default of architecture and task.

    Raises ConfigError where the loss serves neither the task nor the quantiles, as for what :func:`choose_loss` does.
    """
    if architecture.outputs_per_target and task.gives_values:
        if chosen is not None and (found := read_loss(chosen)[0]) != OWN_LOSS:
            raise ConfigError(
                f"architecture '{name}' is trained with its own loss alone, found `loss` {found}; leave it out"
            )
        chosen, quantiles = chosen or OWN_LOSS, ()
    if chosen is None:
        return _default(name, architecture, task, quantiles)
    text = _text_for(chosen, name, architecture, task)
    if text is None:
        found, others = read_loss(chosen)[0], ", ".join(losses_for(task))
        raise ConfigError(f"loss '{found}' does not serve the task '{task.name}'; those that do: {others}")
    if quantiles:
        spelled = ",".join(f"{quantile:g}" for quantile in quantiles)
        if read_loss(chosen)[0] != "quantile":
            raise ConfigError(
                f"`quantiles` {spelled} are trained with `loss='quantile'`, found `loss` {text}; leave one of them out"
            )
        if choose_loss(chosen).parameters.model_fields_set:
            raise ConfigError(
                f"`quantiles` {spelled} says which quantiles, and `loss` {text} another one; leave its q out"
            )
    return text


def _default(name: str, architecture: Architecture, task: SequenceTask, quantiles: tuple[float, ...]) -> str:
    if quantiles:
        return "quantile"
    preferred = architecture.defaults.loss or (OWN_LOSS if architecture.loss is not None else None)
    text = None if preferred is None else _text_for(preferred, name, architecture, task)
    if text is None:
        return task.default_loss
    return text


def _text_for(value: Any, name: str, architecture: Architecture, task: SequenceTask) -> str | None:
    """Return a loss as canonical text, or None where it does not serve the task."""
    found, values = read_loss(value)
    if found != OWN_LOSS:
        choice = choose_loss(value)
        return choice.text if task.among(choice.loss.tasks) else None
    if architecture.loss is None:
        others = ", ".join(losses_for(task))
        raise ConfigError(f"architecture '{name}' has no loss of its own; take one of {others}")
    if not task.gives_values and architecture.tasks != (task.name,):
        return None  # it is made for values
    if values:
        raise ConfigError(f"loss '{OWN_LOSS}' has no parameters, found {', '.join(values)}; see zoo show {name}")
    return OWN_LOSS
