"""Files of a run that are damaged, missing or made to harm: one sentence each, and nothing in them acts by itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from zoo_registry.errors import RunError


@pytest.fixture
def run(trained, tmp_path: Path) -> Path:
    """A copy of the tiny run, ``runs/one``, to damage."""
    return Path(shutil.copytree(trained.folder, tmp_path / "runs" / "one"))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def garbage(path: Path) -> None:
    path.write_bytes(b"\x93\x00\xff{no file of the zoo" * 50)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: tuple[Callable[[Path], None], ...] = (empty, cut, garbage, Path.unlink, folder)


def told(zoo_command, *command: str) -> str:
    """The one sentence that a command ends with."""
    done = zoo_command(*command)
    assert isinstance(done.exception, SystemExit), repr(done.exception)
    assert (done.exit_code, done.stdout) == (2, "")
    (sentence,) = (line for line in done.stderr.splitlines() if not line.startswith(("column ", "warning: ")))
    assert sentence.startswith("error: ")
    return sentence


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["model.keras", "preprocessing.json"])
def test_repair_16_a_damaged_file_is_one_sentence(run, series_file, zoo_command, name, damage):
    damage(run / name)
    commands = [("export", "one"), ("backtest", "one", "--data", str(series_file))]
    if name == "model.keras":  # all that a training begins with
        settings = ("--target", "load", "--window", "8", "--horizon", "3", "--set", "units=4", "--epochs", "1")
        commands.append(("train", "basic", "--data", str(series_file), "--from", "one", *settings))
    for command in commands:
        assert told(zoo_command, *command).startswith(f"error: runs/one/{name}: ")
    assert not Path("exported").exists()
    with pytest.raises(RunError, match=name):
        zoo.load_run(run).predict(series_file)


@pytest.mark.parametrize("damage", [garbage, Path.unlink, folder])
def test_repair_16_the_pickle_of_a_run_is_for_others(run, trained, series_file, damage):
    damage(run / "scalers.joblib")
    assert zoo.load_run(run).predict(series_file).equals(trained.predict(series_file))


@pytest.fixture
def poisoned(run, tmp_path, poison) -> Path:
    """Where ``scalers.joblib`` of the run writes, if anybody unpickles it."""
    poison(run / "scalers.joblib", tmp_path / "canary")
    return tmp_path / "canary"


def test_repair_19_a_backtest_unpickles_nothing(run, poisoned, series_file, zoo_command):
    done = zoo_command("backtest", "one", "--data", series_file)
    assert done.exit_code == 0, done.output
    assert not poisoned.exists()


@pytest.mark.full
def test_repair_19_an_export_unpickles_nothing(run, poisoned, zoo_command):
    done = zoo_command("export", "one", "--name", "tiny")
    assert done.exit_code == 0, done.output
    assert not poisoned.exists()
    scalers = zoo.load_bundle("exported/tiny").load_scalers(trusted=True)
    assert {type(scaler).__module__.split(".")[0] for scaler in scalers.values()} == {"sklearn"}


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["features"].pop(),
        lambda told: told["features"][0].update(minimum="many"),
        lambda told: told["fitted"]["targets"]["standard"]["mean_"].update(array=[]),
        lambda told: told["fitted"]["targets"]["standard"]["scale_"].update(array=["x"]),
        lambda told: told.update(features=None),
        lambda told: told["features"][0].update(scaler="lost"),
    ],
)
def test_repair_16_foreign_numbers_are_one_sentence(run, series_file, zoo_command, change):
    content = json.loads((run / "preprocessing.json").read_text())
    change(content)
    (run / "preprocessing.json").write_text(json.dumps(content))
    sentence = told(zoo_command, "backtest", "one", "--data", series_file)
    assert "preprocessing.json: " in sentence
