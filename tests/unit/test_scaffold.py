"""What ``zoo plugin new`` writes, and what it refuses."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo.scaffold.scaffold
from zoo.scaffold.scaffold import LONGEST, check_name, write_plugin
from zoo_registry import discover
from zoo_registry.errors import ConfigError


def content(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_small_whole_distribution(tmp_path):
    written = write_plugin("tide-2", tmp_path / "new")
    found = content(tmp_path / "new")
    assert set(found) == {"pyproject.toml", "zoo_tide_2.py", "tests/test_zoo_tide_2.py", "README.md"}
    assert sorted(found) == sorted(str(path.relative_to(tmp_path / "new")) for path in written.files)
    assert sum(len(text.splitlines()) for name, text in found.items() if name.endswith(".py")) < 80
    assert not any("$" in text for text in found.values())
    project = tomllib.loads(found["pyproject.toml"])["project"]
    assert project["name"] == "zoo-tide-2"
    assert project["entry-points"]["zoo"] == {"tide-2": "zoo_tide_2"}
    assert written.module == tmp_path / "new" / "zoo_tide_2.py"
    assert written.commands[0] == f"cd {tmp_path / 'new'}"
    assert "zoo plugin check tide-2" in written.commands
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("name", ["tide", "2-tides", "a" * LONGEST])
def test_what_it_writes_keeps_the_rules(name, tmp_path):
    write_plugin(name, tmp_path / "new")
    for arguments in (("check",), ("format", "--check"), ("check", "--config", zoo_config())):
        command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."]
        done = subprocess.run(command, cwd=tmp_path / "new", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def zoo_config():
    from pathlib import Path

    return str(Path(zoo.scaffold.scaffold.__file__).parents[2] / "pyproject.toml")


@pytest.mark.full
def test_its_types_are_sound(tmp_path):
    write_plugin("tide", tmp_path / "new")
    command = [sys.executable, "-m", "mypy", "--strict", "."]
    done = subprocess.run(command, cwd=tmp_path / "new", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_folder_is_named_after_the_distribution(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write_plugin("tide").module.parts == ("zoo-tide", "zoo_tide.py")
    assert write_plugin("zoo-ebb").module.parts == ("zoo-ebb", "zoo_ebb.py")


def test_an_empty_folder_is_fine_and_one_above_it_is_made(tmp_path):
    (tmp_path / "empty").mkdir()
    write_plugin("tide", tmp_path / "empty")
    write_plugin("tide", tmp_path / "deep" / "er")
    assert content(tmp_path / "empty") == content(tmp_path / "deep" / "er")


@pytest.mark.parametrize("kind", ["file", "full", "link"])
def test_nothing_is_overwritten(kind, tmp_path):
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("mine")
    elif kind == "full":
        place.mkdir()
        (place / "mine").touch()
    else:
        place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="place: expected no such folder, or an empty one"):
        write_plugin("tide", place)
    assert sorted(path.name for path in tmp_path.rglob("*")) == (["mine", "place"] if kind == "full" else ["place"])


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    monkeypatch.setitem(zoo.scaffold.scaffold.TEMPLATES, "zz", "no-such.template")
    with pytest.raises(FileNotFoundError):
        write_plugin("tide", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Tide", "found 'Tide'; did you mean 'tide'?"),
        ("my_tide", "did you mean 'my-tide'?"),
        ("", "found ''"),
        ("-a", "begins and ends with"),
        ("a-", "did you mean 'a'?"),
        ("../a", "did you mean 'a'?"),
        ("é", "found 'é'"),
        ("a\n", "did you mean 'a'?"),
        ("a" * (LONGEST + 1), "at most 40 characters, found 41"),
        ("registry", "the zoo's own zoo_registry"),
        ("zoo-plugins", "the zoo's own zoo_plugins"),
        ("basic", "an architecture 'basic' is installed"),
    ],
)
def test_names_that_are_refused(name, told):
    with pytest.raises(ConfigError) as refused:
        check_name(name, discover().catalogue)
    assert told in str(refused.value)


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True))
def test_every_name_that_passes_gives_sound_python(name):
    try:
        check_name(name, {})
    except ConfigError:
        assert name.endswith("-") or name.removeprefix("zoo-") in ("registry", "plugins")
        return
    module = zoo.scaffold.scaffold._module(name)
    assert module.isidentifier()
    words = {"name": name, "module": module, "distribution": name, "zoo": "1", "api": "1"}
    from string import Template

    for source in ("module.py.template", "test.py.template"):
        text = (zoo.scaffold.scaffold.files("zoo.scaffold") / "templates" / "plugin" / source).read_text()
        ast.parse(Template(text).substitute(words))
