"""A sample of tests/stress/folders.py: damaged folders of runs and studies are right or one sentence; none is lost."""

from __future__ import annotations

import random
import shutil
from contextlib import chdir
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result


@pytest.fixture(scope="module")
def folders(stress_script):
    """The stress script."""
    return stress_script("folders")


@pytest.mark.parametrize("command", ["runs", "compare", "export"])
def test_repair_16_damaged_runs(folders, trained, series, tmp_path, command):
    """Each damage on a file that is read, whether or not its own format would tell."""
    template = tmp_path / "template"
    for name in (folders.RUN, folders.OTHER):
        shutil.copytree(trained.folder, template / name)
    series.to_csv(template / folders.SERIES, index=False)
    target, ask = folders.COMMANDS[command]
    with chdir(template):
        expected = None if command == "export" else ask(target)[1]
    draw = random.Random(5)
    names = ("preprocessing.json", "model.keras") if command == "export" else ("run.json",)
    for name in names:
        for kind in folders.DAMAGES:
            if command == "export" and kind == "another file":  # of a run that is the same here
                continue
            blow = folders.strike(template, tmp_path / "struck", command, draw, expected, kind=kind, name=name)
            assert blow.fault == "", blow
            assert command == "runs" or kind == "another file" or blow.outcome == "a sentence", blow


def test_the_campaign_tells_what_is_wrong(folders, tmp_path):
    def done(exception, code=2, stdout="", stderr="error: no\n"):
        both = (stdout + stderr).encode()
        return Result(CliRunner(), stdout.encode(), stderr.encode(), both, None, code, exception)

    assert folders.sentence_of(done(SystemExit(2))) == "error: no"
    for wrong in (
        done(ValueError("a traceback")),
        done(SystemExit(1), code=1),
        done(SystemExit(2), stdout="some"),
        done(SystemExit(2), stderr="error: no\nerror: no\n"),
        done(SystemExit(2), stderr="Traceback (most recent call last)\nerror: no\n"),
    ):
        with pytest.raises(AssertionError):
            folders.sentence_of(wrong)
    before = {"runs/done/run.json": b"1", "runs/unfinished/going-on/lock": b"", "notes": b"mine"}
    assert folders.lost(before, {**before, "exported": None}, "export", worked=True) == []
    assert folders.lost(before, {**before, "notes": b"other"}, "export", worked=True) == ["notes"]
    finished = {name: content for name, content in before.items() if "unfinished" not in name}
    assert folders.lost(before, finished, "train --resume", worked=True) == []
    assert folders.lost(before, finished, "train --resume", worked=False) == ["runs/unfinished/going-on/lock"]


@pytest.mark.full
def test_repair_16_a_sample_of_the_campaign(folders, tmp_path):
    blows = folders.campaign(Path(tmp_path).resolve(), runs=18, studies=6, seed=7)
    assert len(blows) == 24
    assert [blow for blow in blows if blow.fault] == []
