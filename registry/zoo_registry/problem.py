"""The problem of a run: what is asked of a network, with all names and sizes. Everything else reads it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zoo_registry.shape import WINDOW, SequenceShape, TaskName

Rows = Annotated[int, Field(ge=0, strict=True)]
Size = Annotated[int, Field(ge=1, strict=True)]
Level = Annotated[float, Field(gt=0, lt=1)]
Names = tuple[str, ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Tensor(_Part):
    """An input or output of the graph; ``shape`` is without the batch axis, which is first, dynamic and named batch.

    ``columns`` are the names along the last axis, where it has names.
    """

    name: str
    dtype: Literal["float32", "float64", "int64", "bool", "string"]
    shape: tuple[Size, ...]
    columns: Names = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"{self.name}: expected columns, each once, found {list(self.columns)}")
        if self.columns and self.shape[-1:] != (len(self.columns),):
            raise ValueError(f"{self.name}: expected {len(self.columns)} columns, found shape {list(self.shape)}")
        return self


class Step(_Part):
    """The step of the rows: in words, and in seconds or counts."""

    name: str
    size: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]


class Problem(_Part):
    """What is asked of a network.

    ``inputs`` and ``outputs`` are the ends of the graph, in order. The first input, ``window``, holds the features'
    rows up to the last one that is known; the answer is of ``horizon`` rows, for a forecast those that come ``gap``
    rows later, else of the window's last row. ``targets`` are the columns that are asked for, or the column whose
    ``classes`` are told apart.
    """

    task: TaskName
    units: Literal["raw", "scaled"] = Field("raw", description="of the graph's ends")
    inputs: Annotated[tuple[Tensor, ...], Field(min_length=1)]
    outputs: Annotated[tuple[Tensor, ...], Field(min_length=1)]
    targets: Annotated[Names, Field(min_length=1)] = Field(description="columns of the output, or the one of classes")
    classes: Names = Field((), description="names of the classes, in the order of the probabilities")
    quantiles: tuple[Level, ...] = Field((), description="levels of the output quantiles, along its last axis")
    horizon: Size
    gap: Rows = Field(0, description="rows between the window and the first of the horizon")
    reconstruct: bool | None = Field(
        None, description="anomalies: whether the network gives back the window, or forecasts its last row"
    )
    step: Step | None = Field(None, description="from one row to the next; null where the rows have no times")
    zone: str | None = Field(None, description="of the times")
    season: Size | None = Field(None, description="rows in a season; null where none is known")
    masked: Names = Field(
        (), description="features that may be missing in a window, which is NaN there; the graph makes their masks"
    )
    categories: dict[str, Names] = Field(
        default_factory=dict, description="column of categories -> their names, in the order of their codes"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for end in ("inputs", "outputs"):
            names = [tensor.name for tensor in getattr(self, end)]
            if len(set(names)) < len(names):
                raise ValueError(f"{end}: expected names, each once, found {names}")
        first = self.inputs[0]
        if first.name != WINDOW or len(first.shape) != 2 or not first.columns:
            raise ValueError(f"inputs: expected {WINDOW} first, with rows and columns, found {first.name}")
        for name in ("targets", "classes"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name}: expected names, each once, found {list(getattr(self, name))}")
        if self.masked != tuple(name for name in first.columns if name in self.masked):
            raise ValueError(f"masked: expected features, in their order, found {list(self.masked)}")
        return self

    @property
    def window(self) -> int:
        """Rows of features."""
        return self.inputs[0].shape[0]

    @property
    def features(self) -> Names:
        """The columns of the window, in order."""
        return self.inputs[0].columns

    @property
    def dtype(self) -> str:
        """What the graph takes and, but for flags, gives: float32 or float64."""
        return self.inputs[0].dtype

    @property
    def target_columns(self) -> tuple[int | None, ...]:
        """For each target its column among the features, or None where the window does not hold it as a number."""
        if self.classes:
            return (None,)
        places = {name: place for place, name in enumerate(self.features)}
        return tuple(places.get(name) for name in self.targets)

    @property
    def shape(self) -> SequenceShape:
        """The sizes of the network, whose window and horizon may be others: it does not see a row that it judges."""
        rows = {None: (self.window, self.horizon), True: (self.window, self.window), False: (self.window - 1, 1)}
        window, horizon = rows[self.reconstruct]
        return SequenceShape(
            task=self.task,
            window=window,
            n_features=len(self.features),
            horizon=horizon,
            n_targets=len(self.targets),
            target_columns=self.target_columns,
            classes=len(self.classes),
            quantiles=self.quantiles,
            masked=tuple(self.features.index(name) for name in self.masked),
        )

    def served(self, dtype: str, units: str) -> Self:
        """The same problem where the ends of the graph have another float type and other units."""
        ends = {
            end: [
                tensor.model_dump() | ({"dtype": dtype} if tensor.dtype.startswith("float") else {})
                for tensor in getattr(self, end)
            ]
            for end in ("inputs", "outputs")
        }
        return type(self).model_validate(self.model_dump() | ends | {"units": units})

    def interface(self) -> dict[str, Any]:
        """What all versions of a model share, as plain data: names, sizes, types, units, targets and classes.

        Codes of categories and what may be missing, as all else that a new training may find otherwise, are left out.
        """
        whole = self.model_dump(mode="json")
        names = ("task", "units", "horizon", "gap", "quantiles", "targets", "classes", "inputs", "outputs")
        sizes = {WINDOW: self.window, "features": list(self.features)}
        return {name: whole[name] for name in names[:2]} | sizes | {name: whole[name] for name in names[2:]}
