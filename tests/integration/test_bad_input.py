"""Every bad input through the command: one clear sentence, exit code 2, no traceback, and nothing written."""

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

TRAIN = "train basic --window 8 --horizon 3 --epochs 1"
SERIES = f"{TRAIN} --data series.csv --target load"

BAD_NAMES = ["", "..", ".", "a/b", ".x", "-x", "a b", "é", "a\n", "/tmp/x"]

Refusal = Callable[..., str]


def in_row(column: str, row: int, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Put a value into a row, counted from 1 as in the messages."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype({column: object})
        frame.loc[row - 1, column] = value
        return frame

    return change


def swap_rows_10_and_11(frame: pd.DataFrame) -> pd.DataFrame:
    order = list(range(len(frame)))
    order[9], order[10] = 10, 9
    return frame.iloc[order]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (in_row("temperature", 7, "warm"), "bad.csv: column 'temperature', row 7: expected a number, found 'warm'"),
        (swap_rows_10_and_11, "times in column 'time' are unsorted: row 11 (2024-01-01 09:00:00) follows row 10"),
        (lambda frame: frame.assign(load=3.5), "bad.csv: column 'load' is constant in the train rows (3.5)"),
        (lambda frame: frame[:60], "bad.csv: the validation part has 9 of 60 rows, but window + horizon need 11"),
    ],
)
def test_bad_tables(refused: Refusal, tmp_path: Path, series: pd.DataFrame, change, expected: str):
    """A few of those that test_malformed_tables.py has inspected."""
    change(series.copy()).to_csv(tmp_path / "bad.csv", index=False)
    refused(f"{TRAIN} --data bad.csv --target load", "error: bad.csv: ", expected)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (f"{TRAIN} --data absent.csv --target load", "absent.csv: there is no such file; give a CSV or Parquet file"),
        (f"{TRAIN} --data example:c02 --target load", "there is no example 'c02'; did you mean 'co2'?"),
        (f"{TRAIN} --target laod", "example:co2: there is no column 'laod'; known are: co2, date"),
        (f"{TRAIN} --data series.csv", "no target was named for series.csv; give --target"),
        (f"{TRAIN} --data series.csv --target laod", "series.csv: there is no column 'laod'; did you mean 'load'?"),
        (f"{SERIES} --features load,temprature", "no column 'temprature'; did you mean 'temperature'?"),
        (f"{SERIES} --time tiem", "series.csv: there is no column 'tiem'; did you mean 'time'?"),
        (f"{SERIES} --time ''", "there is no column ''"),
        (f"{SERIES} --target load", "target 'load' was named more than once"),
        (f"{SERIES} --split 10,115,115", "series.csv: the train part has 10 of 240 rows, but window + horizon need 11"),
        (f"{SERIES} --window 200", "the train part has 168 of 240 rows, but window + horizon need 203"),
        (f"{SERIES} --split 0.7,0.2,0.2", "fractions that sum to 1, or whole numbers of rows, found 0.7,0.2,0.2"),
        (f"{SERIES} --split=-1,1,1", "a split has three parts above 0 (train, validation, test), found -1,1,1"),
        (f"{SERIES} --split a,b,c", "expected three numbers such as 0.7,0.15,0.15, found 'a,b,c'"),
        ("train bsic", "there is no architecture 'bsic'; did you mean 'basic'?"),
        ("show bsic", "there is no architecture 'bsic'; did you mean 'basic'?"),
        (f"{SERIES} --set untis=4", "hyperparameter 'untis' is unknown; did you mean 'units'?"),
        (f"{SERIES} --set units=0", "'units': expected greater than or equal to 1, found '0'"),
        (f"{SERIES} --set dropout=1.5", "'dropout': expected less than 1, found '1.5'"),
        (f"{SERIES} --set units=many", "'units': expected a valid integer"),
        (f"{SERIES} --set units", "--set takes NAME=VALUE, found 'units'"),
        (f"{SERIES} --scaler standrad", "there is no scaler 'standrad'; did you mean 'standard'?"),
        (f"{SERIES} --loss msee", "there is no loss 'msee'; did you mean 'mse'?"),
        (f"{SERIES} --loss hubre:delta=2", "there is no loss 'hubre'; did you mean 'huber'?"),
        (f"{SERIES} --loss ''", "there is no loss ''; known are: "),
        (f"{SERIES} --loss focal", "loss 'focal' does not serve the task 'forecast'; those that do: mse, mae, huber, "),
        ("train basic --task regress --data series.csv --target load --loss weighted-mse", "loss 'weighted-mse' does"),
        (f"{SERIES} --loss architecture", "architecture 'basic' has no loss of its own; take one of mse, mae, huber, "),
        (f"{SERIES} --optimizer adma", "'sgd', 'nadam' or 'lion', found 'adma'"),
        (f"{SERIES} --schedule linear", "'constant', 'exponential'"),
        (f"{SERIES} --schedule exponential:steps=0", "steps': expected greater than or equal to 1, found '0'"),
        (f"{SERIES} --schedule cosin", "'cyclical', 'one-cycle' or 'plateau', found 'cosin'"),
        (f"{SERIES} --schedule cosine:warmpu=5", "cosine has no parameter 'warmpu'; did you mean 'warmup'?"),
        (f"{SERIES} --schedule cosine:steps", "a schedule takes NAME=VALUE, found 'steps'"),
        (f"{SERIES} --schedule cosine:floor=1.5", "'schedule.cosine.floor': expected less than 1, found '1.5'"),
        (f"{SERIES} --schedule cosine:restarts=true", "'schedule.cosine': restarts need steps, the length of the"),
        (f"{SERIES} --schedule cosine:length=3", "'schedule.cosine': length and height are those of restarts; give"),
        (f"{SERIES} --schedule cosine:warmup=500", "a warm-up of 500 steps leaves nothing of the training, which has"),
        (f"{SERIES} --schedule cyclical:mode=square", "'triangular', 'triangular2' or 'exp-range', found 'square'"),
        (f"{SERIES} --schedule cyclical:gamma=0.9", "'schedule.cyclical': gamma is that of mode exp-range; give"),
        (f"{SERIES} --schedule one-cycle:start=2", "start': expected less than or equal to 1, found '2'"),
        (f"{SERIES} --schedule plateau:patience=0", "patience': expected greater than or equal to 1, found '0'"),
        (f"{SERIES} --momentum 0.9", "--momentum is for --optimizer sgd and rmsprop, found adam; leave it out"),
        (f"{SERIES} --momentum 1", "--momentum: expected less than 1, found 1.0"),
        (f"{SERIES} --optimizer sgd --nesterov", "--nesterov looks ahead along the momentum, but that is 0; give"),
        (f"{SERIES} --optimizer rmsprop --momentum 0.9 --nesterov", "--nesterov is for --optimizer sgd, found"),
        (f"{SERIES} --clip-norm 1 --clip-value 1", "--clip-norm and --clip-value bound the gradients each in its way"),
        (f"{SERIES} --clip-norm=-1", "--clip-norm: expected greater than or equal to 0, found -1.0"),
        (f"{SERIES} --clip-norm inf", "--clip-norm: expected a finite number, found inf"),
        (f"{SERIES} --weight-decay 1", "--weight-decay: expected less than 1, found 1.0"),
        (f"{SERIES} --find-lr --export", "--find-lr trains nothing that could be exported; leave --export out"),
        (f"{SERIES} --plot a.png", "--plot draws what --find-lr finds, but that was not given; add it, or leave"),
        (f"{SERIES} --find-lr --name mine", "--name is for an export, but --export was not given"),
        (f"{SERIES} --find-lr --plot a.gif", "--plot: expected a .png, .svg or .pdf file in a folder that is there"),
        (f"{SERIES} --find-lr --plot no/a.png", "--plot: expected a .png, .svg or .pdf file in a folder that is there"),
        (f"{SERIES} --find-lr --target laod", "series.csv: there is no column 'laod'; did you mean 'load'?"),
        (f"{SERIES} --missing guess", "'error', 'drop', 'ffill', 'interpolate' or 'mask', found 'guess'"),
        (f"{SERIES} --window 0", "--window: expected greater than or equal to 1, found 0"),
        (f"{SERIES} --horizon 0", "--horizon: expected greater than or equal to 1, found 0"),
        (f"{SERIES} --epochs -1", "--epochs: expected greater than or equal to 0, found -1"),
        (f"{SERIES} --batch-size 0", "--batch-size: expected greater than or equal to 1, found 0"),
        (f"{SERIES} --learning-rate=-1", "--learning-rate: expected greater than 0, found -1.0"),
        (f"{SERIES} --learning-rate nan", "--learning-rate"),
        (f"{SERIES} --season 0", "--season: expected greater than or equal to 1, found 0"),
        (f"{SERIES} --seed=-1", "--seed: expected greater than or equal to 0, found -1"),
        (f"{SERIES} --window many", "Invalid value for '--window'"),
        (f"{SERIES} --widnow 3", "--window"),
        ("trian", "No such command 'trian'"),
        ("train", "Missing argument 'architecture'"),
        ("export nosuch", "runs: there are no runs; train one with: zoo train basic"),
        (f"{SERIES} --embargo=-1", "--embargo: expected greater than or equal to 0, found -1"),
        (f"{SERIES} --stride 0", "--stride: expected greater than or equal to 1, found 0"),
        (f"{SERIES} --decimal ,", "--delimiter and --decimal are both ','; give them different signs"),
        (f"{SERIES} --encoding utf-7000", "there is no encoding 'utf-7000'; give one such as utf-8"),
        (f"{SERIES} --name mine", "--name is for an export, but --export was not given"),
        ("train basic --data absent.csv --target y --name mine", "--name is for an export, but --export was"),
        ("train basic --data absent.csv --target y --export --name '*'", "found '*'; give another --name"),
        ("train basic --data absent.csv --target y --find-lr --from latest", "there are no runs; train one with"),
        (f"{SERIES} --runs series.csv", "--runs: expected a folder, found the file series.csv; name another"),
        (f"{SERIES} --export --exported series.csv/x", "--exported: expected a folder, found the file series.csv"),
        ("export latest --exported series.csv", "--exported: expected a folder, found the file series.csv"),
        ("predict folder --data series.csv --output nix/f.csv", "--output: expected a file in a folder that is there"),
        ("predict folder --data series.csv --output a.xlsx", "--output writes .csv or .parquet"),
        ("predict folder --data series.csv --output a.csv --json", "and --json to the terminal; found a.csv"),
        ("predict folder --data series.csv --output folder", "--output: expected a file in a folder that is there"),
        (f"{SERIES} --set units=3 --set units=4", "--set: 'units' is given more than once; give it once"),
        ("verify absent", "absent: expected a folder, found nothing; give a bundle such as exported/NAME/1"),
        ("verify series.csv", "series.csv: expected a folder, found a file"),
        ("verify folder --runtime onxruntime", "there is no runtime 'onxruntime'; did you mean 'onnxruntime'?"),
        ("predict folder --data series.csv", "folder: expected a bundle or a model folder with versions, found"),
        ("predict folder", "Missing option '--data'"),
        (
            "predict folder --data series.csv --missing drop",
            "--missing is one of error, ffill, interpolate, mask, found",
        ),
    ],
)
def test_bad_arguments(refused: Refusal, series_file: Path, tmp_path: Path, command: str, expected: str):
    (tmp_path / "folder").mkdir()
    refused(command, expected)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_are_refused_before_a_training(refused: Refusal, series_file: Path, name: str):
    sentence = refused(f"{SERIES} --export --name={shlex.quote(name)}", "a model's name begins with a letter or digit")
    assert sentence.endswith("; give another --name")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_are_refused_before_an_export(refused: Refusal, trained, name: str):
    refused(
        f"export {trained.id} --runs {trained.folder.parent} --name={shlex.quote(name)}",
        f"found {name!r}; give another --name",
    )


