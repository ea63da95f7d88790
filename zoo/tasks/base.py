"""What a task says; each method has what suits most of them, so that another task tells only where it differs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from zoo.data.roles import NUMBERS, Roles
from zoo.evaluation.headline import Measures, everybody
from zoo_registry import Architecture, Problem, Search, SequenceShape, Tensor
from zoo_registry.shape import WINDOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.data.readers.examples import Example
    from zoo.data.table import Table
    from zoo.data.windows import Layout, Windows
    from zoo.evaluation.measurement import Measurement
    from zoo.preprocessing.prepared import Prepared
    from zoo.reports.report import Training
    from zoo.settings.schema import DataConfig, RunConfig

Kind = Literal["value", "share", "score", "flag"]
InUnits = Callable[[Any], Any]  # scaled targets in the units of the outputs
Listed = Callable[[Sequence[str]], str]  # names in words
Predict = Callable[["Windows"], Iterator["NDArray[Any]"]]  # scaled outputs of windows, some of them at a time, in order


@dataclass(frozen=True)
class Output:
    """An output of the graph; ``shape`` is without the batch axis, ``columns`` name what lies along the last one.

    ``kind`` says how outputs are compared: a ``value`` of the targets in their deviations, a ``share`` as it is, a
    ``score`` in units of max(1, score), and a ``flag`` where its score is not too near the threshold.
    """

    name: str
    shape: tuple[int, ...]
    kind: Kind = "value"
    columns: tuple[str, ...] = ()

    def tensor(self, dtype: str) -> Tensor:
        """The output as a graph has it, whose numbers are of this dtype."""
        kind = "bool" if self.kind == "flag" else dtype
        return Tensor.model_validate({"name": self.name, "dtype": kind, "shape": self.shape, "columns": self.columns})


class Column(NamedTuple):
    """A column of what is said of windows: ``values`` (n_windows, steps), numbers, flags or, as objects, text.

    ``before_truth_of`` names the target whose true value stands behind it, where that is known.
    """

    name: str
    values: NDArray[Any]
    before_truth_of: str | None = None


class TextTable(NamedTuple):
    """A table for people."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class SequenceTask(ABC):
    """A task. What is read from it: settings, data, the network's output, measures, and words for people.

    ``like`` names another task, whose settings and losses it has too; ``unsuited`` are settings that it has not, and
    why not. ``in_units`` says that its answer is a value of the targets, in their units, ``gives_values`` that the
    network's output is scaled like the targets, ``has_threshold`` that it flags what lies above one, which rows decide
    that were not trained on, and ``normalizes`` that its windows are normalized by rule.
    """

    name: ClassVar[str]
    measures: ClassVar[Measures]
    roles: ClassVar[Roles] = NUMBERS
    like: ClassVar[str] = ""
    unsuited: ClassVar[Mapping[str, str]] = {}
    default_loss: ClassVar[str] = "mse"
    in_units: ClassVar[bool] = False
    gives_values: ClassVar[bool] = True
    has_threshold: ClassVar[bool] = False
    normalizes: ClassVar[bool] = False
    target_wanted: ClassVar[str] = "the column to forecast"
    targets_head: ClassVar[str] = "targets"
    tested: ClassVar[str] = "errors on the test windows, in original units"
    why_left_out: ClassVar[str] = "their truth is missing"
    told_by: ClassVar[str] = "told by"

    # Settings

    def check_settings(self, config: DataConfig) -> None:  # noqa: B027
        """Raise ConfigError for settings that make no sense together."""

    def example_settings(self, example: Example) -> dict[str, Any]:
        """What an embedded series' settings are besides those of all tasks."""
        return {}

    def reconstructs(self, architecture: Architecture) -> bool:
        """Whether the architecture's network gives back the whole window."""
        return False

    def among(self, tasks: Sequence[str]) -> bool:
        """Whether a setting or loss that is for these tasks is for this one too; without any it is for all."""
        return not tasks or self.name in tasks or self.like in tasks

    def searched(self, config: RunConfig, architecture: Architecture) -> dict[str, Search]:
        """Ranges of the run's own settings that a search begins with, besides those of all tasks."""
        if architecture.loss is None and not config.network.quantiles:
            return {"loss": Search.choice("mse", "mae", "huber")}
        return {}

    # Data

    def layout(self, config: DataConfig) -> Layout:
        """How windows lie on rows: here the answer is of the window's last row."""
        from zoo.data.windows import Layout

        return Layout(config.window, 1, config.window - 1, config.stride, config.context)

    def span(self, config: DataConfig) -> str:
        """What has to fit into each part of a split, in words."""
        return "the window"

    def check_table(self, table: Table, parts: Mapping[str, Windows]) -> None:  # noqa: B027
        """Raise DataError or ConfigError where a table, or what its parts hold, is not what the task needs."""

    def state(
        self,
        config: DataConfig,
        features: Sequence[str],
        targets: Sequence[str],
        classes: Sequence[str] = (),
        quantiles: Sequence[float] = (),
        *,
        dtype: str = "float32",
        units: str = "raw",
        **of_rows: Any,
    ) -> Problem:
        """The problem of a configuration on columns of these names; ``dtype`` and ``units`` are of the graph's ends."""
        horizon, gap = (config.horizon, config.gap) if self.roles.ahead else (1, 0)
        window = {"name": WINDOW, "dtype": dtype, "shape": (config.window, len(features)), "columns": features}
        outputs = self.outputs(horizon, tuple(targets), tuple(classes), tuple(quantiles))
        return Problem.model_validate(
            {
                "task": self.name,
                "units": units,
                "inputs": (window,),
                "outputs": [output.tensor(dtype) for output in outputs],
                "targets": targets,
                "classes": classes,
                "quantiles": quantiles,
                "horizon": horizon,
                "gap": gap,
                "reconstruct": config.reconstruct if self.roles.judged else None,
                **of_rows,
            }
        )

    def sized(
        self,
        window: int,
        n_features: int,
        horizon: int,
        n_targets: int,
        classes: int,
        architecture: Architecture,
    ) -> SequenceShape:
        """The shape of an architecture's network on columns without names; sizes that are none of the task's are not.

        Targets are the first features, or none of them.
        """
        apart = self.roles.apart or self.roles.classes
        rows = horizon if self.roles.ahead else window if self.reconstructs(architecture) else 1
        n_targets = 1 if self.roles.classes else n_targets
        return SequenceShape(
            task=self.name,
            window=window,
            n_features=n_features,
            horizon=rows,
            n_targets=n_targets,
            target_columns=tuple(None if apart else column for column in range(n_targets)),
            classes=classes if self.roles.classes else 0,
        )

    # The network's output

    @abstractmethod
    def outputs(
        self, horizon: int, targets: tuple[str, ...], classes: tuple[str, ...], quantiles: tuple[float, ...]
    ) -> list[Output]:
        """The outputs of the graph, in order; the first is what an array of windows is answered with."""

    def network_input(self, window: Any, problem: Problem) -> Any:
        """The part of windows (batch, window, n_features) that the network sees."""
        return window

    @abstractmethod
    def decode(
        self, ops: Any, window: Any, output: Any, problem: Problem, *, in_units: InUnits, threshold: float | None
    ) -> dict[str, Any]:
        """Name what a network's output says of scaled windows, (batch, window, n_features).

        ``ops`` is ``keras.ops`` or NumPy, so that Keras and the exported graph cannot differ. ``in_units`` maps scaled
        targets (batch, horizon, n_targets), which may have an axis of quantiles, to the outputs' units.
        """

    @abstractmethod
    def columns(self, outputs: Mapping[str, NDArray[Any]], problem: Problem) -> list[Column]:
        """The columns of a table of answers, of outputs by name, (n_windows, ...)."""

    # Measures

    def measures_of(self, evaluation: Mapping[str, Any]) -> Measures:
        """The measures that an evaluation holds."""
        return self.measures

    @abstractmethod
    def measure(self, predict: Predict, prepared: Prepared, config: RunConfig) -> Measurement:
        """Measure a network on the test windows, beside baselines, with a verdict."""

    # Words for people

    def results(self, evaluation: Mapping[str, Any], targets: Sequence[str]) -> Iterator[str | TextTable]:
        """What a training prints of its evaluation: tables, and lines between and after them."""
        yield self.measured_table(evaluation)

    def measured_table(self, evaluation: Mapping[str, Any], digits: str = ".4f") -> TextTable:
        """What was measured of the network and of each baseline."""
        measures = self.measures_of(evaluation)
        rows = []
        for name, measured in everybody(evaluation).items():
            values = measures.of(measured, evaluation)
            rows.append((name, *("" if values[key] is None else f"{values[key]:{digits}}" for key in measures.heads)))
        return TextTable((self.told_by, *measures.heads.values()), rows)

    def same(self, config: RunConfig, evaluation: Mapping[str, Any]) -> dict[str, Any]:
        """What has to be equal in runs that are compared, besides what has to be for all tasks."""
        return {}

    def described(self, data: DataConfig) -> str:
        """The sizes of windows, and what is said of them."""
        return f"window {data.window}"

    def facts(self, config: RunConfig, evaluation: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Names and values for the summary in a report."""
        return []

    def report(self, training: Training, evaluation: Mapping[str, Any], details: Any) -> str:
        """The report of a run, as text; ``details`` are those of its measurement."""
        from zoo.reports.report import report_page

        return report_page(
            "measured.html",
            training,
            evaluation,
            ranked=self.measures_of(evaluation),
            measured=self.measured_table(evaluation),
            why_left_out=self.why_left_out,
        )

    # The model's card

    def meanings(
        self, problem: Problem, metrics: Mapping[str, Any], threshold: float | None, listed: Listed
    ) -> dict[str, str]:
        """What follows on an output's name and shape in the model's card; ``listed`` writes names."""
        return {}

    def card_table(self, metrics: Mapping[str, Any], targets: Sequence[str]) -> TextTable:
        """What was measured, for the model's card."""
        return self.measured_table(metrics, ".4g")
