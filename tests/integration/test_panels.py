"""The guide to many series: every command of it, on the files that it writes."""

from __future__ import annotations

import re
import shlex

import pandas as pd
import pytest


@pytest.mark.full
def test_the_guide(request, zoo_command, capsys):
    text = (request.config.rootpath / "docs" / "panels.md").read_text(encoding="utf-8")
    write, ask = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    exec(compile(write, "panels.md", "exec", dont_inherit=True), {})
    commands = re.findall(r"^    zoo (.+)$", text, flags=re.MULTILINE)
    assert [command.split()[0] for command in commands].count("train") == 3
    for command in commands:
        keeps_going = "keep-going" in command
        done = zoo_command(*shlex.split(command))
        assert done.exit_code == (3 if keeps_going else 0), (command, done.output)
        if command.startswith("train"):
            assert "beats" in done.stdout.rpartition("On the test split's mean MASE over 30 series")[2]
    answers = pd.read_csv("forecasts.csv")
    told = answers.groupby("unique_id")["status"].first()
    assert told.notna().sum() == 1
    assert "D7" in told.dropna().index
    assert answers.groupby("unique_id")["y"].count().drop("D7").eq(14).all()
    exec(compile(ask, "panels.md", "exec", dont_inherit=True), {})
    assert "D7" in capsys.readouterr().out