def test_an_unknown_run_is_told_with_the_close_match(refused: Refusal, trained):
    refused(f"export x{trained.id} --runs {trained.folder.parent}", f"did you mean '{trained.id}'?")


def test_a_run_with_a_broken_record(zoo_command, snapshot, trained, tmp_path: Path):
    broken = tmp_path / "runs" / trained.id
    shutil.copytree(trained.folder, broken)
    (broken / "run.json").write_text('{"id": "x"}', encoding="utf-8")
    (broken / "files.sha256").unlink()  # else it is told before it is read
    before = snapshot(tmp_path)
    result = zoo_command("export", trained.id)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: runs/{trained.id}/run.json: not a valid record of this version")
    assert snapshot(tmp_path) == before


@pytest.fixture
def bundle(exported, tmp_path: Path) -> Path:
    """A copy of the tiny bundle, ``tiny/1``, below the working folder."""
    shutil.copytree(exported.folder.parent, tmp_path / "tiny")
    return tmp_path / "tiny" / "1"


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage", "expected"),
    [
        ("golden.npz", change_a_byte, "its SHA-256 is not the manifest's; it was changed"),
        ("variables/variables.index", Path.unlink, "the manifest lists this file, but it is missing"),
        ("extra.txt", Path.touch, "the manifest does not list this file; remove it"),
        ("more", lambda path: path.symlink_to(path.parent), "expected files and folders alone, found a link"),
        ("manifest.json", change_a_byte, "its checksum does not hold; the manifest was changed"),
    ],
)
def test_a_damaged_file_is_named(refused: Refusal, bundle: Path, name: str, damage: Callable[[Path], None], expected):
    damage(bundle / name)
    for command in ("verify tiny", "verify tiny/1", "predict tiny/1 --data example:co2"):
        refused(command, f"error: tiny/1/{name}: ", expected)


