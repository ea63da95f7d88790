"""The process that checks: what it tells, how it ends, and what of it is kept."""

from __future__ import annotations

import sys

import pytest

from zoo.capabilities import cache_folder
from zoo.cli import plugin_check
from zoo.cli.plugin_check import run_checks
from zoo.testing.kit_report import Report, Verdict
from zoo.testing.targets import Point, Target

TARGET = Target((Point("tide", "tide", "tide-models", "0.3"),))
SOUND = Verdict(check="export", status="passed", seconds=0.1)
WRONG = Verdict(check="export", status="failed", seconds=0.1, reason="no")


@pytest.fixture
def worker(monkeypatch, tmp_path):
    """``worker(program)``: run this program in place of the one that loads plugins."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))

    def put(program):
        monkeypatch.setattr(
            plugin_check, "worker_command", lambda target, folder, quick: [sys.executable, "-c", program]
        )

    return put


def telling(*verdicts, complete=True):
    found = Report(
        architecture="tide",
        plugin="tide",
        distribution="tide-models",
        version="0.3",
        complete=complete,
        verdicts=verdicts,
    )
    return (
        "import json\n"
        "print(json.dumps({'check': 'tide: export', 'done': 0, 'total': 1}), flush=True)\n"
        f"print('{{\"report\": ' + {found.model_dump_json()!r} + '}}', flush=True)\n"
    )


def kept():
    return [path.name for path in cache_folder().rglob("*.json")]


def test_a_whole_check_that_passes_is_kept(worker):
    worker(telling(SOUND))
    (report,) = run_checks(TARGET)
    assert report.passed
    assert kept() == ["tide.json"]
    worker(telling(WRONG))
    assert not run_checks(TARGET)[0].passed
    assert kept() == []


def test_main_checks_and_files_are_not_kept(worker):
    worker(telling(SOUND, complete=False))
    run_checks(TARGET, quick=True)
    worker(telling(SOUND))
    run_checks(Target(TARGET.points, keep=False))
    assert kept() == []


@pytest.mark.parametrize(
    ("program", "told"),
    [("import os; os._exit(7)", "exit code 7"), ("import os; os.abort()", "exit code -6"), ("", "code 0")],
)
def test_a_process_that_ends_early_is_a_failure(program, told, worker):
    worker('print(\'{"check": "tide: shapes", "done": 2, "total": 14}\', flush=True)\n' + program)
    (report,) = run_checks(TARGET)
    assert (report.passed, report.failed[0].check) == (False, "tide: shapes")
    assert told in report.failed[0].reason


def test_what_was_told_before_a_crash_stands(worker):
    worker(telling(SOUND) + "import os; os._exit(3)")
    sound, crashed = run_checks(TARGET)
    assert (sound.passed, crashed.passed) == (True, False)
    assert (crashed.distribution, crashed.architecture) == ("tide-models", None)
