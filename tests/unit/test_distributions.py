"""The project's two distributions: of one version, without a file in common, and each with what it imports alone."""

import tomllib

import pytest


@pytest.fixture
def projects(request):
    root = request.config.rootpath
    return [tomllib.loads((root / place / "pyproject.toml").read_text()) for place in ("registry", ".")]


def test_they_go_together(projects, request):
    registry, zoo = (found["project"] for found in projects)
    assert registry["version"] == zoo["version"]
    assert f"lstm-zoo-registry=={registry['version']}" in zoo["dependencies"]
    assert [line.split(">=")[0] for line in registry["dependencies"]] == ["pluggy", "pydantic"]
    assert registry["requires-python"] == zoo["requires-python"]


def test_no_file_is_in_both(projects):
    registry, zoo = (found["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] for found in projects)
    assert registry == ["zoo_registry"]
    assert not any("registry" in package for package in zoo)


def test_the_lock_has_neither(request):
    lock = (request.config.rootpath / "requirements.lock").read_text()
    assert not any(line.startswith(("lstm-zoo", "-e ", ".", "file:")) for line in lock.splitlines())
