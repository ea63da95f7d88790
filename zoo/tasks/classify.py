"""Classify: the class of the window's last row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.data.roles import Roles
from zoo.evaluation.headline import CLASS_MEASURES
from zoo.outputs import PROBABILITIES
from zoo.tasks.base import Column, InUnits, Listed, Output, Predict, SequenceTask, TextTable
from zoo_registry import Architecture, Problem, Search, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.data.readers.examples import Example
    from zoo.data.table import Table
    from zoo.data.windows import Windows
    from zoo.evaluation.measurement import Measurement
    from zoo.preprocessing.prepared import Prepared
    from zoo.reports.report import Training
    from zoo.settings.schema import DataConfig, RunConfig

_MOST_CLASSES = 12  # in the table of which class is taken for which
_SOME = 20  # classes in a line


class Classify(SequenceTask):
    """The task ``classify``; the network gives logits."""

    name: ClassVar[str] = Task.CLASSIFY
    measures = CLASS_MEASURES
    roles = Roles(classes=True)
    unsuited: ClassVar[Mapping[str, str]] = {
        "label": "whose classes are named with `target`",
        "target_scaler": "whose target is a column of classes",
        "channels": "which has one output of all target series",
    }
    default_loss = "cross-entropy"
    gives_values = False
    target_wanted = "the column of classes"
    targets_head = "column of classes"
    tested = "classes told of the test windows"
    why_left_out = "their class is missing"

    def example_settings(self, example: Example) -> dict[str, Any]:
        """Its column of classes; of what comes last no class is known."""
        return {} if example.classes is None else {"target": example.classes, "missing": "drop"}

    def searched(self, config: RunConfig, architecture: Architecture) -> dict[str, Search]:
        """The losses of classes."""
        return {"loss": Search.choice("cross-entropy", "focal")}

    def check_table(self, table: Table, parts: Mapping[str, Windows]) -> None:
        """Raise DataError for one class, and for one that no train window ends in."""
        from zoo.data.labels import check_classes_told

        check_classes_told(table, parts)

    def outputs(
        self, horizon: int, targets: tuple[str, ...], classes: tuple[str, ...], quantiles: tuple[float, ...]
    ) -> list[Output]:
        """A probability of each class."""
        return [Output(PROBABILITIES, (len(classes),), "share", classes)]

    def decode(
        self, ops: Any, window: Any, output: Any, problem: Problem, *, in_units: InUnits, threshold: float | None
    ) -> dict[str, Any]:
        """The probabilities of the classes, (batch, classes)."""
        return {PROBABILITIES: probabilities(ops, output)}

    def columns(self, outputs: Mapping[str, NDArray[Any]], problem: Problem) -> list[Column]:
        """The likeliest class, in a column called as the target, and each one's probability, such as ``sky rain``."""
        import numpy as np

        shares, target = outputs[PROBABILITIES], problem.targets[0]
        told = np.array([*problem.classes, None], dtype=object)[
            np.where(np.isnan(shares).any(axis=1), len(problem.classes), shares.argmax(axis=1))
        ]
        each = [Column(f"{target} {name}", shares[:, [place]]) for place, name in enumerate(problem.classes)]
        return [Column(target, told[:, None], target), *each]

    def measure(self, predict: Predict, prepared: Prepared, config: RunConfig) -> Measurement:
        """Log loss, accuracy and others, and which class is taken for which."""
        import numpy as np

        from zoo.evaluation.measurement import Measurement

        told = np.concatenate([probabilities(np, logits) for logits in predict(prepared.parts["test"])])
        return Measurement.of_classes(told, prepared, balanced=config.training.class_weights == "balanced")

    def results(self, evaluation: Mapping[str, Any], targets: Sequence[str]) -> Iterator[str | TextTable]:
        """The measures, and which class is taken for which."""
        yield self.measured_table(evaluation)
        yield ""
        classes = evaluation["classes"]
        if len(classes) > _MOST_CLASSES:
            yield f"which of the {len(classes)} classes is taken for which: see the report"
            return
        confusion = zip(classes, evaluation["network"]["confusion"], strict=True)
        rows = [(name, *(f"{count:,}" for count in counts)) for name, counts in confusion]
        yield TextTable(("truth, by the network", *(f"told {name}" for name in classes)), rows)

    def same(self, config: RunConfig, evaluation: Mapping[str, Any]) -> dict[str, Any]:
        """The classes."""
        return {"classes": evaluation["classes"]}

    def described(self, data: DataConfig) -> str:
        """The window, and what is told."""
        return f"window {data.window}; the class of the window's last row"

    def facts(self, config: RunConfig, evaluation: Mapping[str, Any]) -> list[tuple[str, str]]:
        """How often each class is the truth, and how the loss weighed them."""
        counts = zip(evaluation["classes"], evaluation["counts"], strict=True)
        told = [f"{name} ({count:,} test windows)" for name, count in counts]
        more = f" and {len(told) - _SOME} more" if len(told) > _SOME else ""
        return [("classes", ", ".join(told[:_SOME]) + more), ("class weights", config.training.class_weights)]

    def report(self, training: Training, evaluation: Mapping[str, Any], details: Any) -> str:
        """The measures, confusions, and how far probabilities can be believed."""
        from zoo.reports.class_report import class_report

        return class_report(training, evaluation, details)

    def meanings(
        self, problem: Problem, metrics: Mapping[str, Any], threshold: float | None, listed: Listed
    ) -> dict[str, str]:
        """The order of the classes."""
        return {
            PROBABILITIES: f", of the classes of {listed(problem.targets)} in this order: {listed(problem.classes)};"
            " they are those of the window's last row, and sum to 1"
        }


def probabilities(ops: Any, logits: Any) -> Any:
    """Softmax of (batch, classes); for two classes this is the sigmoid of the difference of their logits."""
    shares = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
    return shares / ops.sum(shares, axis=-1, keepdims=True)
