"""Discovery: whatever a plugin does, it is named, and the others are still loaded."""

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import PurePosixPath
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_registry import discover
from zoo_registry.discovery import GROUP, discover_from
from zoo_registry.forgotten import forgotten
from zoo_registry.hookspecs import PROJECT

SOUND = "Architecture(name='{name}', summary='Sound.', build=lambda hp, shape: None)"
HOOK = """
from zoo_registry import Architecture, hookimpl

@hookimpl
def zoo_architectures():
    return {returned}
"""
HOOKED = "from zoo_registry import hookimpl\n\n@hookimpl\ndef {}:\n    return []\n"


def returning(returned):
    return HOOK.format(returned=returned)


# what the plugin's module says, and what the failure must tell
BROKEN = {
    "import error": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax error": ("def broken(", "SyntaxError"),
    "any error": ("1 / 0", "ZeroDivisionError: division by zero"),
    "exit": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "quiet exit": ("raise SystemExit", "SystemExit"),
    "generator exit": ("raise GeneratorExit", "GeneratorExit"),
    "lines": ("raise ValueError('one\\n\\n  two')", "ValueError: one two"),
    "unprintable": ("class Bad(Exception):\n    def __str__(self): raise OSError\nraise Bad", "Bad"),
    "int": (returning("3"), "must return a list of Architecture, found 3"),
    "nothing": (returning("None"), "must return a list of Architecture, found None"),
    "text": (returning("'basic'"), "must return a list of Architecture, found 'basic'"),
    "texts": (returning("['basic']"), "must return a list of Architecture, found ['basic']"),
    "one architecture": (returning(SOUND.format(name="one")), "must return a list of Architecture, found Architecture"),
    "class": (returning("[Architecture]"), "must return a list of Architecture, found [<class"),
    "bad name": (returning(SOUND.format(name="One")), "ValueError: architecture 'One', field 'name'"),
    "next contract": (returning("[Architecture(name='one', summary='x', build=len, api=3)]"), "'one', field 'api'"),
    "misspelt hook": (HOOKED.format("zoo_architecture()"), "unknown hook 'zoo_architecture'; did you mean 'zoo_archi"),
    "misspelt lifecycle hook": (
        HOOKED.format("zoo_epoch_end(epoch)"),
        "hook 'zoo_epoch_end'; did you mean",
    ),
    "wrong signature": (HOOKED.format("zoo_architectures(config)"), "{'config'} are declared in the hookimpl but"),
    "hook raises": (returning("[][0]"), "IndexError: list index out of range"),
    "hook exits": (returning("exit(4)"), "SystemExit: 4"),
    "no hook": ("answer = 42", "it implements no hook; expected a hookimpl of zoo_architectures"),
    "no marker": (returning("[]").replace("@hookimpl", ""), "it implements no hook; decorate zoo_architectures with"),
    "wrapper": (
        returning("(yield)").replace("@hookimpl", "@hookimpl(wrapper=True)"),
        "Architecture, found <generator",
    ),
    "twice in one plugin": (returning(f"[{SOUND.format(name='basic')}] * 2"), "registers basic twice"),
}


@pytest.fixture
def plugins_of():
    return lambda found: sorted(name for name, plugin in found.manager.list_name_plugin() if plugin is not None)


def test_healthy_plugins_are_listed_with_their_origin(healthy, plugins_of):
    found = discover_from([healthy("one"), healthy("two", "second"), healthy("three", "second", "drei")])
    assert list(found.catalogue) == ["drei", "one", "two"]
    assert found.failures == ()
    entry = found.catalogue["drei"]
    assert (entry.plugin, entry.distribution, entry.version) == ("three", "second", "1.2")
    assert plugins_of(found) == ["healthy-plugins:one", "second:three", "second:two"]


def test_a_plugin_may_register_several_or_none(point):
    pair = f"({SOUND.format(name='one')}, {SOUND.format(name='two')})"
    found = discover_from([point("pair", returning(pair)), point("none", returning("[]"))])
    assert list(found.catalogue) == ["one", "two"]
    assert found.failures == ()


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_named_and_the_others_are_listed(kind, point, healthy, plugins_of):
    source, told = BROKEN[kind]
    found = discover_from([healthy("alpha"), point("broken", source, "culprit"), healthy("omega")])
    assert list(found.catalogue) == ["alpha", "omega"]
    (failure,) = found.failures
    assert (failure.name, failure.distribution) == ("broken", "culprit")
    assert told in failure.error
    assert failure.failure == f"plugin 'broken' of distribution 'culprit' was left out: {failure.error}"
    assert "\n" not in failure.failure
    assert plugins_of(found) == ["healthy-plugins:alpha", "healthy-plugins:omega"]
    assert found.manager.check_pending() is None
    assert len(found.manager.hook.zoo_architectures()) == 2


@settings(max_examples=40, deadline=None)
@given(kinds=st.lists(st.sampled_from([*BROKEN, "healthy"]), max_size=8), data=st.data())
def test_in_any_company_the_healthy_are_listed_and_the_broken_are_named(kinds, data, point, healthy):
    points = [
        healthy(f"p{i}") if kind == "healthy" else point(f"p{i}", BROKEN[kind][0]) for i, kind in enumerate(kinds)
    ]
    found = discover_from(data.draw(st.permutations(points)))
    assert list(found.catalogue) == [f"p{i}" for i, kind in enumerate(kinds) if kind == "healthy"]
    assert [failure.name for failure in found.failures] == [
        f"p{i}" for i, kind in enumerate(kinds) if kind != "healthy"
    ]


JUNK_OBJECTS = {
    "None": "plugin = None",
    "number": "plugin = 42",
    "list": "plugin = [1]",
    "dict": "plugin = {}",
    "array": "import numpy; plugin = numpy.zeros(3)",
    "never equal": "class Odd:\n    def __eq__(self, other): raise RuntimeError('odd')\nplugin = Odd()",
    "never there": "class Odd:\n    def __getattribute__(self, name): raise RuntimeError('odd')\nplugin = Odd()",
}


@pytest.mark.parametrize("kind", JUNK_OBJECTS)
def test_an_entry_point_to_junk(kind, point, healthy):
    junk = point("broken", JUNK_OBJECTS[kind], "culprit", "plugin")
    found = discover_from([healthy("alpha"), junk, healthy("omega")])
    assert list(found.catalogue) == ["alpha", "omega"]
    assert [(failure.name, failure.distribution) for failure in found.failures] == [("broken", "culprit")]


def test_an_object_without_a_hash_may_be_a_plugin(point, healthy, plugins_of):
    source = f"""
from zoo_registry import Architecture, hookimpl

class Plugin:
    __hash__ = None

    @hookimpl
    def zoo_architectures(self):
        return [{SOUND.format(name="mine")}]

plugin = Plugin()
"""
    found = discover_from([point("a", source, attribute="plugin"), healthy("b")])
    assert found.failures == ()
    assert list(found.catalogue) == ["b", "mine"]
    assert plugins_of(found) == ["healthy-plugins:b", "outsider:a"]


def test_one_name_twice_in_one_distribution_leaves_the_second_out(healthy, plugins_of):
    found = discover_from([healthy("one", "first", "basic"), healthy("two", "first", "basic"), healthy("zeta")])
    assert list(found.catalogue) == ["basic", "zeta"]
    assert found.catalogue["basic"].plugin == "one"
    (failure,) = found.failures
    assert (failure.name, failure.distribution) == ("two", "first")
    assert "another plugin of this distribution already registers basic" in failure.error
    assert plugins_of(found) == ["first:one", "healthy-plugins:zeta"]


@pytest.mark.parametrize("owner", ["first", "second"])
def test_one_plugin_under_two_entry_points_stays_registered_once(owner, healthy, plugins_of):
    original = healthy("one", "first")
    module = original.load()
    again = healthy("two", owner)
    for point in (original, again):
        vars(point)["load"] = lambda: module
    found = discover_from([original, again, healthy("zeta")])
    assert list(found.catalogue) == ["one", "zeta"]
    (failure,) = found.failures
    assert (failure.name, failure.distribution) == ("two", owner)
    assert failure.error == "ValueError: the same plugin is already registered as first:one"
    assert plugins_of(found) == ["first:one", "healthy-plugins:zeta"]


def test_what_a_plugin_prints_stays_off_standard_output(point, healthy, capsys):
    source = "print('loading')\n" + returning(f"print('called') or [{SOUND.format(name='chatty')}]")
    found = discover_from([healthy("alpha"), point("chatty", source)])
    assert list(found.catalogue) == ["alpha", "chatty"]
    assert capsys.readouterr() == ("", "loading\ncalled\n")
    print("back")
    assert capsys.readouterr().out == "back\n"


@pytest.mark.parametrize("source", ["raise KeyboardInterrupt", returning("(_ for _ in ()).throw(KeyboardInterrupt)")])
def test_ctrl_c_is_not_swallowed(source, point, healthy):
    with pytest.raises(KeyboardInterrupt):
        discover_from([healthy("alpha"), point("slow", source)])


@pytest.mark.parametrize(
    ("disabled", "left"),
    [
        ("one", ["three", "two"]),
        ("first", ["three"]),
        (" two , three,", ["one"]),
        ("one,second", ["two"]),
        ("nothing", ["one", "three", "two"]),
        ("", ["one", "three", "two"]),
        ("fir", ["one", "three", "two"]),
    ],
)
def test_plugins_are_switched_off_by_name_or_distribution(disabled, left, healthy, monkeypatch):
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", disabled)
    found = discover_from([healthy("one", "first"), healthy("two", "first"), healthy("three", "second")])
    assert list(found.catalogue) == left
    assert found.failures == ()


def test_what_everything_needs_stays_on(point, healthy, monkeypatch):
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "lstm-zoo,losses")
    points = [healthy("losses", "lstm-zoo"), healthy("basic", "lstm-zoo"), healthy("losses", "other", "tide")]
    assert list(discover_from(points).catalogue) == ["losses"]


