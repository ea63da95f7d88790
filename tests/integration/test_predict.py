"""``zoo predict`` through the real command: over the data, outside the training's range, and where little is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.cli.prediction_output import staged_writer
from zoo.inference.ranges import OutsideRangeWarning


@pytest.fixture
def flat_file(tmp_path: Path, series: pd.DataFrame) -> Path:
    """The series without its peaks: nothing is outside the training's range."""
    path = tmp_path / "flat.csv"
    series.assign(load=series["load"].clip(95, 105), temperature=series["temperature"].clip(19, 21)).to_csv(
        path, index=False
    )
    return path


def run(zoo_command, *arguments):
    done = zoo_command("predict", *arguments)
    assert done.exit_code == 0, done.output
    return done


def test_a_backtest_in_every_format(zoo_command, exported, flat_file, tmp_path):
    expected = pd.concat(exported.backtest(flat_file))
    over = (exported.folder, "--data", flat_file, "--backtest")
    assert run(zoo_command, *over, "--output", "all.csv").stderr == "699 rows: all.csv\n"
    run(zoo_command, *over, "--output", "all.parquet")
    from_csv = pd.read_csv(tmp_path / "all.csv", parse_dates=["time", "origin"])
    pd.testing.assert_frame_equal(from_csv, expected, check_dtype=False, rtol=1e-6)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "all.parquet"), expected)
    rows = json.loads(run(zoo_command, *over, "--stride", "100", "--json").stdout)
    assert len(rows) == 9
    assert rows[0]["load"] == expected["load"][0]
    assert (rows[0]["time"], rows[0]["origin"]) == ("2024-01-01 08:00:00", "2024-01-01 07:00:00")
    shown = run(zoo_command, *over)
    table = shown.stdout.splitlines()
    assert len(table) == 12
    assert table[0].split("  ")[0] == "time"
    assert table[6].split() == ["…"] * 5
    assert table[-1].startswith("2024-01-11 02:00:00  2024-01-10 23:00:00  3")
    assert shown.stderr == "699 rows in all; --output FILE writes them\n"


def test_many_rows_are_written_alike(zoo_command, exported, flat_file, tmp_path, monkeypatch):
    """Frame by frame, of which one has nothing but midnights."""
    monkeypatch.setattr("zoo.inference.predictor.FRAME_ROWS", 1)
    monkeypatch.setattr("zoo.inference.predictor.BATCH", 1)
    over = (exported.folder, "--data", flat_file, "--backtest", "--stride", "24")
    run(zoo_command, *over, "--output", "all.csv")
    lines = (tmp_path / "all.csv").read_text().splitlines()
    assert {len(line.split(",")[0]) for line in lines[1:]} == {len("2024-01-01 08:00:00")}
    run(zoo_command, *over, "--output", "all.parquet")
    assert pd.read_parquet(tmp_path / "all.parquet").shape == (len(lines) - 1, 5)


@pytest.mark.parametrize(
    ("times", "written"),
    [
        (pd.date_range("2024-01-01", periods=2), "2024-01-01"),
        (pd.date_range("2024-01-01", periods=2, freq="h"), "2024-01-01 00:00:00"),
        (pd.date_range("2024-01-01", periods=2, freq="h", tz="Europe/Berlin"), "2024-01-01 00:00:00+01:00"),
        (pd.RangeIndex(5, 7), "5"),
    ],
)
def test_times_in_a_csv_file(times, written, tmp_path):
    with staged_writer(tmp_path / "a.csv", times) as writer:
        for row in range(2):
            writer.write(pd.DataFrame({"time": times[row : row + 1]}))
    assert (tmp_path / "a.csv").read_text().splitlines()[:2] == ["time", written]


def test_values_outside_the_trainings_range_are_told(zoo_command, exported, flat_file, tmp_path, snapshot):
    high = tmp_path / "high.csv"
    frame = pd.read_csv(flat_file)
    frame.loc[235, "load"] = 1000.0
    frame.to_csv(high, index=False)
    with pytest.warns(OutsideRangeWarning):
        expected = exported.predict(high)
    told = run(zoo_command, exported.folder, "--data", high, "--json")
    assert [row["load"] for row in json.loads(told.stdout)] == expected["load"].tolist()
    limits = exported.train_range
    excess = 1000 - limits.maximum[0]
    (line,) = told.stderr.splitlines()
    assert line == (
        f"outside the training's range: column 'load': {excess:.4g} ({excess / limits.deviation[0]:.3g} deviations)"
        f" above the maximum {limits.maximum[0]:.6g} of the training, in 1 of 1 windows"
    )
    over = run(zoo_command, exported.folder, "--data", high, "--backtest", "--output", "a.csv")
    assert "in 5 of 233 windows\n699 rows: a.csv" in over.stderr
    before = snapshot(tmp_path)
    for more in ((), ("--backtest",), ("--backtest", "--output", "b.csv"), ("--output", "b.parquet")):
        refused = zoo_command("predict", exported.folder, "--data", high, "--strict-range", *more)
        assert refused.exit_code == 2
        assert refused.stdout == ""
        assert "expected values within the training's range, found column 'load'" in refused.stderr
    assert snapshot(tmp_path) == before
    assert run(zoo_command, exported.folder, "--data", flat_file, "--strict-range").stderr == ""