@pytest.mark.parametrize(
    ("change", "options", "expected"),
    [
        (lambda f: f.drop(columns="load"), "", "bad.csv: there is no column 'load'; known are: temperature, time"),
        (lambda f: f.rename(columns={"load": "laod"}), "", "there is no column 'load'; did you mean 'laod'?"),
        (lambda f: f[:7], "", "bad.csv: expected at least 8 rows (the window), found 7; give more rows"),
        (in_row("load", 240, None), "", "column 'load', row 240 (2024-01-10 23:00:00): the value is missing"),
        (swap_rows_10_and_11, "", "times in column 'time' are unsorted: row 11"),
        (lambda f: f, "--time when", "there is no column 'when'"),
        (lambda f: f.assign(load=np.nan), "--missing ffill", "column 'load' has no value at all, expected numbers"),
        (
            lambda f: in_row("load", 1, None)(f[:8]),
            "--missing ffill",
            "column 'load', row 1 (2024-01-01 00:00:00): the",
        ),
    ],
)
def test_bad_tables_to_predict_from(
    refused: Refusal, bundle: Path, tmp_path: Path, series: pd.DataFrame, change, options: str, expected: str
):
    change(series.copy()).to_csv(tmp_path / "bad.csv", index=False)
    sentence = refused(f"predict tiny --data bad.csv {options}", expected)
    assert "--features" not in sentence  # predict has no such option
    refused(f"predict tiny --data bad.csv {options} --output out.csv", expected)


