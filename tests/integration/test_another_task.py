"""A fifth task is one file and one line: this file, which trains, exports, verifies and predicts with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.data.roles import Roles
from zoo.data.windows import Layout
from zoo.evaluation.headline import Measures, outcomes, told
from zoo.evaluation.measurement import Measurement
from zoo.tasks import TASKS, base, find_task
from zoo.tasks.base import Column, Output, SequenceTask
from zoo_registry import Problem, discover
from zoo_registry.errors import ConfigError


class Change(SequenceTask):
    """How far the next row is from the window's last one, and whether it is above it."""

    name = "change"
    like = "forecast"
    roles = Roles(ahead=True)
    measures = Measures({"mae": "MAE of changes", "share": "share of right signs"})
    in_units = True

    def layout(self, config: Any) -> Layout:
        return Layout(config.window, config.horizon, config.window, config.stride, config.context)

    def outputs(
        self, horizon: int, targets: tuple[str, ...], classes: tuple[str, ...], quantiles: tuple[float, ...]
    ) -> list[Output]:
        return [Output("forecast", (1, len(targets)), columns=targets), Output("score", (1,), "score")]

    def decode(
        self,
        ops: Any,
        window: Any,
        output: Any,
        problem: Problem,
        *,
        in_units: Callable[[Any], Any],
        threshold: float | None,
    ) -> dict[str, Any]:
        last = ops.take(window[:, -1:], list(problem.target_columns), axis=2)
        return {"forecast": in_units(output), "score": ops.mean(ops.abs(output - last), axis=2)}

    def columns(self, outputs: Mapping[str, Any], problem: Problem) -> list[Column]:
        forecast = [Column(name, outputs["forecast"][:, :, place], name) for place, name in enumerate(problem.targets)]
        return [*forecast, Column("change", outputs["score"])]

    def measure(self, predict: base.Predict, prepared: Any, config: Any) -> Measurement:
        test, scale = prepared.parts["test"], prepared.preprocessor.targets_.inverse_transform
        forecast = np.concatenate([scale(output, axis=2) for output in predict(test)])
        last, truth = prepared.history[test.last_rows()][:, None], prepared.history[test.target_rows()]

        def measured(values: Any) -> dict[str, float]:
            right = np.sign(values - last) == np.sign(truth - last)
            return {"mae": float(np.abs(values - truth).mean()), "share": float(right.mean())}

        evaluation = {
            "windows": len(test),
            "left_out": 0,
            "network": measured(forecast),
            "baselines": {"no change": measured(last)},
            "skipped": {},
        }
        verdict = f"By the MAE of changes the network {told(outcomes(evaluation, self.measures))}."
        return Measurement(evaluation | {"verdict": verdict}, None)

    def meanings(
        self,
        problem: Problem,
        metrics: Mapping[str, Any],
        threshold: float | None,
        listed: Callable[[Sequence[str]], str],
    ) -> dict[str, str]:
        return {"forecast": f", the next row of {listed(problem.targets)}"}


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line, and an architecture that does the task."""
    monkeypatch.setitem(TASKS, "change", f"{__name__}:Change")
    entry = discover().catalogue["basic"]
    object.__setattr__(entry, "item", replace(able := entry.item, tasks=(*able.tasks, "change")))
    yield
    object.__setattr__(entry, "item", able)


def test_a_task_that_is_not_there_is_told_with_a_close_match():
    with pytest.raises(ConfigError, match=r"there is no task 'regres'; did you mean 'regress'\?"):
        find_task("regres")


def test_the_settings_and_sizes_of_another_task(change: None):
    task = find_task("change")
    assert task.among(("forecast",))
    assert not task.among(("classify", "anomaly"))
    basic = discover().catalogue["basic"].item
    shape = task.sized(6, 3, 4, 2, 0, basic)
    assert (shape.task, shape.output, shape.target_columns) == ("change", (4, 2), (0, 1))


@pytest.mark.full
def test_another_task_is_trained_exported_verified_and_predicted(
    change: None, series: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    series.to_csv("load.csv", index=False)
    run = zoo.train(
        "basic", "load.csv", task="change", target="load", window=6, horizon=1, epochs=1, hyperparameters={"units": 2}
    )
    assert run.config.task == "change"
    assert run.metrics["verdict"].startswith("By the MAE of changes the network ")
    assert "no change" in (run.folder / "report.html").read_text(encoding="utf-8")
    bundle = run.export(name="change")
    assert all(verdict.passed for verdict in zoo.verify_bundle(bundle.folder))
    assert "the next row of `load`" in (bundle.folder / "README.md").read_text(encoding="utf-8")
    ours, theirs = run.predict("load.csv"), bundle.predict("load.csv")
    assert list(theirs.columns) == ["load", "change"]
    assert len(theirs) == 1
    np.testing.assert_allclose(theirs["load"], ours["load"], rtol=1e-5)
    again = zoo.load_run(run.folder)
    assert again.evaluate("load.csv") == run.metrics
    answers = pd.concat(bundle.backtest("load.csv"))
    assert list(answers.columns) == ["time", "origin", "step", "load", "load actual", "change"]
