"""The code of docs/backtests.md runs as it stands."""

from __future__ import annotations

import re

import pytest


@pytest.mark.full
def test_the_guides_code_runs(request, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (request.config.rootpath / "docs" / "backtests.md").read_text(encoding="utf-8")
    programs = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(programs) == 2
    exec(compile("\n".join(programs), "backtests.md", "exec", dont_inherit=True), {})
    told = capsys.readouterr().out
    assert told.startswith("By the MAE over all origins the network ")
    assert "MAE: " in told
    assert len(list((tmp_path / "backtests").iterdir())) == 1