def test_predicting_from_a_file_that_is_not_there(refused: Refusal, bundle: Path):
    refused("predict tiny --data absent.csv", "absent.csv: there is no such file")


def test_training_for_a_name_of_another_interface_is_refused_before_it_begins(
    refused: Refusal, bundle: Path, series_file: Path
):
    name = "--export --exported . --name tiny"
    refused(f"{SERIES} --window 9 {name}", "tiny has another interface (window 8 there, 9 here); give another --name")
    refused(f"{SERIES} --target temperature {name}", "tiny has another interface (targets ['load'] there")
    refused(f"{SERIES} --features load {name}", "tiny has another interface (features ")


def test_exporting_under_a_name_of_another_interface_is_refused(
    zoo_command, snapshot, bundle: Path, trained, tmp_path: Path
):
    run = tmp_path / "runs" / "other"
    shutil.copytree(trained.folder, run)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record["problem"]["horizon"] = record["problem"]["outputs"][0]["shape"][0] = 4
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    (run / "files.sha256").unlink()
    before = snapshot(tmp_path)
    result = zoo_command("export", "other", "--exported", ".", "--name", "tiny")
    assert result.exit_code == 2
    assert result.stderr == "error: tiny has another interface (horizon 3 there, 4 here); give another --name\n"
    assert snapshot(tmp_path) == before


