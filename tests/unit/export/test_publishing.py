"""Publishing: the next free number, whole or not at all, whatever else happens in the folder."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.export import publishing
from zoo.export.publishing import publish, staging
from zoo.removal import try_lock
from zoo_registry.errors import ExportError


def publish_one(model, config="config", content="bundle", **how):
    """Stage and publish a folder with one file and one folder."""
    with staging(model) as folder:
        (folder / "variables").mkdir()
        (folder / "variables" / "data").write_text(content)
        (folder / "manifest.json").write_text(content)
        return publish(folder, model, config, **how)


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.is_file() and path.read_bytes() for path in folder.rglob("*")}


def test_the_first_version(tmp_path):
    model = tmp_path / "exported" / "mine"
    assert publish_one(model) == model / "1"
    assert set(tree(model)) == {"config.pbtxt", "1", "1/manifest.json", "1/variables", "1/variables/data"}
    assert (model / "config.pbtxt").read_text() == "config"


@settings(max_examples=15, deadline=None)
@given(numbers=st.sets(st.integers(1, 10**12), max_size=5))
def test_the_next_number_is_the_highest_and_one(numbers, tmp_path_factory):
    model = tmp_path_factory.mktemp("model")
    for number in numbers:
        (model / str(number)).mkdir()
    assert publish_one(model) == model / str(max(numbers, default=0) + 1)


def test_what_is_no_version_does_not_count(tmp_path):
    for name in ("2", "007", "0", "-9", "9.9", "v9", "\u0669", "\uff19", ".staging-9"):
        (tmp_path / name).mkdir()
    (tmp_path / "99").write_text("a file")
    assert publish_one(tmp_path) == tmp_path / "3"


def test_repair_20_each_number_is_sealed_before_it_is_taken(tmp_path, monkeypatch):
    """Two were taken meanwhile, and stay as they are."""
    for number in (1, 2):
        publish_one(tmp_path, content=f"theirs {number}")
    before = tree(tmp_path)
    monkeypatch.setattr(publishing, "versions", lambda model: [])
    with staging(tmp_path) as folder:

        def seal(number, config):
            (folder / "manifest.json").write_text(f"{number}, {config.decode()}")

        bundle = publish(folder, tmp_path, "config", seal)
    assert bundle == tmp_path / "3"
    assert (bundle / "manifest.json").read_text() == "3, config"
    assert tree(tmp_path).items() >= before.items()


def test_many_at_once(tmp_path):
    model = tmp_path / "mine"
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda index: publish_one(model, content=str(index)), range(16)))
    assert sorted(int(folder.name) for folder in folders) == list(range(1, 17))
    for index, folder in enumerate(folders):
        assert {path.read_text() for path in folder.rglob("*") if path.is_file()} == {str(index)}
    assert {path.name for path in model.iterdir()} == {"config.pbtxt", *map(str, range(1, 17))}


def test_one_that_fails_takes_nothing_from_another(tmp_path, monkeypatch):
    """Both began before there was such a model; the first fails just before the second's number appears."""
    first, rename = staging(tmp_path / "mine"), Path.rename
    first.__enter__()

    def fail_and_rename(path, target):
        first.__exit__(ValueError, ValueError("no"), None)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_and_rename)
    publish_one(tmp_path / "mine")
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"config.pbtxt", "1"}


