"""The conformance kit over every architecture that is installed; new ones come in without an edit here.

The main checks of each architecture share one training and one export. All of the kit, and that it finds what the
table of capabilities says, is in ``make test-full``.
"""

from __future__ import annotations

import pytest

from zoo.capabilities import NOT_INSTALLED, packaged
from zoo.testing import run_checks
from zoo.testing.capability_table import built_in
from zoo.testing.kit import MAIN
from zoo_registry import discover

CATALOGUE = discover().catalogue
LONG = "export of other tasks"  # the longest of the rest; one architecture's is among the main tests


def told(report):
    return [f"{verdict.check}: {verdict.reason}" for verdict in report.failed]


@pytest.mark.parametrize("name", CATALOGUE)
def test_main_checks(name, tmp_path):
    report = run_checks(CATALOGUE[name], tmp_path, (*MAIN, LONG) if name == "basic" else MAIN)
    assert told(report) == []


@pytest.mark.full
@pytest.mark.parametrize("name", CATALOGUE)
def test_all_checks(name, tmp_path):
    report = run_checks(CATALOGUE[name], tmp_path)
    assert told(report) == []


@pytest.mark.full
@pytest.mark.parametrize("name", built_in())
def test_the_kit_finds_what_the_table_says(name, tmp_path):
    """But for runtimes that are not installed here."""
    from zoo.testing.capability_table import TOLD_BY

    entry = built_in()[name]
    found = run_checks(entry, tmp_path, TOLD_BY).capabilities
    written = packaged()[entry.distribution, name]
    assert found.parameters == written.parameters
    assert found.tasks.keys() == written.tasks.keys()
    for task, capabilities in found.tasks.items():
        expected = written.tasks[task]
        assert (capabilities.formats, capabilities.recurrence) == (expected.formats, expected.recurrence)
        tried = {runtime: what for runtime, what in capabilities.runtimes.items() if what != NOT_INSTALLED}
        assert {"onnxruntime", "tensorflow"} <= tried.keys()
        assert tried == {runtime: expected.runtimes[runtime] for runtime in tried}
