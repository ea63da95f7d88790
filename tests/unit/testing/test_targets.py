"""What a check can be asked for."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import pytest

from zoo.testing import targets
from zoo.testing.targets import Point, find_local, find_target
from zoo_registry import Entry, Plugin, Registry, discover
from zoo_registry.errors import ConfigError, PluginError, UnknownArchitectureError
from zoo_registry.registry import ARCHITECTURES

PYPROJECT = '[project]\nname = "tide-models"\nversion = "0.3"\n[project.entry-points.zoo]\ntide = "tide_plugin:it"\n'


@pytest.mark.parametrize("name", ["basic", "lstm-zoo:basic"])
def test_an_architecture(name):
    target = find_target(name)
    assert target.points == (Point("basic", "zoo_plugins.architectures.basic", "lstm-zoo", version("lstm-zoo")),)
    assert (target.architecture, target.path, target.keep) == ("basic", (), True)


@pytest.mark.parametrize("name", ["lstm-zoo", "LSTM_zoo"])
def test_a_distribution(name):
    target = find_target(name)
    assert {point.name for point in target.points} >= {"basic", "stacked", "litert"}
    assert target.architecture is None


def test_a_plugin():
    (point,) = find_target("litert").points
    assert point.value == "zoo_plugins.exporters.litert"


def test_there_is_nothing_of_that_name():
    with pytest.raises(PluginError, match="folder or file 'basik'; did you mean 'basic'"):
        find_target("basik")


def test_a_name_of_two_distributions_has_to_be_qualified(monkeypatch):
    found = discover()
    entry = found.catalogue["basic"]
    other = Entry(entry.item, "tide", "tide-models", "1")
    plugin = Plugin(name="tide", distribution="tide-models", version="1", value="tide")
    registries = {ARCHITECTURES.hook: Registry(ARCHITECTURES, [entry, other])}
    both = replace(found, registries=registries, plugins=(*found.plugins, plugin))
    monkeypatch.setattr(targets, "discover", lambda: both)
    with pytest.raises(UnknownArchitectureError, match="say lstm-zoo:basic or tide-models:basic"):
        find_target("basic")
    assert find_target("tide-models:basic").points[0].value == "tide"


def test_one_that_is_switched_off_is_told(monkeypatch):
    found = discover()
    off = Plugin(name="tide", distribution="tide-models", version="1", value="tide", disabled=True)
    monkeypatch.setattr(targets, "discover", lambda: replace(found, plugins=(*found.plugins, off)))
    with pytest.raises(PluginError, match="plugin 'tide' of distribution 'tide-models' is switched off"):
        find_target("tide")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_repair_17_a_folder_that_is_not_installed(tmp_path, encoding):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding=encoding)
    target = find_target(str(tmp_path))
    assert target.points == (Point("tide", "tide_plugin:it", "tide-models", "0.3"),)
    assert target.path == (str(tmp_path), str(tmp_path / "src"))
    assert target.keep


@pytest.mark.parametrize(
    "tools",
    [
        '[tool.hatch.build.targets.wheel]\npackages = ["lib/tide"]\n',
        '[tool.setuptools.package-dir]\n"" = "lib"\n',
        '[tool.setuptools.packages.find]\nwhere = ["lib"]\n',
    ],
)
def test_modules_lie_where_the_build_tool_is_told(tools, tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT + tools)
    assert str(tmp_path / "lib") in find_local(tmp_path).path


def test_a_file(tmp_path):
    (tmp_path / "tide.py").touch()
    target = find_target(str(tmp_path / "tide.py"))
    assert [point.value for point in target.points] == ["tide"]
    assert (target.path, target.keep) == ((str(tmp_path),), False)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "expected a .py file, or a folder with a pyproject.toml"),
        ("[project", "mend it"),
        ("[project]\nname = 'x'\n", "group 'zoo', found none"),
        ("[project]\nentry-points = 3\n", "group 'zoo', found none"),
        ("[project.entry-points.zooo]\na = 'a'\n", "group 'zoo', found zooo"),
        ("[project.entry-points]\nzoo = 3\n", "group 'zoo', found none"),
        ("[project.entry-points.zoo]\n", "group 'zoo', found none"),
        ("[project.entry-points.zoo]\na = 1\n", "group 'zoo', found none"),
    ],
)
def test_a_folder_without_a_plugin(content, told, tmp_path):
    if content is not None:
        (tmp_path / "pyproject.toml").write_text(content)
    with pytest.raises(ConfigError) as refused:
        find_target(str(tmp_path))
    assert told in str(refused.value)


@pytest.mark.parametrize("name", ["nowhere.py", "./nowhere"])
def test_a_path_that_is_not_there(name):
    with pytest.raises(ConfigError, match="nowhere"):
        find_target(name)


def test_a_file_that_no_module_can_be(tmp_path):
    (tmp_path / "my-tide.py").touch()
    with pytest.raises(ConfigError, match="no Python module's; rename it"):
        find_local(tmp_path / "my-tide.py")