@pytest.mark.parametrize("error", [ValueError("no"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
@pytest.mark.parametrize("versions", [0, 1])
def test_an_exception_while_staging_leaves_what_was_there(tmp_path, error, versions):
    for _ in range(versions):
        publish_one(tmp_path / "mine")
    before = tree(tmp_path)
    with pytest.raises(type(error)), staging(tmp_path / "mine") as folder:  # noqa: PT012
        assert folder.name.startswith("."), "which no server looks at"
        (folder / "model.onnx").write_text("half")
        raise error
    assert tree(tmp_path) == before


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("owner", "step"), [(Path, "rename"), (Path, "replace"), (os, "fsync")])
@pytest.mark.parametrize("versions", [0, 1])
def test_a_failure_while_publishing_leaves_nothing(tmp_path, monkeypatch, owner, step, versions):
    for _ in range(versions):
        publish_one(tmp_path / "mine")
    before = tree(tmp_path)
    monkeypatch.setattr(owner, step, full)
    if versions and step == "replace":
        (tmp_path / "mine" / "config.pbtxt").unlink()  # so that it is written again
        before.pop("mine/config.pbtxt")
    with pytest.raises(OSError, match="No space left"):
        publish_one(tmp_path / "mine")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("model", ["mine", "new"])
def test_what_was_published_meanwhile_may_forbid_it(tmp_path, model):
    """It is looked at where nobody else can publish."""
    publish_one(tmp_path / "mine")
    before = tree(tmp_path)

    def refuse():
        handle = os.open(tmp_path / model, os.O_RDONLY)
        try:
            assert not try_lock(handle)
        finally:
            os.close(handle)
        raise ExportError("another interface")

    with pytest.raises(ExportError, match="another interface"):
        publish_one(tmp_path / model, check=refuse)
    assert tree(tmp_path) == before


def test_what_a_killed_export_left_does_not_disturb(tmp_path):
    (tmp_path / ".staging-dead").mkdir()
    (tmp_path / ".staging-dead" / "model.onnx").write_text("half")
    assert publish_one(tmp_path) == tmp_path / "1"
    assert publish_one(tmp_path, config="second") == tmp_path / "2"
    assert (tmp_path / "config.pbtxt").read_text() == "config", "it is written once"
    assert [path.name for path in tmp_path.iterdir() if path.name[0] == "."] == [".staging-dead"]
    assert (tmp_path / ".staging-dead" / "model.onnx").read_text() == "half"


def test_files_are_on_disk_before_the_number_appears(tmp_path, monkeypatch):
    events, fsync, rename = [], os.fsync, Path.rename

    def record_fsync(handle):
        events.append(os.fstat(handle).st_ino)
        fsync(handle)

    def record_rename(path, target):
        events.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(Path, "rename", record_rename)
    model = tmp_path / "a" / "exported" / "mine"
    folder = publish_one(model)
    last = len(events) - events[::-1].index("rename")
    staged = {path.stat().st_ino for path in [folder, *folder.rglob("*"), model / "config.pbtxt"]}
    made = {path.stat().st_ino for path in (tmp_path, tmp_path / "a")}
    assert staged | made <= set(events[:last])
    for folder in (model, model.parent):
        assert folder.stat().st_ino in events[last:], "what now lists the number, and what lists the model"


def killed_in(model, where, config="config"):
    """Publish in a process that ends where this line of Python says."""
    program = f"""
import os
from pathlib import Path
import zoo.export.publishing as publishing
{where}
model = Path({str(model)!r})
with publishing.staging(model) as folder:
    publishing.publish(folder, model, {config!r})
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9


def test_the_configuration_of_a_killed_export_is_not_taken_over(tmp_path):
    """It came before a version, and may be of another interface."""
    killed_in(tmp_path / "mine", "publishing.read_regular = lambda *_: os._exit(9)", "of a killed export")
    assert (tmp_path / "mine" / "config.pbtxt").read_text() == "of a killed export"
    publish_one(tmp_path / "mine", config="mine")
    assert (tmp_path / "mine" / "config.pbtxt").read_text() == "mine"


def test_a_failure_after_the_number_appeared_leaves_it_whole(tmp_path, monkeypatch):
    """The disk may refuse to sync the folder's name; the version is visible by then, and stays servable."""
    rename = Path.rename

    def rename_and_break(path, target):
        rename(path, target)
        if target.name == "1":
            monkeypatch.setattr(os, "fsync", full)

    monkeypatch.setattr(Path, "rename", rename_and_break)
    with pytest.raises(OSError, match="No space left"):
        publish_one(tmp_path / "mine")
    assert set(tree(tmp_path / "mine")) == {"config.pbtxt", "1", "1/manifest.json", "1/variables", "1/variables/data"}


def test_the_model_folder_that_vanishes_meanwhile_is_made_again(tmp_path, monkeypatch):
    """As where another export of a first version fails at this moment."""
    model, rename, made = tmp_path / "mine", Path.rename, []

    def rename_and_lose(path, target):
        rename(path, target)
        if target == model:
            made.append(target)
            if len(made) == 1:
                shutil.rmtree(model)

    monkeypatch.setattr(Path, "rename", rename_and_lose)
    assert publish_one(model) == model / "1"
    assert len(made) == 2


NUMBERS = ".mine.versions.json"


@pytest.mark.parametrize("removed", ["mine/2", "mine/[12]", "mine"])
def test_repair_10_a_number_is_never_given_twice(tmp_path, removed):
    for number in (1, 2):
        assert publish_one(tmp_path / "mine") == tmp_path / "mine" / str(number)
    for path in tmp_path.glob(removed):
        shutil.rmtree(path)
    assert publish_one(tmp_path / "mine") == tmp_path / "mine" / "3"
    assert (tmp_path / NUMBERS).is_file(), "a plain file beside the models, at which no server stumbles"
    assert not [path for path in (tmp_path / "mine").iterdir() if path.name.startswith(".")]


def test_repair_10_a_number_that_a_kill_may_have_given_is_not_given_again(tmp_path):
    """Killed between keeping the number and the rename, or after it: nobody can know whether it was seen."""
    publish_one(tmp_path / "mine")
    killed = "publishing.rename_to_free = lambda folder, place, first, _: (place(first), os._exit(9))"
    killed_in(tmp_path / "mine", killed)
    assert publish_one(tmp_path / "mine") == tmp_path / "mine" / "3"


def test_repair_10_a_failure_costs_no_number(tmp_path, monkeypatch):
    publish_one(tmp_path / "mine")
    before = (tmp_path / NUMBERS).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        with pytest.raises(OSError, match="No space left"):
            publish_one(tmp_path / "mine")
    assert (tmp_path / NUMBERS).read_bytes() == before
    assert publish_one(tmp_path / "mine") == tmp_path / "mine" / "2"


@pytest.mark.parametrize("content", ["", "7", '{"highest": "7"}', "\0"])
def test_repair_10_numbers_that_cannot_be_read_are_told(tmp_path, content):
    publish_one(tmp_path / "mine")
    (tmp_path / NUMBERS).write_text(content)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match=r"\.mine\.versions\.json: expected .*; write that into it") as caught:
        publish_one(tmp_path / "mine")
    assert "\n" not in str(caught.value)
    assert tree(tmp_path) == before


def test_repair_10_versions_that_came_without_a_number_count_and_files_are_passed_over(tmp_path):
    publish_one(tmp_path / "mine")
    (tmp_path / "mine" / "7").mkdir()
    (tmp_path / "mine" / "8").write_text("not a version")
    assert publish_one(tmp_path / "mine") == tmp_path / "mine" / "9"
    assert json.loads((tmp_path / NUMBERS).read_text())["highest"] == 9
    assert (tmp_path / "mine" / "8").read_text() == "not a version"


def test_repair_10_a_link_to_the_model_counts_with_it(tmp_path):
    publish_one(tmp_path / "models" / "mine")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "mine").symlink_to(tmp_path / "models" / "mine")
    shutil.rmtree(publish_one(tmp_path / "linked" / "mine"))
    assert publish_one(tmp_path / "models" / "mine").name == "3"


