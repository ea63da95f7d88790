"""Write what type checkers, editors and readers see of the settings: ``python -m zoo.settings.generate``.

With ``--check`` nothing is written, and stale files are named.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from zoo.data.readers.csv_files import CsvFormat
from zoo.settings.schema import RunConfig
from zoo.settings.sessions import BacktestSettings, ExportSettings, StudySettings, WorkerSettings
from zoo.settings.setting import Described, settings_of
from zoo.tasks import TASKS, find_task
from zoo_registry import Search, Task

ROOT = Path(__file__).parents[2]
_COMMAND = "python -m zoo.settings.generate"
CSV = CsvFormat.__dataclass_fields__  # which is one keyword
_POSITIONAL = ("target", "window", "horizon")  # of the estimators
_IMPORTS = """from __future__ import annotations

from collections.abc import Mapping, Sequence
"""


def keywords(schema: type[BaseModel] = RunConfig) -> str:
    """The settings that functions take by keyword, as typed dictionaries."""
    asked = [found for found in settings_of(schema).values() if found.mark.asked and found.name != "source"]
    table = [found for found in asked if found.mark.bundles is not None and found.name not in CSV]
    trials = [found for found in asked if found.mark.trials and found not in table]
    run = [found for found in asked if not found.mark.trials]
    study = settings_of(StudySettings).values()
    return f'''"""The keywords of ``zoo.train`` and others, made by ``{_COMMAND}``; None counts as left out."""

{_IMPORTS}from pathlib import Path
from typing import Any, Literal, TypedDict

from zoo.data.readers.csv_files import CsvFormat
from zoo_registry import Schedule, Task


{_dictionary("TableKeywords", "TypedDict, total=False", "How a table is read.", table)}

{_dictionary("TrialKeywords", "TableKeywords, total=False", "Settings that trials of a study have.", trials)}

{_dictionary("RunKeywords", "TrialKeywords, total=False", "Settings of a run.", run)}

{_dictionary("StudyKeywords", "TrialKeywords, total=False", "Settings of a study.", study)}

class ReadingKeywords(TableKeywords, total=False):
    """How a bundle's table is read."""

    csv: CsvFormat
    spool: str | Path | None
'''


def _dictionary(name: str, bases: str, text: str, settings: Iterable[Described]) -> str:
    lines = "".join(f"    {found.name}: {python_type(found)}\n" for found in settings)
    return f'class {name}({bases}):\n    """{text}"""\n\n{lines}'


def estimators(schema: type[BaseModel] = RunConfig) -> str:
    """The parameters of the estimators, which scikit-learn reads off ``__init__``."""
    classes = "".join(
        _estimator(name, schema, task, metric)
        for name, task, metric in (
            ("RegressorParameters", Task.FORECAST, "r2"),
            ("ClassifierParameters", Task.CLASSIFY, "accuracy"),
        )
    )
    return f'''"""The parameters of the estimators, made by ``{_COMMAND}``."""

{_IMPORTS}from typing import Any, Literal

from zoo.estimators.base import SequenceEstimator
from zoo_registry import Schedule
{classes}'''


def _estimator(name: str, schema: type[BaseModel], task: Task, metric: str) -> str:
    settings = [found for found in settings_of(schema).values() if found.mark.estimators and found.is_for(task)]
    first = [found for found in settings if found.name in _POSITIONAL]
    others = [found for found in settings if found.name not in _POSITIONAL]
    return f'''

class {name}(SequenceEstimator):
    def __init__(
        self,
        architecture: str = "basic",
        {"".join(map(_parameter, first))}*,
        {"".join(map(_parameter, others))}hyperparameters: Mapping[str, Any] | None = None,
        validation: float = 0.15,
        metric: str = "{metric}",
    ) -> None:
        self._set_parameters(locals())
