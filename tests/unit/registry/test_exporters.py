"""Exporters: what a plugin has to give, the hook that gives it, and what becomes of a plugin that does not."""

import pytest

from zoo_registry import API_VERSION, Exporter
from zoo_registry.discovery import discover_from
from zoo_registry.errors import ConfigError, ExportError, UnknownExporterError


def write(context):
    raise NotImplementedError


def exporter(**fields):
    return Exporter(**({"name": "flat", "summary": "Plain numbers.", "write": write} | fields))


def test_what_is_left_out():
    plain = exporter()
    assert (plain.requires, plain.install, plain.fixed_batch, plain.refuses) == ((), "", False, None)
    assert plain.api == API_VERSION
    plain.require()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "Flat"}, "an exporter's name is made of a-z, 0-9 and '-', found 'Flat'"),
        ({"name": "../flat"}, "an exporter's name is made of a-z, 0-9 and '-', found '../flat'"),
        ({"name": None}, "an exporter's name is made of"),
        ({"api": 2}, "exporter 'flat' is written for API version 2, this zoo has 1"),
        ({"summary": ""}, "exporter 'flat': summary must be a sentence, found ''"),
        ({"write": "flat"}, "exporter 'flat': write must be callable, found 'flat'"),
        ({"requires": "numpy"}, "exporter 'flat': requires must be a tuple of distributions, found 'numpy'"),
        ({"requires": ("",)}, "exporter 'flat': requires must be a tuple of distributions, found ('',)"),
        ({"install": None}, "exporter 'flat': install must be text, found None"),
        ({"fixed_batch": 1}, "exporter 'flat': fixed_batch must be True or False, found 1"),
        ({"refuses": "float64"}, "exporter 'flat': refuses must be callable, found 'float64'"),
    ],
)
def test_a_malformed_exporter(fields, sentence):
    with pytest.raises(ValueError, match=r".") as caught:
        exporter(**fields)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(("install", "hint"), [("lstm-zoo[flat]", "lstm-zoo[flat]"), ("", "no-such-thing")])
def test_a_missing_distribution_is_told_with_what_to_install(install, hint):
    exporter(requires=("pluggy",)).require()
    with pytest.raises(ExportError) as caught:
        exporter(requires=("pluggy", "no-such-thing"), install=install).require()
    assert str(caught.value) == (
        f"`formats` flat: expected the distribution 'no-such-thing', which is missing; run: pip install '{hint}'"
    )


def plugin(name: str, returned: str | None = None) -> str:
    returned = returned or f"[Exporter(name={name!r}, summary='Sound.', write=print)]"
    return f"""
        from zoo_registry import Exporter, hookimpl

        @hookimpl
        def zoo_exporters():
            return {returned}
    """


def test_exporters_are_collected_and_broken_ones_named(point):
    found = discover_from(
        [
            point("first", plugin("flat")),
            point("junk", plugin("x", "['flat']")),
            point("none", plugin("x", "None")),
            point("raising", plugin("x", "[][0]")),
            point("twice", plugin("flat")),
            point("twins", plugin("x", "[Exporter(name='twin', summary='Sound.', write=print)] * 2")),
            point("wrong", plugin("A b")),
        ]
    )
    assert list(found.exporters) == ["flat"]
    entry = found.exporters["flat"]
    assert (entry.plugin, entry.distribution, entry.version) == ("first", "outsider", "1.2")
    assert entry.exporter.write is print
    errors = {failure.plugin: failure.error for failure in found.failures}
    expected = {
        "junk": "TypeError: zoo_exporters must return a list of Exporter, found ['flat']",
        "none": "TypeError: zoo_exporters must return a list of Exporter, found None",
        "raising": "IndexError: list index out of range",
        "twice": "ValueError: another plugin of this distribution already registers flat",
        "twins": "ValueError: it registers twin twice",
    }
    assert {name: errors[name] for name in expected} == expected
    assert "an exporter's name is made of" in errors["wrong"]
    assert len(errors) == len(expected) + 1


def test_one_exporter_of_two_distributions_has_to_be_qualified(point):
    found = discover_from([point("a", plugin("flat"), "one"), point("b", plugin("flat"), "two")])
    assert found.failures == ()
    assert list(found.exporters) == ["one:flat", "two:flat"]
    sentence = "exporter 'flat' is registered by distributions 'one' and 'two'; say one:flat or two:flat"
    assert found.exporters.ambiguities == [sentence]
    with pytest.raises(UnknownExporterError) as caught:
        found.exporters["flat"]
    assert str(caught.value) == sentence


def test_an_unknown_exporter_gets_its_close_match(point):
    found = discover_from([point("a", plugin("flat"))])
    with pytest.raises(UnknownExporterError, match="there is no exporter 'falt'; did you mean 'flat'"):
        found.exporters["falt"]
    assert issubclass(UnknownExporterError, ConfigError)
