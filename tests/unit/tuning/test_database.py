"""Databases that studies are kept in: opened by several at once, and what they say."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest

from zoo.tuning.database import open_database, shown_url
from zoo.tuning.study_store import DATABASE, StudyStore
from zoo.tuning.trial_record import TuningError


def test_those_that_open_a_new_database_at_once_all_get_it(tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with ThreadPoolExecutor(6) as threads:
        opened = list(threads.map(open_database, [url] * 6))
    names = {optuna.create_study(storage=one, study_name="mine", load_if_exists=True).study_name for one in opened}
    assert names == {"mine"}
    assert optuna.get_all_study_names(opened[0]) == ["mine"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "expected a database's URL"),
        ("postgresql+nothing://u:secret@127.0.0.1:1/x", "expected a database's URL|driver of this database"),
        ("sqlite:////nowhere/at/all.db", "cannot be used"),
    ],
)
def test_one_that_cannot_be_used_is_told_without_its_password(url, words):
    with pytest.raises(TuningError, match=words) as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


def test_passwords_are_not_shown():
    assert shown_url("mysql+pymysql://me:secret@host/db") == "mysql+pymysql://me:***@host/db"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_repair_28_no_connection_stays_open(tmp_path):
    storage = open_database(f"sqlite:///{tmp_path / 'study.db'}")
    study = optuna.create_study(storage=storage, study_name="mine")
    study.tell(study.ask(), 1.0)
    assert study.best_value == 1.0
    opened = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    assert not [path for path in opened if path.startswith(str(tmp_path))]


def test_repair_28_a_database_in_memory_keeps_what_it_is_told():
    storage = open_database("sqlite://")
    optuna.create_study(storage=storage, study_name="mine")
    assert optuna.get_all_study_names(storage) == ["mine"]


@pytest.mark.parametrize("name", ["a b", "a?b=c", "50%", "a%20b", "#1", "{a}", "[1]*", "ä"])
def test_repair_17_any_characters_in_the_path_of_a_study(tmp_path, name, make_study_plan):
    studies = tmp_path / name
    StudyStore.begin(make_study_plan(), studies, name="mine")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (studies / "mine" / DATABASE).is_file()
    assert StudyStore.reopen("latest", studies).name == "mine"