class Lost:
    """A distribution without its metadata."""

    @property
    def name(self):
        raise TypeError("initial_value must be str or None")


@pytest.mark.parametrize("distribution", [None, Lost()])
def test_an_entry_point_without_a_distribution(healthy, distribution):
    point = healthy("one")
    vars(point)["dist"] = distribution
    entry = discover_from([point, healthy("two")]).catalogue["one"]
    assert (entry.distribution, entry.version) == ("unknown", "")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("zoo_flwo", "ModuleNotFoundError: its entry point names the module 'zoo_flwo', which is not there; did you"),
        ("zoo_flow:tyde", "AttributeError: its entry point names 'tyde', which 'zoo_flow' does not have; did you mean"),
        ("zoo_flow.more", "ModuleNotFoundError: its entry point names the module 'zoo_flow.more'"),
        ("zoo_ebb", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("zoo_ebb2:tide", "AttributeError: module 'sys' has no attribute 'tide'"),
    ],
)
def test_a_real_entry_point_to_what_is_not_there(value, told, tmp_path, monkeypatch):
    (tmp_path / "zoo_flow.py").write_text("tide = 3")
    (tmp_path / "zoo_ebb.py").write_text("import no_such_module")
    (tmp_path / "zoo_ebb2.py").write_text("import sys\nsys.tide")
    monkeypatch.syspath_prepend(tmp_path)

    class Point(EntryPoint):
        dist = SimpleNamespace(name="culprit", version="1", files=[PurePosixPath("zoo_flow.py")])

    (failure,) = discover_from([Point("gone", value, GROUP)]).failures
    assert failure.error.startswith(told)


