"""Fixtures shared by all tests. TensorFlow is slow to start: one tiny run and one bundle serve everybody."""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # as a training sets them, which any test may come before
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as where the tests run in the background; commands inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

Command = Callable[..., Result]


@pytest.fixture
def zoo_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command in this process, in an empty folder: ``zoo_command("list").stdout``."""
    from zoo.cli.main import app

    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="zoo")


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """``install_plugin("pens", source)``: a distribution with one plugin, for this process and those that it starts."""
    from zoo_registry import discover

    site, modules = tmp_path / "site", []
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def install(distribution: str, source: str) -> None:
        modules.append(f"{distribution}_plugin")
        (site / f"{modules[-1]}.py").write_text(textwrap.dedent(source))
        folder = site / f"{distribution}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (folder / "entry_points.txt").write_text(f"[zoo]\n{distribution} = {modules[-1]}\n")
        importlib.invalidate_caches()
        discover.cache_clear()

    yield install
    discover.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


def make_series(rows: int = 240, seed: int = 0) -> pd.DataFrame:
    """Two hourly columns that follow each other, with a little noise."""
    random = np.random.default_rng(seed)
    steps = np.arange(rows)
    load = 100 + 10 * np.sin(steps / 4) + random.normal(0, 0.5, rows)
    temperature = 20 + 3 * np.cos(steps / 4) + random.normal(0, 0.2, rows)
    times = pd.date_range("2024-01-01", periods=rows, freq="h")
    return pd.DataFrame({"time": times, "load": load, "temperature": temperature})


def make_data_record(**changes: Any) -> Any:
    """What a run records of a table without times, but for changes."""
    from zoo.provenance import DataRecord, Part, Repairs

    told = {"source": "load.csv", "fingerprint": "ab" * 32, "rows": 240, "gaps": "error", "calendar": ()}
    split = {"train": Part(rows=(0, 168)), "validation": Part(rows=(168, 204)), "test": Part(rows=(204, 240))}
    columns = {"time_column": None, "series_column": None}
    return DataRecord.model_validate(told | columns | {"repairs": Repairs(), "split": split} | changes)


@pytest.fixture(scope="session")
def data_record() -> Callable[..., Any]:
    """``data_record(time_column="when")``: what a run records of its data."""
    return make_data_record


@pytest.fixture(scope="session")
def run_record() -> Callable[..., Any]:
    """``run_record("an-id")``: the record of a run that version 1 made, as one of this version."""
    from zoo.runs.record import RunRecord

    (path, *_) = sorted((Path(__file__).parent / "fixtures" / "version-1" / "runs").glob("*/run.json"))
    return lambda name: RunRecord.model_validate_json(path.read_bytes()).model_copy(update={"id": name})


@pytest.fixture(scope="session")
def labelled() -> Callable[..., pd.DataFrame]:
    """``labelled(last, forecast, targets, gap)``: forecasts after last windows, as a prediction labels them."""
    from zoo.inference.frames import last_frame
    from zoo.settings.schema import DataConfig
    from zoo.tasks import find_task

    def label(last: Any, forecast: Any, targets: list[str], gap: int = 0, **settings: Any) -> pd.DataFrame:
        config = DataConfig(horizon=forecast.shape[1], gap=gap)
        problem = find_task(config.task).state(config, targets, targets)
        return last_frame(last, problem, {"forecast": forecast}, **settings)

    return label


@pytest.fixture(scope="session")
def read_as_trained() -> Callable[..., Any]:
    """``read_as_trained(source, features, window, zone=…, **data)``: last windows, as a training on such data reads."""
    from zoo.data.last_window import read_last_windows
    from zoo.data.reading_choice import reading_as_trained
    from zoo.settings.schema import DataConfig
    from zoo.tasks import find_task

    def read(
        source: Any, features: list[str], window: int, zone: str | None = None, given: Any = None, **data: Any
    ) -> Any:
        problem = find_task("forecast").state(DataConfig(window=window), features, features[:1], zone=zone)
        reading = reading_as_trained(source, problem, make_data_record(**data), **(given or {}))
        return read_last_windows(source, features=features, window=window, reading=reading)

    return read


@pytest.fixture
def series() -> pd.DataFrame:
    """240 hourly rows with the columns time, load and temperature."""
    return make_series()


@pytest.fixture
def series_file(tmp_path: Path, series: pd.DataFrame) -> Path:
    """The series as a CSV file."""
    path = tmp_path / "series.csv"
    series.to_csv(path, index=False)
    return path


@pytest.fixture
def interrupted_at() -> Callable[..., Any]:
    """Call with Ctrl-C at a line of those run in the files: ``interrupted_at(number, files, call, *arguments)``."""

    def interrupted(number: int, files: set[str], call: Callable[..., Any], *arguments: Any) -> Any:
        left = number

        def trace(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal left
            if event == "line" and frame.f_code.co_filename in files:
                left -= 1
                if left == -1:
                    signal.raise_signal(signal.SIGINT)
            return trace

        usual = sys.gettrace()
        sys.settrace(trace)
        try:
            return call(*arguments)
        finally:
            sys.settrace(usual)

    return interrupted


@pytest.fixture
def inline_workers() -> Callable[..., Any]:
    """``inline_workers(jobs)``: an executor like that of processes, but in threads of this one."""
    from zoo.workers.process_pool import ProcessWorkers

    class InlineWorkers(ProcessWorkers):
        def _run(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return fn(*args, **kwargs)

    return lambda jobs=1: InlineWorkers(jobs, threads=1)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """A tiny run of ``basic`` on the series: window 8, horizon 3, features load and temperature, target load."""
    import zoo

    return zoo.train(
        "basic",
        make_series(),
        target="load",
        window=8,
        horizon=3,
        hyperparameters={"units": 4},
        epochs=2,
        runs=tmp_path_factory.mktemp("runs"),
    )


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory: pytest.TempPathFactory):
    """The bundle of the tiny run, ``…/exported/tiny/1``; tests that change it work on a copy."""
    return trained.export(tmp_path_factory.mktemp("exported"), name="tiny")


@pytest.fixture
def rewritten(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The functions of ours that AutoGraph rewrites, as they come; that takes time, and warns under Python 3.13."""
    from tensorflow.python.autograph.impl import api

    rewrite, found = api._convert_actual, []

    def noted(function: object, context: object) -> object:
        if function.__module__.startswith("zoo"):
            found.append(function)
        return rewrite(function, context)

    monkeypatch.setattr(api, "_convert_actual", noted)
    return found


@pytest.fixture(scope="session")
def etth1() -> Path:
    """The ETTh1 file, which is not part of the project."""
    path = Path(os.environ.get("ZOO_ETTH1", Path(__file__).parents[2] / "shared" / "data" / "ETTh1.csv"))
    if not path.is_file():
        pytest.skip("ETTh1.csv is not here; set ZOO_ETTH1 to its path")
    return path


class Payload:
    """Unpickled it writes the canary."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.canary, "it has acted")


@pytest.fixture
def poison() -> Callable[[Path, Path], None]:
    """``poison(file, canary)``: write a pickle that writes the canary where somebody unpickles it."""
    return lambda file, canary: file.write_bytes(pickle.dumps(Payload(canary)))


@pytest.fixture(scope="session")
def stress_script(request: pytest.FixtureRequest) -> Callable[[str], ModuleType]:
    """Load a script of tests/stress by its name."""

    def load(name: str) -> ModuleType:
        path = request.config.rootpath / "tests" / "stress" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"stress_{name}", path)
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where dataclasses look for it
        spec.loader.exec_module(module)
        return module

    return load