def test_an_error_on_the_way_leaves_nothing(zoo_command, exported, flat_file, tmp_path, snapshot, monkeypatch):
    before = snapshot(tmp_path)
    monkeypatch.setattr("zoo.inference.predictor.FRAME_ROWS", 10)
    monkeypatch.setattr("zoo.inference.predictor.BATCH", 10)
    frames = []

    def full(self, frame):
        if len(frames) == 3:
            raise OSError(28, "No space left on device")
        frames.append(frame)

    for writer, name in (("_CsvWriter", "a.csv"), ("ParquetWriter", "a.parquet")):
        frames.clear()
        monkeypatch.setattr(f"zoo.cli.prediction_output.{writer}.write", full)
        failed = zoo_command("predict", exported.folder, "--data", flat_file, "--backtest", "--output", name)
        assert failed.exit_code == 2
        assert "No space left on device; nothing half-written is left" in failed.stderr
        assert snapshot(tmp_path) == before


def test_settings_that_do_not_go_together(zoo_command, exported, flat_file, monkeypatch):
    refused = zoo_command("predict", exported.folder, "--data", flat_file, "--stride", "2")
    assert (refused.exit_code, refused.stderr.startswith("error: --stride is for --backtest")) == (2, True)
    monkeypatch.setattr("zoo.cli.predict_command.MOST_JSON", 600)
    refused = zoo_command("predict", exported.folder, "--data", flat_file, "--backtest", "--json")
    assert (refused.exit_code, "--json is for 600 rows at most, found 699" in refused.stderr) == (2, True)


PEAK = """
import re, sys, threading
from pathlib import Path
peak, ended = [0], threading.Event()
def sample():
    while not ended.wait(0.01):
        found = re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())
        peak[0] = max(peak[0], int(found[1]))
threading.Thread(target=sample, daemon=True).start()
from zoo.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(peak[0])
"""


def write_long(path: Path, rows: int) -> None:
    random = np.random.default_rng(0)
    times = pd.date_range("2000-01-01", periods=rows, freq="h", unit="s")
    values = random.normal([[100], [20]], 1, (2, rows)).astype(np.float32)
    pd.DataFrame({"time": times, "load": values[0], "temperature": values[1]}).to_parquet(path, row_group_size=10**5)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory off Linux' /proc")
