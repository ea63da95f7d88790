"""What is known of architectures, where it is kept, and what is asked of it."""

from __future__ import annotations

import json

import pytest

from zoo.capabilities import (
    EXPORTS,
    FORMATS,
    Capabilities,
    TaskCapabilities,
    cache_folder,
    check_exports,
    forget,
    known_capabilities,
    packaged,
    read,
    remember,
    written,
)
from zoo.testing.capability_table import PAGE, built_in, page
from zoo_registry import BUILT_IN_RUNTIMES, discover
from zoo_registry.errors import ConfigError

ALL_EQUAL = dict.fromkeys(BUILT_IN_RUNTIMES, "equal")


def tide(version="0.3", **tasks):
    found = {
        task: TaskCapabilities(formats=FORMATS, recurrence="native", runtimes=runtimes)
        for task, runtimes in tasks.items()
    }
    return Capabilities(architecture="tide", distribution="tide-models", version=version, tasks=found, parameters=7)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_names_are_the_formats_and_all_runtimes():
    assert tuple(discover().runtimes) == BUILT_IN_RUNTIMES
    assert (*FORMATS, *BUILT_IN_RUNTIMES) == EXPORTS


def test_every_task_has_to_be_had():
    found = tide(forecast=ALL_EQUAL, classify=ALL_EQUAL | {"litert": "refused"})
    assert found.exports("openvino") is True
    assert found.exports("litert") is False
    assert found.exported == tuple(name for name in EXPORTS if name != "litert")


@pytest.mark.parametrize(
    ("told", "answer"), [("equal", True), ("refused", False), ("differs", False), ("not installed", None), (None, None)]
)
def test_what_was_not_tried_is_not_known(told, answer):
    assert tide(forecast={} if told is None else {"litert": told}).exports("litert") is answer


def test_nothing_is_known_of_no_task():
    assert tide().exports("onnx") is None
    assert tide().exported == ()


def test_what_a_check_found_is_known_for_that_version_alone(cache):
    assert known_capabilities("tide-models", "tide", "0.3") is None
    path = remember(tide(forecast=ALL_EQUAL))
    assert path == cache / "capabilities" / "tide-models" / "tide.json"
    assert known_capabilities("tide-models", "tide", "0.3") == tide(forecast=ALL_EQUAL)
    assert known_capabilities("tide-models", "tide", "0.4") is None
    remember(tide("0.4", forecast={}))
    assert known_capabilities("tide-models", "tide", "0.4") == tide("0.4", forecast={})


def test_what_holds_no_longer_is_forgotten():
    remember(tide(forecast=ALL_EQUAL))
    forget(tide())
    assert known_capabilities("tide-models", "tide", "0.3") is None
    forget(tide())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"architecture": 3}'])
def test_a_cache_that_is_no_longer_readable_is_no_cache(content):
    path = remember(tide(forecast={}))
    path.write_text(content)
    assert known_capabilities("tide-models", "tide", "0.3") is None


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    assert remember(tide(forecast={})) is None


def test_the_place_of_the_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder() == tmp_path / "xdg" / "lstm-zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == tmp_path / ".cache" / "lstm-zoo"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "lstm-zoo"


def test_an_unknown_name_has_a_close_match():
    check_exports(EXPORTS)
    with pytest.raises(ConfigError, match="no format or runtime 'openvin'; did you mean 'openvino'"):
        check_exports(["onnx", "openvin"])


def test_what_is_written_is_read():
    found = [tide(forecast=ALL_EQUAL), tide().model_copy(update={"architecture": "ebb"})]
    assert list(read(written(found)).values()) == found[::-1]


def test_the_file_of_the_zoo_has_every_built_in_with_its_tasks():
    entries = built_in()
    assert {name for _, name in packaged()} == set(entries)
    for name, entry in entries.items():
        known = known_capabilities(entry.distribution, name, entry.version)
        assert known is not None
        assert set(known.tasks) == {str(task) for task in entry.item.tasks}
        for task in known.tasks.values():
            assert task.formats == FORMATS
            assert task.recurrence != "loop"
            assert set(task.runtimes) == set(BUILT_IN_RUNTIMES)
            assert "not installed" not in task.runtimes.values()


def test_the_page_is_what_the_file_says():
    assert PAGE.read_text(encoding="utf-8") == page(list(packaged().values()))


def test_the_page_tells_what_holds_for_some_tasks(cache):
    text = page([tide(forecast=ALL_EQUAL, classify=ALL_EQUAL | {"litert": "refused"})])
    (row,) = [line for line in text.splitlines() if line.startswith("| `tide`")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["`tide`", "forecast, classify", "7", "native", *["yes"] * (len(EXPORTS) - 1), "forecast"]


def test_the_list_is_filtered(zoo_command):
    everything = json.loads(zoo_command("list", "--json").stdout)
    assert all({"onnx", "savedmodel"} <= set(one["exports"]) for one in everything if one["distribution"] == "lstm-zoo")
    done = zoo_command("list", "--exports", "onnx, openvino", "--json")
    named = [one["name"] for one in json.loads(done.stdout)]
    assert named == [one["name"] for one in everything if {"onnx", "openvino"} <= set(one["exports"] or ())]
    assert "basic" in named
    table = zoo_command("list", "--exports", "onnx").stdout.splitlines()
    assert "exports" in table[0]
    assert "savedmodel, onnx" in table[1]


@pytest.mark.parametrize("given", ["openvin", "onnx,openvin", " , "])
def test_the_list_refuses_unknown_exports(given, zoo_command):
    done = zoo_command("list", "--exports", given)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "did you mean 'openvino'?" in done.stderr or "expected one or more of" in done.stderr
