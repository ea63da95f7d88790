"""Several series from a file to their measures, through the command."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import zoo


@pytest.fixture
def panel() -> pd.DataFrame:
    """Four series of 70 to 130 weeks, numbered from 1, with a season of 6; one hardly has a test part."""
    random, frames = np.random.default_rng(0), []
    for number, rows in enumerate((70, 90, 110, 130)):
        weeks = np.arange(rows)
        sales = 10.0**number * (5 + np.sin(weeks * np.pi / 3) + random.normal(0, 0.2, rows))
        frames.append(pd.DataFrame({"shop": f"s{number}", "week": weeks + 1, "sales": sales}))
    return pd.concat(frames, ignore_index=True)


SETTINGS = (
    "--target",
    "sales",
    "--series",
    "shop",
    "--time",
    "week",
    "--window",
    "8",
    "--horizon",
    "3",
    "--epochs",
    "1",
)


def test_measures_of_several_series(panel, tmp_path, zoo_command):
    panel.to_csv(tmp_path / "panel.csv", index=False)
    asked = zoo_command("train", "linear", "--data", "panel.csv", *SETTINGS)
    assert asked.exit_code == 2
    assert asked.stderr.splitlines()[-1] == (
        "error: panel.csv: 4 series with whole numbers as times do not tell how long a season is; give --season, the"
        " rows in a season, 1 for none"
    )
    done = zoo_command("train", "linear", "--data", "panel.csv", *SETTINGS, "--season", "6")
    assert done.exit_code == 0, done.stderr
    (folder,) = (tmp_path / "runs").glob("*-linear")
    run = zoo.load_run(folder)
    own = run.metrics["network"]["series"]
    lines = done.stdout.splitlines()
    assert f"network         4       {own['mase']:<9.4g}" in done.stdout
    assert lines[-1] == run.metrics["verdict"]
    assert lines[-1].startswith("On the test split's mean MASE over 4 series the network ")
    (worst,) = (line for line in lines if line.startswith("worst by MASE: "))
    assert worst.count("s") >= 4

    table = pd.read_csv(folder / "series.csv").set_index("series")
    assert table.index.tolist() == ["s0", "s1", "s2", "s3"]
    assert table["MASE network"].mean() == pytest.approx(own["mase"])
    assert table["train rows"].tolist() == [49, 63, 77, 91]
    assert run.evaluate()["series"] == run.metrics["series"]
    assert "The worst series" in (folder / "report.html").read_text(encoding="utf-8")

    (row,) = (line for line in zoo_command("runs").stdout.splitlines() if line.startswith(folder.name))
    assert f"mean MASE  {own['mase']:.4f}" in row
    ranking = zoo_command("compare", folder.name).stdout.splitlines()
    assert "mean MASE" in ranking[0]
    assert sum("seasonal naive" in line for line in ranking) >= 1
    bundle = run.export(tmp_path / "exported")
    assert "mean MASE" in (bundle.folder / "README.md").read_text(encoding="utf-8")