def test_repair_10_a_model_of_an_earlier_zoo_is_known_from_its_next_version_on(tmp_path):
    publish_one(tmp_path / "mine")
    (tmp_path / NUMBERS).unlink()
    publish_one(tmp_path / "mine")
    for number in (1, 2):
        shutil.rmtree(tmp_path / "mine" / str(number))
    assert publish_one(tmp_path / "mine").name == "3"


def test_repair_06_a_configuration_that_no_export_wrote_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.pbtxt").write_text('name: "mine"\nplatform: "tensorflow_savedmodel"\n')
    before = tree(tmp_path)
    with pytest.raises(ExportError, match=r"config\.pbtxt: expected none, or that of an export"):
        publish_one(tmp_path / "mine")
    assert tree(tmp_path) == before


def test_repair_06_an_empty_folder_of_the_users_stays_after_a_failure(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(ValueError, match="no"), staging(tmp_path / "mine"):
        raise ValueError("no")
    assert list((tmp_path / "mine").iterdir()) == []


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o027, 0o077])
def test_repair_18_the_umask_is_honoured(tmp_path, mask):
    """By default servers that run as another user can read."""
    usual = os.umask(mask)
    try:
        with staging(tmp_path / "exported" / "mine") as folder:
            (folder / "variables").mkdir(mode=0o755)  # as TensorFlow makes folders
            (folder / "variables" / "data").touch(mode=0o600)
            publish(folder, tmp_path / "exported" / "mine", "config")
        made = list((tmp_path / "exported").rglob("*"))
        assert len(made) == 6
        for path in made:
            assert path.stat().st_mode & 0o777 == (0o777 if path.is_dir() else 0o666) & ~mask, path
    finally:
        os.umask(usual)
