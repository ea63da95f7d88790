"""``import zoo`` costs nothing; its names are loaded when they are first used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import zoo

HEAVY = ("numpy", "pandas", "scipy", "sklearn", "tensorflow", "keras", "onnxruntime", "pydantic", "rich", "typer")


def run(program, **environment):
    env = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"} | environment
    return subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True).stdout


def test_import_loads_nothing_heavy():
    assert run(f"import sys, zoo; print([name for name in {HEAVY} if name in sys.modules])") == "[]\n"


def test_commands_begin_without_the_models_of_records_and_settings():
    told = run("import sys, zoo.cli.main; print('zoo.provenance' in sys.modules, 'zoo.settings.schema' in sys.modules)")
    assert told == "False False\n"


def test_the_import_names_keras_backend_but_leaves_a_choice_alone():
    program = "import os, zoo; print(os.environ['KERAS_BACKEND'])"
    assert run(program) == "tensorflow\n"
    assert run(program, KERAS_BACKEND="jax") == "jax\n"


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_name_resolves(name):
    found = getattr(zoo, name)
    assert found.__name__ == name
    assert found.__module__.split(".")[0] in ("zoo", "zoo_registry")
    assert name in dir(zoo)


def test_names_are_complete_and_sorted():
    assert sorted(zoo.__all__) == zoo.__all__ == sorted(zoo._HOMES)


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'trian'"):
        zoo.trian  # noqa: B018
    assert not hasattr(zoo, "nothing")
