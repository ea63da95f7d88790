"""A browser without a network shows the report, and has nothing to complain about."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

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


def test_the_report_renders(trained, tmp_path):
    page = trained.folder / "report.html"
    done = browse(page, tmp_path / "profile", "--dump-dom")
    assert complaints(done) == []
    assert done.stdout.count("<svg") == 8
    assert "<title>basic on DataFrame</title>" in done.stdout
    assert re.search(r"On the test split's MAE the network (beats|loses)", done.stdout)

    picture = tmp_path / "report.png"
    assert complaints(browse(page, tmp_path / "profile", f"--screenshot={picture}")) == []
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000  # an empty page of this size has some 10 kB


def test_what_a_browser_would_complain_about_is_seen(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<script>undefined.field</script>", encoding="utf-8")
    assert complaints(browse(page, tmp_path / "profile", "--dump-dom"))
