"""What a training prints at its end: one function for each kind of answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.cli.flags import in_flags
from zoo.cli.output import left_out_note, note, print_table, repair_notes, say
from zoo.evaluation.headline import ANOMALY_MEASURES, CLASS_MEASURES, everybody
from zoo_registry import Task

if TYPE_CHECKING:
    from zoo.runs.record import RunRecord

_MOST_CLASSES = 12  # in the table of which class is taken for which


def print_results(record: RunRecord) -> None:
    """Write what was trained and how good it is to standard output, notes on the data to standard error."""
    data, training, metrics = record.data, record.training, record.evaluation
    for column in data.ignored:
        note(f"{left_out_note(column)} and was not used")
    for sentence in repair_notes(data.repairs):
        note(sentence)
    say(f"features: {', '.join(record.problem.features)}; time: {data.time_column or 'none'}")
    epochs = f"best epoch {training.best_epoch} of {training.epochs}" if training.epochs else "not trained"
    say(
        f"{record.config.architecture} with {training.parameters:,} parameters: {epochs},"
        f" validation loss {training.val_loss:.4g}, {training.seconds:.1f} s"
    )
    parts = ", ".join(f"{name} {part.windows}" for name, part in data.split.items())
    if record.config.task is Task.CLASSIFY:
        say(f"windows: {parts}; classes told of the test windows\n")
        _print_classes(metrics)
    elif record.config.task is Task.ANOMALY:
        left_out = f" ({metrics['left_out']} left out: a value or label is missing)" if metrics["left_out"] else ""
        say(f"windows: {parts}{left_out}; scores of the test windows' last rows\n")
        _print_anomalies(metrics)
    else:
        left_out = f" ({metrics['left_out']} left out: their truth is missing)" if metrics["left_out"] else ""
        say(f"windows: {parts}{left_out}; errors on the test windows, in original units\n")
        print_forecasts(metrics, record.problem.targets)
    for name, reason in metrics["skipped"].items():
        say(f"{name}: not computed, {in_flags(reason)}")
    say()


def print_forecasts(metrics: Mapping[str, Any], targets: Sequence[str]) -> None:
    """Write the errors of network and baselines: in original units, scaled of several targets, and of quantiles."""
    rows = [
        (target, name, *map(_told, (measured["targets"][target][error] for error in ("mae", "rmse", "mase"))))
        for target in targets
        for name, measured in everybody(metrics).items()
    ]
    print_table(("target", "forecast", "MAE", "RMSE", "MASE"), rows)
    if len(targets) > 1:
        say()
        rows = [
            (name, f"{measured['scaled']['mae']:.4f}", f"{measured['scaled']['mse']:.4f}")
            for name, measured in everybody(metrics).items()
        ]
        print_table(("forecast", "scaled MAE over all targets", "scaled MSE"), rows)
    if metrics["quantiles"] is not None:
        _print_quantiles(metrics["quantiles"])


def _told(error: float | None) -> str:
    return "" if error is None else f"{error:.4g}"


def _print_quantiles(measured: Mapping[str, Any]) -> None:
    say()
    levels = zip(measured["levels"], measured["below"], measured["pinball"], strict=True)
    rows = [(f"{level:g}", f"{below:.1%}", f"{pinball:.4f}") for level, below, pinball in levels]
    print_table(("quantile", "truths at or below it", "scaled pinball loss"), rows)
    interval = measured["interval"]
    say(f"between the outermost two: {interval['inside']:.1%} of the truths, nominally {interval['nominal']:.1%}")


def _print_classes(metrics: Mapping[str, Any]) -> None:
    rows = []
    for name, measured in everybody(metrics).items():
        values = (measured[measure] for measure in CLASS_MEASURES)
        rows.append((name, *("" if value is None else f"{value:.4f}" for value in values)))
    print_table(("told by", *CLASS_MEASURES.values()), rows)
    say()
    classes = metrics["classes"]
    if len(classes) > _MOST_CLASSES:
        say(f"which of the {len(classes)} classes is taken for which: see the report")
        return
    confusion = zip(classes, metrics["network"]["confusion"], strict=True)
    rows = [(name, *(f"{count:,}" for count in counts)) for name, counts in confusion]
    print_table(("truth, by the network", *(f"told {name}" for name in classes)), rows)


def _print_anomalies(metrics: Mapping[str, Any]) -> None:
    measures = ANOMALY_MEASURES if "average_precision" in metrics["network"] else {}
    rows = [
        (name, f"{measured['threshold']:.4g}", f"{measured['flagged']:,}", *(f"{measured[m]:.4f}" for m in measures))
        for name, measured in everybody(metrics).items()
    ]
    print_table(("scores of", "threshold", "flagged", *measures.values()), rows)
    labelled = "" if metrics["anomalies"] is None else f"; labelled as anomalies: {metrics['anomalies']:,}"
    say(
        f"threshold: the {metrics['quantile']:.2%} quantile of the validation scores; flagged by the network:"
        f" {metrics['network']['flagged']:,} of {metrics['windows']:,} test rows{labelled}"
    )
