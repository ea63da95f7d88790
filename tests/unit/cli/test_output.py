"""Standard output holds the result and nothing else; what else there is to say goes to standard error."""

from __future__ import annotations

import ast
import copy
import errno
import json
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tomli_w

from zoo.bundle.integrity import describe_files
from zoo.bundle.manifest import Manifest
from zoo.cli import output
from zoo.cli.output import left_out_notes, note, print_json, print_table, print_toml, say, tell_apart
from zoo.cli.predict_command import _show
from zoo.cli.show_command import spelled
from zoo.settings.schema import TrainingConfig
from zoo_registry import SCHEDULES, Architecture, Entry, Plugin, Registry, discover
from zoo_registry.registry import ARCHITECTURES


@pytest.fixture
def troubled(monkeypatch):
    """Discovery, with a plugin that is broken and an architecture that two plugins register."""
    found = discover()
    twin = Architecture(name="twin", summary="Twin.", build=lambda hp, shape: None)
    twins = [Entry(twin, "twin", distribution, "1") for distribution in ("north", "south")]
    broken = Plugin(name="broken", distribution="outsider", version="1", value="b", error="ImportError: no module")
    catalogue = Registry(ARCHITECTURES, [*found.catalogue.values(), *twins])
    registries = {**found.registries, ARCHITECTURES.hook: catalogue}
    changed = replace(found, registries=registries, plugins=(*found.plugins, broken))
    for module in ("zoo_registry", "zoo.listing"):
        monkeypatch.setattr(f"{module}.discover", lambda: changed)


@pytest.mark.parametrize("command", [("list",), ("show", "stacked")])
def test_warnings_do_not_disturb_json(zoo_command, troubled, command):
    done = zoo_command(*command, "--json")
    assert done.exit_code == 0, done.output
    json.loads(done.stdout)
    warnings = done.stderr.splitlines()
    assert warnings[0] == "warning: plugin 'broken' of distribution 'outsider' was left out: ImportError: no module"
    assert warnings[1].startswith("warning: architecture 'twin' is registered by distributions 'north' and 'south'")
    assert len(warnings) == 2


def test_schedules_as_the_option_takes_them():
    texts = [
        "constant",
        "exponential:steps=500,rate=0.5",
        "cosine:steps=10,warmup=5,restarts=true,length=1.5,height=0.123456789,floor=0",
        "cyclical:mode=exp-range,low=0.1,steps=2000,gamma=0.9999",
        "one-cycle:steps=0,warmup=0.3,start=0.04,end=4e-06",
        "plateau:factor=0.5,patience=4,floor=0.001,min_delta=0.0001",
    ]
    assert [spelled(TrainingConfig(schedule=text).schedule) for text in texts] == texts
    assert {text.split(":")[0] for text in texts} == set(SCHEDULES)


def test_show_for_people(zoo_command):
    shown = zoo_command("show", "stacked").stdout
    (layers,) = [line.split() for line in shown.splitlines() if line.startswith("layers")]
    assert layers == ["layers", "integer", "2", ">=", "2,", "<=", "8", "2", "to", "4", "recurrent", "layers"]
    assert "Graves" in shown


def test_no_runs_yet(zoo_command):
    assert json.loads(zoo_command("runs", "--json").stdout) == []
    assert zoo_command("runs").exit_code == 0


def test_a_broken_run_is_a_warning(zoo_command, trained, tmp_path):
    (tmp_path / "runs" / "broken").mkdir(parents=True)
    (tmp_path / "runs" / "broken" / "run.json").write_text("{}")
    (tmp_path / "runs" / trained.id).symlink_to(trained.folder)
    done = zoo_command("runs", "--json")
    assert [(run["id"], run.get("error") is None) for run in json.loads(done.stdout)] == [
        (trained.id, True),
        ("broken", False),
    ]
    assert "broken/run.json: not a valid record of this version" in done.stderr
    assert trained.id in zoo_command("runs").stdout


@pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")
def test_a_forecast_for_programs(zoo_command, exported, series, series_file):
    expected = exported.predict(series)["load"]
    rows = json.loads(zoo_command("predict", exported.folder, "--data", series_file, "--json").stdout)
    assert [row["time"] for row in rows] == ["2024-01-11 00:00:00", "2024-01-11 01:00:00", "2024-01-11 02:00:00"]
    np.testing.assert_allclose([row["load"] for row in rows], expected, rtol=1e-6)

    series.drop(columns="time").to_csv("untimed.csv", index=False)
    rows = json.loads(zoo_command("predict", exported.folder, "--data", "untimed.csv", "--json").stdout)
    assert [row["step"] for row in rows] == [1, 2, 3]


@pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")
@pytest.mark.parametrize("name", ["forecast.csv", "forecast.parquet", "forecast.CSV"])
def test_a_forecast_as_a_file(zoo_command, exported, series, series_file, name):
    import pandas as pd

    done = zoo_command("predict", exported.folder, "--data", series_file, "--output", name)
    assert (done.exit_code, done.stdout, done.stderr.splitlines()[-1]) == (0, "", f"3 rows: {name}")
    written = pd.read_csv(name) if name.lower().endswith("csv") else pd.read_parquet(name)
    assert list(written.columns) == ["time", "load"]
    np.testing.assert_allclose(written["load"], exported.predict(series)["load"], rtol=1e-6)


@pytest.mark.parametrize("name", ["no/such/folder/forecast.csv", "forecast.xlsx", "forecast", "forecast.csv.gz"])
def test_a_forecast_to_where_or_what_it_cannot_be(zoo_command, exported, series_file, tmp_path, name):
    done = zoo_command("predict", exported.folder, "--data", series_file, "--output", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --output")
    assert f"found {name}" in done.stderr
    assert not (tmp_path / name).exists()


def test_a_forecast_file_that_cannot_be_finished(zoo_command, exported, series_file, tmp_path, monkeypatch):
    import pandas as pd

    def half(frame, file, **_):
        file.write("half")
        raise OSError(errno.ENOSPC, "No space left on device", file.name)

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    (tmp_path / "forecast.csv").write_text("before")
    done = zoo_command("predict", exported.folder, "--data", series_file, "--output", "forecast.csv")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "No space left on device" in done.stderr
    assert (tmp_path / "forecast.csv").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"forecast.csv", "series.csv"}


@pytest.mark.filterwarnings("ignore::zoo.inference.ranges.OutsideRangeWarning")
@pytest.mark.parametrize("target", ["step", "time"])
def test_targets_called_like_the_index(zoo_command, exported, series, monkeypatch, target):
    """The index of a forecast is ``step``, or ``time`` where the table has times under any name."""
    renamed = copy.copy(exported)
    renamed.problem = exported.problem.model_copy(update={"targets": (target,)})
    monkeypatch.setattr("zoo.bundle.loading.load_bundle", lambda path, **_: renamed)
    series.rename(columns={"time": "date"}).to_csv("timed.csv", index=False)
    series.drop(columns="time").to_csv("untimed.csv", index=False)
    data = {"step": "untimed.csv", "time": "timed.csv"}[target]
    expected = exported.predict(series)["load"]
    done = zoo_command("predict", exported.folder, "--data", data, "--json")
    assert done.exit_code == 0, done.exception
    np.testing.assert_allclose([row[target] for row in json.loads(done.stdout)], expected, rtol=1e-6)
    for form in ((), ("--output", "forecast.csv"), ("--output", "forecast.parquet")):
        done = zoo_command("predict", exported.folder, "--data", data, *form)
        assert done.exit_code == 0, (form, done.exception)


def test_an_unknown_way_with_missing_values(zoo_command, exported, series_file):
    done = zoo_command("predict", exported.folder, "--data", series_file, "--missing", "drop")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "found 'drop'" in done.stderr


