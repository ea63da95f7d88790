"""A browser without a network shows the report, and has nothing to complain about."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo

BROWSER = shutil.which("chromium")

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(BROWSER is None, reason="chromium is not here (Debian: apt install chromium)"),
]


def browse(page: Path, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    flags = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}",
        "--window-size=1250,2600",
        "--enable-logging=stderr",
    )
    command = [str(BROWSER), *flags, *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def series() -> pd.DataFrame:
    """Hours with a load, its class, and a few jumps that are labelled."""
    random = np.random.default_rng(0)
    steps = np.arange(400)
    load = 100 + 10 * np.sin(steps / 4) + random.normal(0, 0.5, 400)
    odd = np.isin(steps, (100, 200, 350, 370))
    load[odd] += 20
    times = pd.date_range("2024-01-01", periods=400, freq="h")
    frame = pd.DataFrame(
        {"time": times, "load": load, "temperature": 20 + 3 * np.cos(steps / 4), "odd": odd.astype(int)}
    )
    return frame.assign(phase=np.array(["low", "middle", "<high>"])[np.digitize(load, (97, 103))])


SETTINGS: dict[str, dict[str, Any]] = {
    "forecast": {"target": "load", "features": ["load", "temperature"], "horizon": 3, "quantiles": (0.1, 0.5, 0.9)},
    "regress": {"target": "load", "features": ["temperature"]},
    "classify": {"target": "phase", "features": ["load", "temperature"]},
    "anomaly": {"label": "odd", "features": ["load", "temperature"]},
}
PICTURES = {"forecast": 3 + 3 + 2, "regress": 3 + 2 + 2, "classify": 3 + 2, "anomaly": 1 + 2 + 2 + 2}
VERDICT = re.compile(r"On the test split's (MAE|log loss|average precision) the network (beats|equals|loses)")


def rendered(page: Path, folder: Path) -> str:
    """The page as the browser has built it; it complains about nothing, and draws something."""
    done = browse(page, folder / "profile", "--dump-dom")
    assert complaints(done) == []
    picture = folder / "page.png"
    assert complaints(browse(page, folder / "profile", f"--screenshot={picture}")) == []
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000  # an empty page of this size has some 10 kB
    return done.stdout


@pytest.mark.parametrize("task", SETTINGS)
def test_the_report_renders(series, tmp_path, task):
    run = zoo.train(
        "basic",
        series,
        task=task,
        window=8,
        epochs=2,
        hyperparameters={"units": 4},
        runs=tmp_path / "runs",
        **SETTINGS[task],
    )
    shown = rendered(run.folder / "report.html", tmp_path)
    assert shown.count("<svg") == PICTURES[task]
    assert "<title>basic on DataFrame</title>" in shown
    assert VERDICT.search(shown)


def test_a_studys_page_renders(series, tmp_path):
    study = zoo.tune(
        "basic",
        series,
        target="load",
        features=["load"],
        horizon=3,
        search={"window": [6, 12], "units": [2, 3]},
        epochs=1,
        folds=2,
        trials=4,
        sampler="random",
        studies=tmp_path / "studies",
    )
    shown = rendered(study.folder / "report.html", tmp_path)
    assert shown.count("<svg") == 4  # history, importance, parallel coordinates, error by window length
    assert f"<title>Study {study.name}</title>" in shown


def test_a_backtests_page_renders(series, tmp_path):
    run = zoo.train(
        "basic",
        series,
        window=8,
        epochs=1,
        hyperparameters={"units": 2},
        runs=tmp_path / "runs",
        **SETTINGS["forecast"],
    )
    shown = rendered(zoo.backtest(run, series).save(tmp_path / "backtests") / "report.html", tmp_path)
    assert shown.count("<svg") >= 2  # errors over time, and by step


def test_what_a_browser_would_complain_about_is_seen(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<script>undefined.field</script>", encoding="utf-8")
    assert complaints(browse(page, tmp_path / "profile", "--dump-dom"))
