"""Losses by name: found, checked and spelled without Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.settings.parse import parse_settings, spell
from zoo_registry import BUILT_IN_LOSSES, OWN_LOSS, Hyperparameters, Loss, discover
from zoo_registry.errors import ConfigError, UnknownLossError


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
    """Return a loss by name; raises UnknownLossError with a close match, or where it is ambiguous."""
    if name == OWN_LOSS:
        raise UnknownLossError(f"loss '{OWN_LOSS}' is an architecture's own, and here none has one; name another")
    return discover().losses[name].item


def choose_loss(value: Any) -> ChosenLoss:
    """Read ``"huber:delta=0.5"`` or ``{"kind": "huber", "delta": 0.5}``.

    Raises ConfigError for unknown names and parameters, and for parameters out of bounds.
    """
    name, values = read_loss(value)
    loss = find_loss(name)
    return ChosenLoss(name, loss, loss.configure(values))


def normal_loss(value: Any) -> str:
    """Return a loss as canonical text; raises ConfigError as :func:`choose_loss` does.

    A name that is not built in is left as it is: a run's record has to be readable where its plugin is not.
    """
    name, values = read_loss(value)
    return choose_loss(value).text if name in BUILT_IN_LOSSES else spell(name, values)


def read_loss(value: Any) -> tuple[str, dict[str, Any]]:
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
    if not colon or not (sign or name.strip() in (*BUILT_IN_LOSSES, OWN_LOSS)):
        return value.strip(), {}
    return name.strip(), dict(parse_settings(value[len(name) + 1 :].split(","), f"loss '{name.strip()}'"))