def test_an_export_for_programs(zoo_command, trained):
    done = zoo_command("export", trained.folder, "--name", "mine", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["bundle"] == "exported/mine/1"
    assert set(told["parity"]) == {"onnxruntime", "tensorflow"}
    assert told["onnx"]["operators"]["LSTM"] == 1


def test_json_keeps_every_letter(capsys):
    print_json({"température": "☀"})
    assert capsys.readouterr().out == '{\n  "température": "☀"\n}\n'


def test_json_has_no_numbers_that_are_not_finite(capsys):
    print_json({"nan": float("nan"), "rows": [(float("inf"), np.float64("-inf"), 1.5)]})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {"nan": None, "rows": [[None, None, 1.5]]}


def test_a_table_is_plain_text(capsys):
    print_table(("name", "load [kw]"), [("a", "[red]x[/red] {y}"), ("long " * 30, "z")])
    heads, first, second = capsys.readouterr().out.splitlines()
    assert heads.split() == ["name", "load", "[kw]"]
    assert first.split() == ["a", "[red]x[/red]", "{y}"]
    assert second.split() == ["long"] * 30 + ["z"], "in one line, where it is no terminal"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([999999999.379, 1000000001.362, 1000000001.098], ["999999999.38", "1000000001.4", "1000000001.1"]),
        ([1e9 + 1 / 3], ["1000000000"]),  # all before the point, where there is nothing to tell apart
        ([1.0, 1.0 + 1e-12, None], ["1", "1.000000000001", ""]),
        ([0.5, 0.5, 1 / 3], ["0.5", "0.5", "0.3333333"]),
        ([1e300, -1e-300, 0.0], ["1e+300", "-1e-300", "0"]),
        ([float("nan"), float("inf"), 1.5], ["nan", "inf", "1.5"]),
        (["a", True, 7], ["a", "True", "7"]),
    ],
)
def test_repair_15_rows_are_told_apart_by_as_many_digits_as_that_takes(values, texts):
    assert tell_apart([values, values]) == [texts, texts]


def test_repair_15_every_column_has_its_own_digits_in_a_prediction(capsys):
    frame = pd.DataFrame({"step": [1, 2], "y": [1e9 + 0.25, 1e9 + 0.5], "z": [1 / 3, 2 / 3]})
    _show([frame], as_json=False)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [["step", "y", "z"], ["1", "1000000000.2", "0.3333333"], ["2", "1000000000.5", "0.6666667"]]


def test_whole_numbers_of_which_some_are_missing_are_numbers_in_json(capsys):
    times = pd.Index(pd.array([7, None], dtype="Int64"), name="time")
    frame = pd.DataFrame({"y": [0.5, np.nan], "flag": pd.array([True, None], dtype="boolean")}, index=times)
    _show([frame.reset_index()], as_json=True)
    assert json.loads(capsys.readouterr().out) == [
        {"time": 7, "y": 0.5, "flag": True},
        {"time": None, "y": None, "flag": None},
    ]


HOSTILE = "a\x1b[2J\x9b31m\nerror: b\r\x07\u202e\ud800"
ESCAPED = r"a\x1b[2J\x9b31m\nerror: b\r\x07\u202e\ud800"


def test_repair_22_what_acts_on_a_terminal_is_an_escape(capsys):
    say(f"column '{HOSTILE}'")
    note(f"warning: {HOSTILE}\n")
    print_table(("name", HOSTILE), [(HOSTILE, "1")])
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"column '{ESCAPED}'", f"{'name':{len(ESCAPED)}}  {ESCAPED}", f"{ESCAPED}  1"]
    assert err == f"warning: {ESCAPED}\n\n"


def test_repair_22_a_table_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    print_table(("name", "value"), [(HOSTILE, "[red]1[/red]")])
    out = capsys.readouterr().out
    assert ESCAPED in out
    assert "[red]1[/red]" in out
    assert not set("\x9b\r\x07\u202e\ud800") & set(out)


def test_repair_22_json_keeps_the_values(capsys):
    value = {HOSTILE: [HOSTILE, "plain \u00e9", "\U000e0001"]}
    print_json(value)
    out = capsys.readouterr().out
    assert json.loads(out) == value
    assert all(line.isprintable() for line in out.splitlines())
    assert "plain \u00e9" in out