@pytest.mark.parametrize("editable", [False, True])
@pytest.mark.parametrize(
    ("needs", "group", "source", "told"),
    [
        ("lstm-zoo-registry>=0.1", None, HOOKED.format("zoo_losses()"), True),
        ("lstm_zoo", "zooo", HOOKED.format("zoo_losses()"), True),
        ("lstm_zoo_registry", None, HOOKED.format("zoo_losses()"), True),
        ("lstm-zoology", None, HOOKED.format("zoo_losses()"), False),
        ("lstm-zoo", "zoo", HOOKED.format("zoo_losses()"), False),
        ("lstm-zoo", "console_scripts", "import zoo", False),
        ("numpy", None, HOOKED.format("zoo_losses()"), False),
    ],
)
def test_a_forgotten_entry_point(needs, group, source, told, editable, tmp_path, monkeypatch):
    site, home = tmp_path / "site", tmp_path / ("home" if editable else "site")
    folder = site / "zoo_tide-1.dist-info"
    for place in (home, folder):
        place.mkdir(parents=True)
    (home / "zoo_tide.py").write_text(source)
    (site / "tide.pth").write_text(f"{home}\n")
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: zoo-tide\nVersion: 1\nRequires-Dist: {needs}\n")
    (folder / "RECORD").write_text(f"{'tide.pth' if editable else 'zoo_tide.py'},,\n")
    if group:
        (folder / "entry_points.txt").write_text(f"[{group}]\ntide = zoo_tide\n")
    (site / "left_over-1.dist-info").mkdir()
    monkeypatch.syspath_prepend(site)
    sentences = [sentence for sentence in forgotten() if "zoo-tide" in sentence]
    assert len(sentences) == told
    for sentence in sentences:
        assert "the hook 'zoo_losses' in 'zoo_tide'" in sentence
        assert ("but one of the group 'zooo'" in sentence) == (group == "zooo")
        assert 'tide = "zoo_tide"' in sentence


