"""Forecast: the targets in the rows that come after the window, and quantiles of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.data.roles import Roles
from zoo.evaluation.headline import FORECAST_MEASURES, Measures, everybody, forecast_measures
from zoo.outputs import FORECAST, QUANTILES, middle_quantile
from zoo.tasks.base import Column, InUnits, Listed, Output, Predict, SequenceTask, TextTable
from zoo_registry import Architecture, Problem, Search, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.data.readers.examples import Example
    from zoo.data.windows import Layout
    from zoo.evaluation.measurement import Measurement
    from zoo.preprocessing.prepared import Prepared
    from zoo.reports.report import Training
    from zoo.settings.schema import DataConfig, RunConfig

_MOST_CARD_TARGETS = 10  # of which the model's card has each one's errors


_LONGEST = 60  # characters of a series' name


class Forecast(SequenceTask):
    """The task ``forecast``; what is said in units, of one row too, is measured and told as here."""

    name: ClassVar[str] = Task.FORECAST
    measures = FORECAST_MEASURES
    roles = Roles(ahead=True)
    in_units = True
    normalizes = True
    told_by = "forecast"

    def example_settings(self, example: Example) -> dict[str, Any]:
        """Its target and horizon."""
        return {"target": example.target, "horizon": example.horizon}

    def searched(self, config: RunConfig, architecture: Architecture) -> dict[str, Search]:
        """The normalization of windows too."""
        found = super().searched(config, architecture)
        if architecture.outputs_per_target:  # on which nothing can be undone
            return found
        return {"normalize_window": Search.choice("none", "last", "instance", "seasonal", "mean")} | found

    def layout(self, config: DataConfig) -> Layout:
        """The horizon comes after the window and the gap."""
        from zoo.data.windows import Layout

        return Layout(config.window, config.horizon, config.window + config.gap, config.stride, config.context)

    def span(self, config: DataConfig) -> str:
        """A window and what it is a forecast of."""
        return "window + gap + horizon" if config.gap else "window + horizon"

    def outputs(
        self, horizon: int, targets: tuple[str, ...], classes: tuple[str, ...], quantiles: tuple[float, ...]
    ) -> list[Output]:
        """The forecast and, with levels, the quantiles."""
        found = [Output(FORECAST, (horizon, len(targets)), columns=targets)]
        return [*found, Output(QUANTILES, (horizon, len(targets), len(quantiles)))] if quantiles else found

    def decode(
        self, ops: Any, window: Any, output: Any, problem: Problem, *, in_units: InUnits, threshold: float | None
    ) -> dict[str, Any]:
        """The output in units; of quantiles the middle one is the forecast."""
        values, middle = in_units(output), middle_quantile(problem.quantiles)
        return {FORECAST: values} if middle is None else {FORECAST: values[..., middle], QUANTILES: values}

    def columns(self, outputs: Mapping[str, NDArray[Any]], problem: Problem) -> list[Column]:
        """Each target's forecast and, behind it, its quantiles, such as ``load 0.9``."""
        found = []
        for number, target in enumerate(problem.targets):
            own = [(target, outputs[FORECAST][:, :, number])]
            levels = enumerate(problem.quantiles)
            own += [(f"{target} {level:g}", outputs[QUANTILES][:, :, number, place]) for place, level in levels]
            found += [Column(name, values) for name, values in own[:-1]]
            found.append(Column(*own[-1], target))
        return found

    def measures_of(self, evaluation: Mapping[str, Any]) -> Measures:
        """Of several series the means of their MASE and sMAPE."""
        return forecast_measures(evaluation)

    def measure(self, predict: Predict, prepared: Prepared, config: RunConfig) -> Measurement:
        """Errors, in original units and scaled."""
        from zoo.evaluation.measurement import Measurement

        told = prepared.all_in_units("test", predict(prepared.parts["test"]))
        shared = config.network.channels == "shared"
        return Measurement.of_forecasts(told, prepared, past=not self.roles.apart, shared=shared)

    def results(self, evaluation: Mapping[str, Any], targets: Sequence[str]) -> Iterator[str | TextTable]:
        """Errors of several series by series, in original units, scaled of several targets, and of quantiles."""
        if "series" in evaluation:
            yield from _by_series(evaluation)
            yield ""
        rows = [
            (target, name, *map(_told, (measured["targets"][target][error] for error in ("mae", "rmse", "mase"))))
            for target in targets
            for name, measured in everybody(evaluation).items()
        ]
        yield TextTable(("target", self.told_by, "MAE", "RMSE", "MASE"), rows)
        if len(targets) > 1:
            yield ""
            yield self._scaled_table(evaluation, ".4f")
        if (quantiles := evaluation["quantiles"]) is not None:
            yield ""
            levels = zip(quantiles["levels"], quantiles["below"], quantiles["pinball"], strict=True)
            told = [(f"{level:g}", f"{below:.1%}", f"{pinball:.4f}") for level, below, pinball in levels]
            yield TextTable(("quantile", "truths at or below it", "scaled pinball loss"), told)
            interval = quantiles["interval"]
            yield (
                f"between the outermost two: {interval['inside']:.1%} of the truths, nominally"
                f" {interval['nominal']:.1%}"
            )
            if (weighted := quantiles.get("weighted")) is not None:
                yield f"weighted quantile loss: {weighted:.4f}"

    def _scaled_table(self, evaluation: Mapping[str, Any], digits: str) -> TextTable:
        scaled = [
            (name, *(f"{measured['scaled'][error]:{digits}}" for error in ("mae", "mse")))
            for name, measured in everybody(evaluation).items()
        ]
        return TextTable((self.told_by, "scaled MAE over all targets", "scaled MSE"), scaled)

    def described(self, data: DataConfig) -> str:
        """Window, horizon and gap."""
        return f"window {data.window}, horizon {data.horizon}, gap {data.gap}"

    def report(self, training: Training, evaluation: Mapping[str, Any], details: Any) -> str:
        """Errors, excerpts, and where and when it errs."""
        from zoo.reports.forecast_report import forecast_report

        return forecast_report(training, evaluation, details)

    def meanings(
        self, problem: Problem, metrics: Mapping[str, Any], threshold: float | None, listed: Listed
    ) -> dict[str, str]:
        """The columns, and the levels of quantiles."""
        levels = ", ".join(f"{level:g}" for level in problem.quantiles)
        return {
            FORECAST: f", columns: {listed(problem.targets)}",
            QUANTILES: f", the quantiles {levels} along the last axis",
        }

    def card_table(self, metrics: Mapping[str, Any], targets: Sequence[str]) -> TextTable:
        """MAE and RMSE of each target, of many their scaled errors, and of several series their mean MASE first."""
        if self.measures_of(metrics) is not self.measures:
            return self.measured_table(metrics, ".4g")
        if len(targets) > _MOST_CARD_TARGETS:
            return self._scaled_table(metrics, ".4g")
        heads = (f"{error} {target}" for target in targets for error in ("MAE", "RMSE"))
        rows = [
            (name, *(f"{measured['targets'][target][error]:.4g}" for target in targets for error in ("mae", "rmse")))
            for name, measured in everybody(metrics).items()
        ]
        return TextTable((self.told_by, *heads), rows)


def _told(error: float | None) -> str:
    return "" if error is None else f"{error:.4g}"


def _by_series(evaluation: Mapping[str, Any]) -> Iterator[str | TextTable]:
    """Means over the series, in how many the network is better, and where it is worst."""
    series, rows = evaluation["series"], []
    for name, measured in everybody(evaluation).items():
        own = measured["series"]
        beaten = "" if (share := own.get("beaten")) is None else f"{share:.1%}"
        rows.append((name, f"{own['count']:,}", _told(own["mase"]), _told(own["smape"]), beaten))
    yield TextTable(("forecast", "series", "mean MASE", "mean sMAPE", "network is better in"), rows)
    for name, why in series["partly"].items():
        yield f"{name}: not for {why}"
    if series["without_mase"]:
        yield f"without MASE: {series['without_mase']:,} series, whose change over a season is 0 or unknown"
    if series["unmeasured"]:
        yield f"not measured: {series['unmeasured']:,} series, which have no test window with a whole truth"
    if worst := series["worst"]:
        told = ", ".join(f"{one['series'][:_LONGEST]} {one['mase']['network']:.4g}" for one in worst)
        yield f"worst by MASE: {told}"
