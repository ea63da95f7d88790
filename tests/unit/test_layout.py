"""The tree as a whole: no two files of one name, and no circle of files."""

from __future__ import annotations

from collections import Counter
from graphlib import TopologicalSorter

import grimp
import pytest

ROOTS = ("zoo", "zoo_registry", "zoo_plugins")
SHARED = {"__init__", "base"}  # names that several packages may have a file of


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOTS, cache_dir=None)


def test_no_two_files_have_one_name(graph):
    packages = {module.rpartition(".")[0] for module in graph.modules}
    files = [module.rpartition(".")[2] for module in graph.modules - packages - set(ROOTS)]
    assert [name for name, count in Counter(files).items() if count > 1 and name not in SHARED] == []


def test_no_circle_of_files(graph):
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    list(TopologicalSorter(imports).static_order())  # raises CycleError, which names the files
