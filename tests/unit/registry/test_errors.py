"""Errors that a user can mend."""

import pytest

from zoo_registry import errors
from zoo_registry.errors import ZooError, close_match_hint


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error")])
def test_every_error_is_the_zoos_with_exit_code_2_and_keeps_its_sentence(name):
    error = getattr(errors, name)("column 'x' holds text")
    assert isinstance(error, ZooError)
    assert error.exit_code == 2
    assert str(error) == "column 'x' holds text"


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("bsic", ["stacked", "basic"], "; did you mean 'basic'?"),
        ("basic", ["basic", "basics"], "; did you mean 'basics'?"),
        ("Basic", ["basic", "basics"], "; did you mean 'basic'?"),
        ("basic", ["basic"], ""),
        ("xyz", ["stacked", "basic"], "; known are: basic, stacked"),
        ("xyz", [], ""),
    ],
)
def test_close_match_hint(name, known, hint):
    assert close_match_hint(name, iter(known)) == hint


@pytest.mark.parametrize("kind", [errors.ConfigError, errors.DataError, errors.UnknownScalerError])
def test_repair_26_bad_settings_and_bad_data_are_value_errors(kind):
    with pytest.raises(ValueError, match="column 'x' holds text"):
        raise kind("column 'x' holds text")