def test_discover_reads_the_installed_entry_points_once():
    found = discover()
    assert discover() is found
    assert PROJECT == GROUP == "zoo"
    names = {point.name for point in entry_points(group="zoo")}
    sound = {entry.plugin for registry in found.registries.values() for entry in registry.values()}
    assert names == sound | {failed.name for failed in found.failures}


def test_the_order_of_entry_points_does_not_matter(healthy):
    points = [healthy("one"), healthy("two", "a"), healthy("two", "b"), healthy("three")]
    assert list(discover_from(points).catalogue) == list(discover_from(points[::-1]).catalogue)


def test_every_plugin_is_told_of_with_what_became_of_it(point, healthy, monkeypatch):
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "off")
    points = [healthy("alpha", "sound"), point("broken", "1 / 0", "culprit"), point("off", "1 / 0"), healthy("s")]
    found = discover_from(points)
    states = {"alpha": "ok", "broken": "broken", "off": "disabled", "s": "ok"}
    assert {plugin.name: plugin.status for plugin in found.plugins} == states
    alpha, broken, off, _ = found.plugins
    assert (alpha.distribution, alpha.version, alpha.seconds > 0) == ("sound", "1.2", True)
    assert {kind: names for kind, names in alpha.contributions.items() if names} == {"architectures": ("alpha",)}
    assert (broken.error, broken.contributions) == ("ZeroDivisionError: division by zero", {})
    assert (off.seconds, off.contributions) == (0.0, {})


def test_a_slow_plugin_and_what_it_loads_are_named(point, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    slow = "import sys, time, types\nsys.modules['torch'] = types.ModuleType('torch')\ntime.sleep(0.02)\n" + returning(
        "[]"
    )
    heavy, quick = discover_from([point("heavy", slow), point("quick", returning("[]"))]).plugins
    del sys.modules["torch"]  # which monkeypatch would put back
    assert (heavy.heavy, quick.heavy) == (("torch",), ())
    assert heavy.seconds >= 0.02
    assert heavy.complaint.startswith(
        "plugin 'heavy' of distribution 'outsider' loads torch when it is imported (0.0 s)"
    )
    assert quick.complaint == ""
    assert "is slow to load (1.5 s)" in replace(quick, seconds=1.5).complaint


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("3", ["ValueError: the plugin is written for API version 3, this zoo has 1 to 2; install a newer lstm-zoo"]),
        (
            "'1'",
            ["ValueError: the plugin is written for API version '1', this zoo has 1 to 2; ask its author"],
        ),
        ("1", []),
    ],
)
def test_a_plugin_of_another_contract_is_refused_before_its_hooks_are_asked(declared, told, point):
    hook = returning("[Architecture(shape_of='x')]" if told else "[]")
    found = discover_from([point("newer", f"ZOO_API = {declared}\n{hook}")])
    assert [failure.error.removesuffix(" for a newer version") for failure in found.failures] == told