def test_memory_does_not_grow_with_the_file(exported, tmp_path):
    peaks = []
    # Allocators keep what was freed, some of it: here every larger block goes back at once
    steady = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
    for rows in (400_000, 1_600_000):
        path = tmp_path / f"{rows}.parquet"
        write_long(path, rows)
        over = ["predict", exported.folder, "--data", path, "--backtest", "--stride", "8", "--spool", tmp_path]
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *over, "--output", tmp_path / "out.parquet"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | steady,
        )
        peaks.append(int(done.stdout) / 1024)
        assert len(pd.read_parquet(tmp_path / "out.parquet", columns=["step"])) == 3 * -(-(rows - 7) // 8)
    assert peaks[1] < peaks[0] + 16, peaks  # of values alone there are 27 MB more


LIGHT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
import zoo, zoo.runtimes
from zoo.cli import main
for command in {commands}:
    sys.argv = ["zoo", *command]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (command, end.code)
"""
ABSENT = (
    "tensorflow",
    "keras",
    "tf2onnx",
    "sklearn",
    "scipy",
    "joblib",
    "matplotlib",
    "statsmodels",
    "tomli_w",
    "mlflow",
)


def test_serving_needs_few_libraries(exported, flat_file, tmp_path):
    bundle, data = str(exported.folder), str(flat_file)
    commands = [
        ["list"],
        ["verify", bundle, "--json"],
        ["predict", bundle, "--data", data],
        ["predict", bundle, "--data", data, "--backtest", "--output", str(tmp_path / "a.parquet")],
        ["predict", bundle, "--data", data, "--backtest", "--output", str(tmp_path / "a.csv")],
    ]
    program = LIGHT.format(absent=ABSENT, commands=commands)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"passed": true' in done.stdout
    assert len(pd.read_parquet(tmp_path / "a.parquet")) == len(pd.read_csv(tmp_path / "a.csv")) == 699


# What docs/serving.md names, as folders of site-packages, and what these need in turn
SHORT = (
    *("numpy", "onnx", "onnxruntime", "pandas", "pyarrow", "rich", "typer"),
    *(
        "pluggy",
        "pydantic",
        "ml_dtypes",
        "google",
        "protobuf",
        "flatbuffers",
        "packaging",
        "dateutil",
        "python_dateutil",
        "six",
        "tzdata",
    ),
    *("pydantic_core", "annotated_types", "typing_extensions", "typing_inspection", "markdown_it", "markdown_it_py"),
    *("mdurl", "pygments", "click", "shellingham", "annotated_doc"),
)


@pytest.mark.full
def test_the_short_list_is_enough(exported, flat_file, environment, wheels, tmp_path, request):
    """The wheels, installed without their dependencies, beside the libraries that the guide names."""
    guide = (request.config.rootpath / "docs" / "serving.md").read_text(encoding="utf-8")
    named = re.search(r"pip install lstm-zoo-registry (numpy [a-z ]+)", guide)
    assert named is not None
    assert named[1].split() == list(SHORT[:7])
    light = environment(SHORT)
    light.run("-m", "pip", "install", "--no-index", "--no-deps", *wheels, cwd=tmp_path)
    zoo = light.folder / "bin" / "zoo"
    assert "basic" in light.run(zoo, "list", cwd=tmp_path).stdout
    assert json.loads(light.run(zoo, "verify", exported.folder, "--json", cwd=tmp_path).stdout)["passed"]
    answered = light.run(zoo, "predict", exported.folder, "--data", flat_file, "--backtest", "--json", cwd=tmp_path)
    expected = pd.concat(exported.backtest(flat_file))["load"]
    np.testing.assert_allclose([row["load"] for row in json.loads(answered.stdout)], expected, rtol=1e-6)
    refused = light.run(zoo, "export", "latest", cwd=tmp_path, check=False)
    assert refused.returncode == 2


@pytest.mark.full
def test_repair_12_a_bundle_reads_times_and_ids_as_its_training_did(zoo_command, tmp_path):
    rows = [
        f"{name},{1704067200 + 3600 * hour},{1e9 + hour % 24}" for name in ("7", "007", "NA") for hour in range(200)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["unique_id,timestamp,y", *rows]), encoding="utf-8")
    options = "--series unique_id --time-format s --zone Europe/Berlin --target y --window 6 --horizon 2 --epochs 1"
    trained = zoo_command(
        "train", "basic", "--data", "a.csv", *options.split(), "--set", "units=4", "--export", "--name", "m"
    )
    assert trained.exit_code == 0, trained.output
    answer = zoo_command("predict", "exported/m", "--data", "a.csv")
    assert answer.exit_code == 0, answer.output
    rows = [line.split("  ") for line in answer.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == ["2024-01-09 09:00:00+01:00", "2024-01-09 10:00:00+01:00"] * 3
    assert [row[1].strip() for row in rows] == ["7", "7", "007", "007", "NA", "NA"]
    assert all("e" not in row[-1] for row in rows)


def test_one_bad_series_gets_a_status_and_the_others_their_answers(zoo_command, exported, flat_file, tmp_path):
    flat = pd.read_csv(flat_file)
    pd.concat([flat.assign(site="a"), flat.drop(index=237).assign(site="b")]).to_csv("sites.csv", index=False)
    over = (exported.folder, "--data", "sites.csv", "--series", "site")
    assert zoo_command("predict", *over, "--output", "o.csv").exit_code == 2
    assert not Path("o.csv").exists()
    done = zoo_command("predict", *over, "--output", "o.csv", "--errors", "keep-going")
    assert done.exit_code == 3
    assert done.stderr.startswith("1 of 2 series have a status; the first, 'b': times in column 'time' have gaps: row ")
    assert "or say --gaps break" in done.stderr
    found = pd.read_csv("o.csv", keep_default_na=False)
    assert (found["status"] == "").tolist() == (found["load"] != "").tolist() == [True] * 3 + [False] * 3
    done = zoo_command("predict", *over, "--errors", "keep-going", "--json")
    rows = json.loads(done.stdout)
    assert (done.exit_code, rows[0]["status"], rows[3]["load"]) == (3, "", None)
    assert rows[3]["status"] == found["status"].iloc[3]
    assert zoo_command("predict", exported.folder, "--data", flat_file, "--errors", "keep-going").exit_code == 0


@pytest.mark.parametrize("more", [["--backtest"], ["--output", "o"]])
def test_a_status_is_of_a_series_in_a_table(zoo_command, exported, flat_file, more):
    data = flat_file if more == ["--backtest"] else flat_file.parent
    done = zoo_command("predict", exported.folder, "--data", data, "--errors", "keep-going", *more)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--errors keep-going" in done.stderr
    done = zoo_command("predict", exported.folder, "--data", flat_file, "--errors", "ignore")
    assert "--errors is raise or keep-going, found 'ignore'" in done.stderr
