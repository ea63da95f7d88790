"""A setting that is added to the schema is in the help, TOML, keywords, estimators, reference and tuner."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from zoo.cli.flags import in_flags
from zoo.cli.setting_options import options_of
from zoo.settings import generate, sessions
from zoo.settings.schema import DataConfig, NetworkConfig, RunConfig, TrainingConfig
from zoo.settings.setting import Setting, sections_of, settings_of
from zoo.settings.toml_file import config_of, config_text
from zoo.tuning.space import default_settings
from zoo_registry import Search, Task, discover
from zoo_registry.errors import ConfigError

BASIC = discover().catalogue["basic"].item


class Training(TrainingConfig):
    """With a setting more."""

    echo_rows: Annotated[int, Setting(estimators=True, tuned=True, metavar="ROWS"), Search.int(1, 9)] = Field(
        3, ge=1, le=99, description="Rows that are heard twice; see `keep='last'`"
    )


class Config(RunConfig):
    """With a setting more in one of its sections."""

    training: Training


CONFIG = Config(
    architecture="basic", hyperparameters={}, data=DataConfig(), network=NetworkConfig(), training=Training(echo_rows=4)
)


def test_the_command_has_it_in_its_help():
    (option,) = options_of([settings_of(Config)["echo_rows"]])
    assert (option.name, option.opts) == ("echo_rows", ["--echo-rows"])
    assert (option.rich_help_panel, option.metavar) == ("Training", "ROWS")
    assert option.help == "Rows that are heard twice; see --keep last [default: 3; at least 1, at most 99]."


def test_toml_is_read_and_written_with_it():
    text = config_text(CONFIG)
    assert tomllib.loads(text)["training"]["echo_rows"] == 4
    assert config_of(tomllib.loads(text), Path("run.toml"), Config).settings["echo_rows"] == 4
    with pytest.raises(ConfigError, match="did you mean 'echo_rows'"):
        config_of({"training": {"echo_row": 4}}, Path("run.toml"), Config)


def test_the_functions_have_it_as_a_typed_keyword():
    keywords: dict[str, type] = {}
    exec(generate.keywords(Config), keywords)
    for name, taken in (("RunKeywords", True), ("StudyKeywords", True), ("ReadingKeywords", False)):
        assert ("echo_rows" in keywords[name].__annotations__) is taken
    assert keywords["RunKeywords"].__annotations__["echo_rows"].__forward_arg__ == "int | None"


def test_the_estimators_have_it_as_a_parameter():
    made: dict[str, type] = {}
    exec(generate.estimators(Config), made)
    for name in ("RegressorParameters", "ClassifierParameters"):
        assert inspect.signature(made[name]).parameters["echo_rows"].default == 3
        assert made[name](echo_rows=5).get_params()["echo_rows"] == 5


def test_the_reference_tells_it():
    (line,) = [line for line in generate.reference(Config).splitlines() if line.startswith("| `echo_rows`")]
    assert line.endswith("| 3 | at least 1, at most 99 | all | estimators, searched |")


def test_the_reference_says_searched_of_what_a_study_begins_with():
    of_tasks = [
        CONFIG.model_copy(update={"data": CONFIG.data.model_copy(update={"task": task, "horizon": 1})}) for task in Task
    ]
    lines = [line for line in generate.reference(Config).splitlines() if line.endswith("searched |")]
    assert {line.split("`")[1] for line in lines} == {name for one in of_tasks for name in default_settings(one, BASIC)}


def test_the_tuner_searches_it():
    assert default_settings(CONFIG, BASIC)["echo_rows"] == Search.int(1, 9)


def test_every_setting_has_a_line_of_help_and_a_name_of_its_own():
    for schema in (RunConfig, sessions.ExportSettings, sessions.StudySettings, sessions.WorkerSettings):
        fields = [name for part in (sections_of(schema) or {"": schema}).values() for name in part.model_fields]
        assert list(settings_of(schema)) == fields
        assert all(found.help and found.default for found in settings_of(schema).values())


@pytest.mark.parametrize("name", generate.FILES)
def test_what_is_committed_is_what_is_made(name):
    assert (generate.ROOT / name).read_text(encoding="utf-8") == generate.formatted(name, generate.FILES[name]())


def test_a_setting_of_another_task_is_no_parameter_of_an_estimator():
    for task, name, found in ((Task.CLASSIFY, "horizon", False), (Task.FORECAST, "horizon", True)):
        assert settings_of(RunConfig)[name].is_for(task) is found


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("`momentum` is for `optimizer='sgd'`", "--momentum is for --optimizer sgd"),
        ("`start_from` a-run", "--from a-run"),
        ("give `hyperparameters`, `formats` or `architecture`", "give --set, --format or architecture"),
        ("leave `context=False` out, or say `sort=True`", "leave --no-context out, or say --sort"),
        ("setting 'learning_rate': expected", "--learning-rate: expected"),
        ("`delimiter=';'` and `patience=0`", "--delimiter ';' and --patience 0"),
        ("column '`seed`' and `Not a setting`", "column '`seed`' and `Not a setting`"),
    ],
)
def test_commands_name_settings_by_their_options(said, told):
    assert in_flags(said) == told