def test_repair_22_a_toml_document_keeps_the_values(capsys):
    value = {"name": "a\x1b\x9b\n\u202e\U000e0001"}
    print_toml(tomli_w.dumps(value))
    out = capsys.readouterr().out
    assert tomllib.loads(out) == value
    assert all(line.isprintable() for line in out.splitlines())


def test_repair_22_commands_talk_through_here_alone():
    for path in Path(output.__file__).parent.glob("*.py"):
        found = {
            node.lineno
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("typer.echo", "typer.secho", "click.echo", "print")
        }
        assert not found or path.name == "output.py", f"{path}: {found}"


def test_repair_22_a_bundles_names(zoo_command, exported, series_file, tmp_path):
    """In the heads of a table, and in an error."""
    folder, name = Path(shutil.copytree(exported.folder, tmp_path / "tiny" / "1")), "lo\x1b[2Jad"
    manifest = Manifest.read(folder)
    outputs = (manifest.problem.outputs[0].model_copy(update={"columns": (name,)}),)
    problem = manifest.problem.model_copy(update={"targets": (name,), "outputs": outputs})
    manifest.model_copy(update={"problem": problem, "parity_unit": {name: 1.0}}).write(folder)
    done = zoo_command("predict", folder, "--data", series_file)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0].split() == ["time", r"lo\x1b[2Jad"]
    told = json.loads(zoo_command("predict", folder, "--data", series_file, "--json").stdout)
    assert set(told[0]) == {"time", name}

    part = json.loads((folder / "preprocessing.json").read_text())
    part["features"][0]["column"] = name
    (folder / "preprocessing.json").write_text(json.dumps(part))
    problem = manifest.problem.model_copy(
        update={"inputs": (manifest.problem.inputs[0].model_copy(update={"columns": (name, "temperature")}),)}
    )
    manifest.model_copy(update={"problem": problem, "files": describe_files(folder)}).write(folder)
    done = zoo_command("predict", folder, "--data", series_file)
    assert (done.exit_code, done.stdout) == (2, "")
    assert r"lo\x1b[2Jad" in done.stderr
    assert "\x1b" not in done.stderr


def test_repair_22_a_runs_record(zoo_command, trained, tmp_path):
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    told = json.loads((trained.folder / "run.json").read_text())
    told["data"]["source"] = "a\x1b]0;b\x07.csv"
    (folder / "run.json").write_text(json.dumps(told))
    listed = zoo_command("runs").stdout
    assert r"a\x1b]0;b\x07.csv" in listed
    assert not set("\x1b\x07") & set(listed)
    assert json.loads(zoo_command("runs", "--json").stdout)[0]["data"]["source"] == "a\x1b]0;b\x07.csv"


@pytest.mark.parametrize(("rows", "lines"), [(20, 21), (21, 22), (22, 22), (862, 22)])
def test_a_long_table_ends_with_a_count(capsys, rows, lines):
    print_table(("column", "mean"), [(f"c{number}", "1") for number in range(rows)], whole_in="--json")
    found = capsys.readouterr().out.splitlines()
    assert len(found) == lines
    if rows > 21:
        assert found[-2].split() == ["c19", "1"]
        assert found[-1] == f"… and {rows - 20} more; --json has all"


def test_a_table_of_what_was_asked_for_is_whole(capsys):
    print_table(("name", "summary"), [(f"c{number}", "1") for number in range(99)])
    assert len(capsys.readouterr().out.splitlines()) == 100


def test_many_columns_that_are_left_out_are_told_in_one_sentence():
    columns = [f"site {number}" for number in range(30)]
    assert left_out_notes(columns[:2], "is not used") == [
        "column 'site 0' is not numeric and is not used",
        "column 'site 1' is not numeric and is not used",
    ]
    (sentence,) = left_out_notes(columns, "is not used")
    assert sentence == (
        "30 columns are not numeric (site 0, site 1, site 2, site 3, site 4 and 25 more), and each is not used"
    )
