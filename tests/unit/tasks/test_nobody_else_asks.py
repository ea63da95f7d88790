"""Nothing outside zoo/tasks and plugins compares with a task: who needs to know what one wants, asks the task."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import zoo
import zoo_registry
from zoo.tasks import TASKS


def places() -> Iterator[Path]:
    for package in (zoo, zoo_registry):
        root = Path(package.__file__).parent
        yield from (path for path in root.rglob("*.py") if path.parent != root / "tasks")


def names_a_task(node: ast.expr) -> bool:
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return any(map(names_a_task, node.elts))
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and node.value.id == "Task"
    return isinstance(node, ast.Constant) and node.value in TASKS


def test_no_comparison_with_a_task():
    found = []
    for path in places():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Compare) or not any(map(names_a_task, (node.left, *node.comparators))):
                continue
            if not ast.unparse(node.comparators[-1]).endswith(".tasks"):  # what an architecture can do
                found.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    assert found == []
