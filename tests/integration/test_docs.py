"""The guides' code is run as it stands, and prints what they say."""

from __future__ import annotations

import contextlib
import io
import re


def test_the_scalers_guide(request):
    text = (request.config.rootpath / "docs" / "scalers.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL)
    found = io.StringIO()
    with contextlib.redirect_stdout(found):
        exec(compile(program, "scalers.md", "exec", dont_inherit=True), {})
    assert found.getvalue() == printed
