"""``zoo runs``: what cannot be read takes a line, and the rest is listed as ever."""

from __future__ import annotations

import json

import pytest

ERRORS = {"scaled": {"mae": 0.5}, "targets": {}}


@pytest.fixture
def runs(tmp_path, run_record):
    """Two sound runs."""
    for name in ("20240101-basic", "20240303-basic"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text(run_record(name).model_dump_json())
    return tmp_path / "runs"


def another(path):
    path.write_bytes((path.parents[1] / "20240101-basic" / "run.json").read_bytes())


def foreign(**changes):
    def write(path):
        another(path)
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return write


def measured(**changes):
    sound = {"network": ERRORS, "baselines": {"last value": ERRORS}, "skipped": {}, "verdict": "good"}
    return foreign(evaluation=sound | changes)


def huge(path):
    with path.open("wb") as file:
        file.truncate(3 * 2**30)  # no byte of it is written


UNREADABLE = {
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"\xff\x00{"),
    "a folder": lambda path: path.mkdir(),
    "huge": huge,
    "another program's": lambda path: path.write_text('{"id": 1, "accuracy": 0.5}'),
    "no measures": foreign(evaluation={"verdict": "good"}),
    "measures that are none": measured(network={"targets": {}}, baselines={"x": ["y"]}),
    "no baseline": measured(baselines={}),
    "words for numbers": measured(
        network={"targets": {}, "scaled": {"mae": "good"}}, baselines={"x": {"scaled": {"mae": 1}}}
    ),
    "no data": foreign(data={}),
    "no training": foreign(training={}),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_repair_16_an_unreadable_run_takes_one_line(runs, zoo_command, kind):
    (runs / "20240202-odd").mkdir()
    UNREADABLE[kind](runs / "20240202-odd" / "run.json")
    done = zoo_command("runs")
    assert done.exit_code == 0, repr(done.exception)
    _, *rows = (line.split() for line in done.stdout.splitlines())
    assert [row[0] for row in rows] == ["20240101-basic", "20240202-odd", "20240303-basic"]
    assert rows[1] == ["20240202-odd", "UNREADABLE", *"------"]
    assert rows[0][1:6] == ["table.csv", "6", "2", "2", "scaled"]
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("warning: runs/20240202-odd")
    first, odd, last = json.loads(zoo_command("runs", "--json").stdout)
    assert (first["id"], last["id"]) == ("20240101-basic", "20240303-basic")
    assert set(odd) == {"id", "folder", "error"}
    assert f"warning: {odd['error']}" == warning


def test_repair_16_an_unreadable_unfinished_run_takes_one_line(runs, zoo_command):
    (runs / "unfinished" / "20240404-odd" / "config.json").mkdir(parents=True)
    (runs / "unfinished" / "20240405-odd").mkdir()
    (runs / "unfinished" / "20240405-odd" / "config.json").write_text("{}")
    done = zoo_command("runs")
    assert done.exit_code == 0, repr(done.exception)
    assert [line.split() for line in done.stdout.splitlines()[-2:]] == [
        [name, "UNREADABLE", "-", "-"] for name in ("20240404-odd", "20240405-odd")
    ]
    assert [run["id"] for run in json.loads(zoo_command("runs", "--json").stdout)][2:] == [
        "20240404-odd",
        "20240405-odd",
    ]
