"""What the zoo removes is its own, in its place, and held by nobody else; all removing goes through here."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

import zoo
from zoo.locks import held, try_lock
from zoo.removal import ForeignError, is_staging, remove, remove_emptied, staged_in, staging_name


def test_repair_06_names_of_staging_are_nobody_else_s():
    name = staging_name()
    assert is_staging(Path(name))
    assert is_staging(Path(f"{name}.tar"))
    token, _, check = name.removeprefix(".staging-").partition("-")
    others = (".staging-", ".staging-foo", f".staging-{token}", f".staging-{check}-{token}", f"x{name}", name.upper())
    assert not [other for other in others if is_staging(Path(other))]
    assert len({staging_name() for _ in range(100)}) == 100


@pytest.mark.parametrize("kind", ["unmarked", "elsewhere", "deeper", "link", "itself", "held"])
def test_repair_05_what_is_not_to_be_removed_stays(tmp_path, kind):
    home = tmp_path / "home"
    path = home / staging_name()
    (path / "inside").mkdir(parents=True)
    handle = os.open(path, os.O_RDONLY)
    try:
        asked, of, mark = path, home, is_staging
        if kind == "unmarked":
            mark = lambda _: False  # noqa: E731
        elif kind == "elsewhere":
            of = tmp_path
        elif kind == "deeper":
            asked, mark = path / "inside", lambda _: True
        elif kind == "link":
            asked = home / staging_name()
            asked.symlink_to(path)
        elif kind == "itself":
            asked, mark = home / ".." / "home" / "", lambda _: True
        else:
            assert try_lock(handle)
        with pytest.raises(ForeignError):
            remove(asked, of, mark)
        assert (path / "inside").is_dir()
        assert asked.is_dir()
    finally:
        os.close(handle)
    remove(path, home, is_staging)
    assert list(home.iterdir()) in ([], [home / asked.name])


def test_repair_05_a_kill_leaves_nothing_half_removed_under_its_name(tmp_path, monkeypatch):
    (tmp_path / "run" / "inside").mkdir(parents=True)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove(tmp_path / "run", tmp_path, lambda _: True)
    (left,) = tmp_path.iterdir()
    assert staged_in(tmp_path) == [left]


def test_what_is_held_by_another_is_told(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with held(path) as lock, held(path) as other:
        assert (lock is None, other is None) == (False, True)
    with held(tmp_path / "missing") as lock:
        assert lock is None


@pytest.mark.parametrize("names", [(), ("mark",), ("mark", "missing")])
def test_a_folder_with_other_content_is_not_empty(tmp_path, names):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in (*names, "other"):
        (folder / name).write_text(name)
    before = sorted(path.name for path in folder.iterdir())
    assert not remove_emptied(folder, names)
    assert sorted(path.name for path in folder.iterdir()) == before
    (folder / "other").unlink()
    assert remove_emptied(folder, names)
    assert not folder.exists()


def test_repair_05_nothing_else_removes_trees():
    """One function checks what it removes; temporary folders of the standard library remove themselves."""
    found = {
        path.relative_to(Path(zoo.__file__).parent).as_posix()
        for path in Path(zoo.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("rmtree", "rmdir", "removedirs")
    }
    assert found == {"removal.py"}
