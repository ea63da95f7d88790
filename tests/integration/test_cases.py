"""Small inputs that went wrong once, kept beside the project, each with its right answer, by command and in Python."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import zoo
from zoo.cli.flags import in_flags
from zoo.data.last_window import read_last_windows
from zoo.data.readers.reading import Reading
from zoo_registry.errors import ZooError

CASES = Path(os.environ.get("ZOO_CASES", Path(__file__).parents[3] / "shared" / "cases"))
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here; set ZOO_CASES to their folder")

GERMAN = "--delimiter ; --decimal , --thousands ."
RIGHT: dict[str, tuple[str, str, dict[str, Any]]] = {  # file, options, what inspect finds
    "comments": ("comments.csv", "--comment #", {"rows": 300, "step": "h", "ignored": []}),
    "thousands": ("german.csv", GERMAN, {"rows": 300, "step": "h", "features": ["y"]}),
    "trailing delimiter": ("trailing_delim.csv", "", {"features": ["y"], "ignored": ["Unnamed: 2"]}),
    "index without a name": ("empty_name.csv", "", {"features": ["y"], "ignored": ["Unnamed: 0"]}),
    "epochs": ("epoch_s.csv", "--time-format s", {"features": ["y"], "step": "h", "zone": "UTC"}),
    "days": ("yyyymmdd.csv", "--time-format yyyymmdd", {"features": ["y"], "step": "D", "zone": None}),
    "dates": ("pl_date.parquet", "", {"column": "day", "step": "D", "features": ["y"]}),
    "each 15th": ("month_15.csv", "", {"step": "1 month on day 15", "uneven_steps": 0}),
    "offsets": ("dst_autumn_offsets.csv", "--zone Europe/Berlin", {"zone": "Europe/Berlin", "uneven_steps": 0}),
    "id NA": ("panel_NA.csv", "--series unique_id", {"used": 2}),
    "id 007": ("panel_lead0.csv", "--series unique_id", {"used": 2}),
    "ids 7 and 007": ("panel_merge.csv", "--series unique_id", {"used": 2}),
    "large numbers": ("big.csv", "", {"rows": 300, "step": "h"}),
}
TOLD = {
    "comments.csv": ("", "give --comment '#'"),
    "german.csv": ("--delimiter ; --decimal ,", "--thousands '.'"),
    "epoch_s.csv": ("", "look like seconds since 1970 (1704067200 would be 2024-01-01 00:00:00); read them as times"),
    "yyyymmdd.csv": ("", "look like yyyymmdd (20230101 would be 2023-01-01 00:00:00); read them as times"),
    "dst_autumn_offsets.csv": ("", "name the zone whose clock they show with --zone"),
}


def target(name: str) -> str:
    return "load" if "dst" in name else "y"


@pytest.mark.parametrize("case", RIGHT)
def test_the_command_gives_the_right_answer(zoo_command, case: str):
    name, options, expected = RIGHT[case]
    size = ("--target", target(name), "--window", 8, "--horizon", 3)
    result = zoo_command("inspect", "--data", CASES / name, *size, *shlex.split(options), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    found |= found["time"] | {"used": found["series"]["used"]}
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("name", TOLD)
def test_the_command_tells_what_to_do(refused, name: str):
    options, sentence = TOLD[name]
    refused(f"inspect --data {CASES / name} --target {target(name)} --window 8 --horizon 3 {options}", sentence)


@pytest.mark.parametrize("name", TOLD)
def test_python_tells_what_to_do(name: str):
    options, sentence = TOLD[name]
    signs = {"delimiter": ";", "decimal": ","} if options else {}
    with pytest.raises(ZooError) as caught:
        zoo.train("basic", CASES / name, target=target(name), window=8, horizon=3, **signs)
    assert sentence in in_flags(str(caught.value))
    assert "--" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "ids"), [("panel_merge.csv", {"7", "007"}), ("panel_lead0.csv", {"007"}), ("panel_NA.csv", {"NA"})]
)
def test_series_keep_their_ids(labelled, name: str, ids: set[str]):
    last = read_last_windows(CASES / name, features=["y"], window=8, reading=Reading(series="unique_id"))
    answer = labelled(last, np.zeros((len(last.series), 2, 1)), ["y"])
    written = pd.read_csv(CASES / name, dtype=str, keep_default_na=False)["unique_id"].unique().tolist()
    assert answer["unique_id"].unique().tolist() == written
    assert ids <= set(written)


def test_the_months_go_on_on_their_day(labelled):
    last = read_last_windows(CASES / "month_15.csv", features=["y"], window=8)
    answer = labelled(last, np.zeros((1, 3, 1)), ["y"])
    assert answer.index.strftime("%Y-%m-%d").tolist() == ["2020-02-15", "2020-03-15", "2020-04-15"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "options", "rows"),
    [
        ("epoch_s.csv", "--time-format s --zone Europe/Berlin", ["2024-01-13 13:00:00+01:00"]),
        ("panel_lead0.csv", "--series unique_id", ["007", "unique_id"]),
        ("big.csv", "", ["1000000000.", "time"]),
    ],
)
def test_a_bundle_predicts_from_what_it_was_trained_on(zoo_command, name: str, options: str, rows: list[str]):
    size = "--target y --window 8 --horizon 6 --set units=4 --epochs 1"
    trained = zoo_command("train", "basic", "--data", CASES / name, *shlex.split(f"{size} {options} --export --name m"))
    assert trained.exit_code == 0, trained.output
    answer = zoo_command("predict", "exported/m", "--data", CASES / name)
    assert answer.exit_code == 0, answer.output
    for words in rows:
        assert words in answer.stdout
    numbers = [line.split()[-1] for line in answer.stdout.splitlines()[1:]]
    assert len(set(numbers)) == len(numbers)
    assert not any("e" in number for number in numbers)