'''


def _parameter(setting: Described) -> str:
    """A setting with its default, or with None where that hangs on others, or is no plain value."""
    default = setting.field.get_default(call_default_factory=True)
    plain = isinstance(default, (str, int, float)) and setting.mark.preset in ("", "the example's")
    kind = python_type(setting)
    return (
        f"{setting.name}: {kind.removesuffix(' | None')} = {default!r}, "
        if plain
        else f"{setting.name}: {kind} = None, "
    )


def python_type(setting: Described) -> str:
    """The types that a setting is read from, None among them."""
    return f"{setting.mark.takes or _type_text(setting.kind)} | None"


def _type_text(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, inner))}]"
    if origin is tuple:
        return f"str | Sequence[{_type_text(inner[0])}]"
    if origin is dict:
        return "str | Sequence[str] | Mapping[str, str]"
    return str(kind.__name__)


def reference(schema: type[BaseModel] = RunConfig) -> str:
    """The page of all settings."""
    tables = (
        ("A run", "`zoo train`, `zoo tune`, `zoo.train` and `zoo.tune`", settings_of(schema)),
        ("An export", "`zoo export`, and `zoo train --export`", settings_of(ExportSettings, "Export")),
        ("A study", "`zoo tune` and `zoo.tune`", settings_of(StudySettings, "Study")),
        ("A backtest", "`zoo backtest` and `zoo.backtest`", settings_of(BacktestSettings, "Backtest")),
        (
            "Workers",
            "`zoo tune`, `zoo backtest` and `zoo predict`",
            settings_of(WorkerSettings, "Workers"),
        ),
    )
    parts = "\n".join(f"## {title}\n\n{text}.\n\n{_tables(settings.values())}" for title, text, settings in tables)
    return f"""# Settings

Made by `{_COMMAND}`. A setting has one name in Python and in TOML files, where those of a run stand
in the tables `data`, `network` and `training`, and those of a study in `study`. Its option is the name with dashes, or
the one shown. None and what is empty count as left out. The last column says whether the estimators have it as a
parameter, and whether a study may search it (searchable), or does so unless it is given a value (searched).

{parts}"""


def _tables(settings: Iterable[Described]) -> str:
    by_panel: dict[str, list[Described]] = {}
    for found in settings:
        if found.mark.asked:
            by_panel.setdefault(found.title, []).append(found)
    return "\n".join(
        "\n".join(
            [
                f"### {title}",
                "",
                "| name | what it is | default | bounds | tasks | also |",
                "| --- | --- | --- | --- | --- | --- |",
                *map(_row, found),
                "",
            ]
        )
        for title, found in by_panel.items()
    )


@cache
def _searched_by_tasks() -> set[str]:
    """What tasks add to the settings that a search begins with, for an architecture that trains with any loss."""
    config: Any = SimpleNamespace(network=SimpleNamespace(quantiles=()))
    architecture: Any = SimpleNamespace(loss=None, outputs_per_target=0)
    return {name for task in TASKS for name in find_task(task).searched(config, architecture)}


def _row(setting: Described) -> str:
    mark = setting.mark
    name = f"`{setting.name}`" + (f" (`{mark.flag}`)" if mark.flag else "")
    declared = mark.searched or any(isinstance(extra, Search) for extra in setting.field.metadata)
    searched = declared or setting.name in _searched_by_tasks()
    also = ["estimators"] * mark.estimators + ["searched" if searched else "searchable"] * mark.tuned
    cells = (name, setting.help, setting.default, setting.bounds, ", ".join(mark.tasks) or "all", ", ".join(also))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


FILES = {
    "zoo/settings/keywords.py": keywords,
    "zoo/estimators/parameters.py": estimators,
    "docs/settings.md": reference,
}


def formatted(name: str, text: str) -> str:
    """A file as it is committed: Python as ruff has it."""
    if not name.endswith(".py"):
        return text
    ruff = Path(sys.executable).with_name("ruff")
    command = str(ruff) if ruff.exists() else shutil.which("ruff") or "ruff"
    for step in (["check", "--quiet", "--fix", "--select", "F401,I"], ["format"]):
        done = subprocess.run(
            [command, *step, "--stdin-filename", name, "-"],
            input=text,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        text = done.stdout
    return text


def main() -> int:
    """Write the files, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where a file is stale")
    check = parser.parse_args().check
    stale = []
    for name, make in FILES.items():
        path, text = ROOT / name, formatted(name, make())
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name}: stale; run make generate" if check else f"{name}: written")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
