"""Where a network comes from, as the records of runs and of bundles say it: its plugin, its data, what was measured.

Needs no array library.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)
from typing_extensions import TypedDict

from zoo.settings.choices import CalendarField, Gaps, TableLayout
from zoo_registry import Architecture, Entry
from zoo_registry.problem import Rows

PartName = Literal["train", "validation", "test"]
Measures = dict[str, Any]  # by their names; which there are is the task's


class Record(BaseModel):
    """What all parts of records share."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Provenance(Record):
    """The plugin, or the architecture, and the distribution that it comes with."""

    name: str
    distribution: str
    version: str

    @classmethod
    def of(cls, entry: Entry[Architecture]) -> Self:
        """That of an architecture's plugin."""
        return cls(name=entry.plugin, distribution=entry.distribution, version=entry.version)


class Part(Record):
    """A part of the split: ``rows`` are [first, after the last] of one series, of several their number.

    ``first`` and ``last`` are rows in words.
    """

    rows: tuple[Rows, Rows] | Rows
    first: str | None = None
    last: str | None = None
    windows: int | None = None


class Sorting(Record):
    """Rows that were not in the order of time."""

    rows_moved: int


class Resampling(Record):
    """Rows that were brought to a step."""

    rule: str
    aggregate: str
    rows_before: int
    rows_after: int
    rows_without_values: int


class LeftOut(Record):
    """Series that are too short."""

    dropped: tuple[str, ...]


class Padded(Record):
    """Series whose windows were filled up in front, as they are too short."""

    series: tuple[str, ...]


class Filling(Record):
    """Missing values by column, and what was done about them."""

    method: str
    values: dict[str, int]


class Repairs(Record):
    """What was done to the data on request."""

    sort: Sorting | None = None
    resample: Resampling | None = None
    short_series: LeftOut | None = None
    padded: Padded | None = None
    missing: Filling | None = None

    @model_serializer(mode="wrap")
    def _done(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: repair for name, repair in serialize(self).items() if repair is not None}


class DataRecord(Record):
    """The table of a training and how it was read; columns, step and zone are the problem's."""

    source: str
    fingerprint: str
    rows: int
    time_column: str | None
    time_format: str | None = None
    named_zone: str | None = Field(None, description="zone that the times were brought to, where one was asked for")
    series_column: str | None
    series: int = 1
    layout: TableLayout = "auto"
    gaps: Gaps
    calendar: tuple[CalendarField, ...]
    ignored: tuple[str, ...] = ()
    repairs: Repairs
    split: Annotated[dict[PartName, Part], Field(min_length=3)]


class WorstSeries(TypedDict):
    """A series in which the network errs much: its windows and, by forecast, its MASE and sMAPE."""

    series: str
    windows: int
    mase: dict[str, float | None]
    smape: dict[str, float | None]


class SeriesEvaluation(TypedDict):
    """How many series were measured, how many not, and how many of those have no MASE; the worst of them.

    ``partly`` says which series a baseline is not for, and why.
    """

    count: int
    unmeasured: int
    without_mase: int
    worst: list[WorstSeries]
    partly: dict[str, str]


class Evaluation(TypedDict, total=False):
    """What was measured on the test windows, of the network and of each baseline; a task may add to it."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    windows: int
    left_out: int
    network: Required[Measures]
    baselines: Required[dict[str, Measures]]
    skipped: Required[dict[str, str]]
    verdict: Required[str]
    season: int | None
    unit: dict[str, float]
    naive: dict[str, float | None]
    series: SeriesEvaluation
    by_step: dict[str, list[float | None]]
    quantiles: Measures | None
    classes: list[str]
    counts: list[int]
    quantile: float
    threshold: float
    anomalies: int | None


class Retrained(Record):
    """The run whose settings a training took over, and what its test figures said of it."""

    run: str
    verdict: str | None = None


def why_untested(retrained: Retrained | None) -> str:
    """What is said instead of test figures of a network that was trained on all rows, without a full stop."""
    told = "trained on all rows, so that none is left to test it on"
    if retrained is None:
        return told
    return f"{told}; the figures of run {retrained.run}, whose settings and length of training it has, stand for it"


def first_fault(error: ValidationError) -> str:
    """Where the first fault lies in a record, and what it is."""
    found = error.errors()[0]
    where, what = ".".join(map(str, found["loc"])), found["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
