"""Losses by name: found, checked and spelled without Keras, and the default for each task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.models.losses import LOSSES
from zoo.settings.parse import parse_settings, spell
from zoo_registry import OWN_LOSS, Architecture, Hyperparameters, Loss, Task, discover
from zoo_registry.errors import ConfigError, UnknownLossError, close_match_hint


@dataclass(frozen=True)
class ChosenLoss:
    """A loss and its parameters; ``name`` may be ``distribution:name``."""

    name: str
    loss: Loss
    parameters: Hyperparameters

    @property
    def text(self) -> str:
        """The spelling of ``--loss``, ``"name"`` or ``"name:key=value,..."``, without what is as by default.

        Raises ConfigError for a parameter that no such text can hold.
        """
        fields = type(self.parameters).model_fields
        values = {
            key: value
            for key, value in self.parameters.model_dump(mode="json").items()
            if getattr(self.parameters, key) != fields[key].get_default(call_default_factory=True)
        }
        for key, value in values.items():
            plain = value == value.strip() != "" and "," not in value if isinstance(value, str) else True
            if not plain or not isinstance(value, (str, bool, int, float)):
                raise ConfigError(
                    f"loss '{self.name}', parameter '{key}': expected a number, a flag or a text without commas,"
                    f" found {value!r}"
                )
        return spell(self.name, values)


def find_loss(name: str) -> Loss:
    """Return a built-in loss or a plugin's; raises UnknownLossError with a close match, or where it is ambiguous."""
    if name in LOSSES:
        return LOSSES[name]
    plugins = discover().losses
    if name in plugins or any(name == entry.name for entry in plugins.values()):
        return plugins[name].item  # raises where the name is ambiguous
    if name == OWN_LOSS:
        raise UnknownLossError(f"loss '{OWN_LOSS}' is an architecture's own, and here none has one; name another")
    raise UnknownLossError(f"there is no loss '{name}'{close_match_hint(name, [*LOSSES, *plugins, OWN_LOSS])}")


def losses_for(task: Task) -> list[str]:
    """The names of the losses, built-in and the plugins', that serve a task."""
    plugins = {name: entry.item for name, entry in discover().losses.items()}
    return [name for name, loss in (LOSSES | plugins).items() if task in loss.tasks]


def choose_loss(value: Any) -> ChosenLoss:
    """Read ``"huber:delta=0.5"`` or ``{"kind": "huber", "delta": 0.5}``.

    Raises ConfigError for unknown names and parameters, and for parameters out of bounds.
    """
    name, values = _read(value)
    loss = find_loss(name)
    return ChosenLoss(name, loss, loss.configure(values))


def normal_loss(value: Any) -> str:
    """Return a loss as canonical text; raises ConfigError as :func:`choose_loss` does.

    A name that is not built in is left as it is: a run's record has to be readable where its plugin is not.
    """
    name, values = _read(value)
    return choose_loss(value).text if name in LOSSES else spell(name, values)


def resolve_loss(
    chosen: Any, name: str, architecture: Architecture, task: Task, quantiles: tuple[float, ...] = ()
) -> str:
    """Return as canonical text the loss that was ``chosen``, else (None) the default of architecture and task.

    Raises ConfigError where the loss serves neither the task nor the quantiles, as for what :func:`choose_loss` does.
    """
    if architecture.outputs_per_target and task is not Task.CLASSIFY:
        if chosen is not None and (found := _read(chosen)[0]) != OWN_LOSS:
            raise ConfigError(
                f"architecture '{name}' is trained with its own loss alone, found --loss {found}; leave it out"
            )
        chosen, quantiles = chosen or OWN_LOSS, ()
    if chosen is None:
        return _default(name, architecture, task, quantiles)
    text = _text_for(chosen, name, architecture, task)
    if text is None:
        found, others = _read(chosen)[0], ", ".join(losses_for(task))
        raise ConfigError(f"loss '{found}' does not serve the task '{task}'; those that do: {others}")
    if quantiles:
        spelled = ",".join(f"{quantile:g}" for quantile in quantiles)
        if _read(chosen)[0] != "quantile":
            raise ConfigError(
                f"--quantiles {spelled} are trained with --loss quantile, found --loss {text}; leave one of the two out"
            )
        if choose_loss(chosen).parameters.model_fields_set:
            raise ConfigError(
                f"--quantiles {spelled} says which quantiles, and --loss {text} another one; leave its q out"
            )
    return text


def _default(name: str, architecture: Architecture, task: Task, quantiles: tuple[float, ...]) -> str:
    if quantiles:
        return "quantile"
    preferred = architecture.defaults.loss or (OWN_LOSS if architecture.loss is not None else None)
    text = None if preferred is None else _text_for(preferred, name, architecture, task)
    if text is None:
        return "cross-entropy" if task is Task.CLASSIFY else "mse"
    return text


def _text_for(value: Any, name: str, architecture: Architecture, task: Task) -> str | None:
    """Return a loss as canonical text, or None where it does not serve the task."""
    found, values = _read(value)
    if found != OWN_LOSS:
        choice = choose_loss(value)
        return choice.text if task in choice.loss.tasks else None
    if architecture.loss is None:
        others = ", ".join(losses_for(task))
        raise ConfigError(f"architecture '{name}' has no loss of its own; take one of {others}")
    if task is Task.CLASSIFY and architecture.tasks != (Task.CLASSIFY,):
        return None  # it is made for values
    if values:
        raise ConfigError(f"loss '{OWN_LOSS}' has no parameters, found {', '.join(values)}; see zoo show {name}")
    return OWN_LOSS


def _read(value: Any) -> tuple[str, dict[str, Any]]:
    """Return a loss's name and its settings as they were written."""
    if isinstance(value, Mapping):
        values = dict(value)
        if not isinstance(kind := values.pop("kind", None), str):
            raise ConfigError(f'a loss as a table is such as {{kind = "huber", delta = 0.5}}, found {dict(value)!r}')
        return kind.strip(), values
    if not isinstance(value, str):
        raise ConfigError(f"a loss is a name, or one with parameters such as huber:delta=0.5, found {value!r}")
    head, sign, _ = value.partition("=")
    # distribution:name has a ':' too, so that which stands last before the first '=' begins the parameters
    name, colon, _ = head.rpartition(":") if sign else value.partition(":")
    if not colon or not (sign or name.strip() in (*LOSSES, OWN_LOSS)):
        return value.strip(), {}
    return name.strip(), dict(parse_settings(value[len(name) + 1 :].split(","), f"loss '{name.strip()}'"))