def interrupt(*_arguments: object, **_options: object) -> None:
    raise KeyboardInterrupt


def check_interrupted(result, before: dict[str, bytes | None], after: dict[str, bytes | None]) -> None:
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1].startswith("interrupted")
    assert "Traceback" not in result.output
    assert after == before


def test_an_interrupt_while_the_data_are_read_writes_nothing(
    zoo_command, snapshot, series_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = snapshot(tmp_path)
    monkeypatch.setattr("zoo.data.readers.reading.pd.read_csv", interrupt)
    check_interrupted(zoo_command(*shlex.split(SERIES)), before, snapshot(tmp_path))


def test_an_interrupt_of_a_training_writes_nothing(
    zoo_command, snapshot, series_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = snapshot(tmp_path)
    monkeypatch.setattr("zoo.training.trainer.assemble", interrupt)
    check_interrupted(zoo_command(*shlex.split(f"{SERIES} --export")), before, snapshot(tmp_path))


def test_an_interrupt_while_a_run_is_written_leaves_its_last_checkpoint(
    zoo_command, series_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("zoo.runs.store._write_history", interrupt)  # the network and the scalers are written
    result = zoo_command(*shlex.split(f"{SERIES} --set units=1"))
    assert result.exit_code == 130
    (unfinished,) = (tmp_path / "runs" / "unfinished").iterdir()
    assert result.stderr.splitlines()[-1] == f"interrupted; go on with: zoo train --resume {unfinished.name}"
    left = {"config.json", "lock", "arrays.npz", "checkpoint.json", "files.sha256"}
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {series_file.name, *left}


@pytest.fixture
def interrupted_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupt exports when a file is in the staging folder."""
    monkeypatch.setattr("zoo.export.export_run.write_saved_model", lambda *a: (a[-1] / "half").write_text("x"))
    monkeypatch.setattr("zoo.export.export_run.write_onnx", interrupt)


@pytest.mark.usefixtures("interrupted_export")
def test_an_interrupt_of_a_first_export_leaves_no_file_of_it(zoo_command, trained, tmp_path: Path):
    result = zoo_command("export", trained.id, "--runs", trained.folder.parent)
    assert result.exit_code == 130
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("interrupted_export")
def test_an_interrupt_of_an_export_leaves_the_model_as_it_was(
    zoo_command, snapshot, bundle: Path, trained, tmp_path: Path
):
    before = snapshot(tmp_path)
    result = zoo_command("export", trained.id, "--runs", trained.folder.parent, "--exported", ".", "--name", "tiny")
    check_interrupted(result, before, snapshot(tmp_path))
