"""Hyperparameters of an architecture: one declaration for validation, help, JSON Schema and search ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zoo_registry.contribution import complaints
from zoo_registry.errors import ConfigError, ZooError


@dataclass(frozen=True)
class Search:
    """The range in which a tuner looks for a hyperparameter's value; an annotation of the field.

    ``low`` and ``high`` are inclusive. ``log`` samples evenly on a logarithmic scale.
    """

    kind: Literal["int", "float", "choice"]
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()

    @classmethod
    def int(cls, low: int, high: int, *, step: int = 1, log: bool = False) -> Self:
        """Whole numbers from ``low`` to ``high``."""
        return cls("int", low, high, step, log)

    @classmethod
    def float(cls, low: float, high: float, *, log: bool = False) -> Self:
        """Real numbers from ``low`` to ``high``."""
        return cls("float", low, high, None, log)

    @classmethod
    def choice(cls, *choices: Any) -> Self:
        """One of the given values."""
        return cls("choice", choices=choices)


class Hyperparameters(BaseModel):
    """Base class of an architecture's hyperparameters: frozen, unknown names forbidden, numbers finite, defaults too.

    Each field carries a type, bounds and a description, and a :class:`Search` where it can be tuned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    @classmethod
    def search_space(cls) -> dict[str, Search]:
        """Return the search range of each field that declares one."""
        return {
            name: mark
            for name, field in cls.model_fields.items()
            for mark in field.metadata
            if isinstance(mark, Search)
        }


# Redeclaring `units: int = 128` in a subclass would drop bounds, description and range: use these instead.
Units = Annotated[int, Field(ge=1, le=4096, description="width of each recurrent layer"), Search.int(16, 256, log=True)]
Layers = Annotated[int, Field(ge=1, le=16, description="recurrent layers"), Search.int(1, 4)]
Dropout = Annotated[
    float,
    Field(ge=0.0, lt=1.0, description="fraction of a recurrent layer's inputs dropped in training"),
    Search.float(0.0, 0.5),
]
RecurrentDropout = Annotated[
    float,
    Field(ge=0.0, lt=1.0, description="fraction of the recurrent state dropped in training"),
    Search.float(0.0, 0.5),
]
L1 = Annotated[
    float,
    Field(ge=0.0, description="L1 penalty on kernels and recurrent kernels"),
    Search.float(1e-8, 1e-3, log=True),
]
L2 = Annotated[
    float,
    Field(ge=0.0, description="L2 penalty on kernels and recurrent kernels"),
    Search.float(1e-8, 1e-3, log=True),
]


class RecurrentHyperparameters(Hyperparameters):
    """What every recurrent architecture can be told."""

    units: Units = 64
    dropout: Dropout = 0.0
    recurrent_dropout: RecurrentDropout = 0.0
    l1: L1 = 0.0
    l2: L2 = 0.0


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], values: Mapping[str, Any], what: str) -> Model:
    """Build a pydantic model, turning its complaints into one :class:`ConfigError`.

    ``what`` opens the sentence, for example ``"architecture 'basic', hyperparameter"``; a validator's own ZooError
    stays as it is.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        for item in error.errors():
            if isinstance(told := item.get("ctx", {}).get("error"), ZooError):
                raise told from error
        raise ConfigError(complaints(error, what, model.model_fields)) from error
