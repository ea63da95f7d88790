"""Configurations as TOML: what is written repeats the run, and what is unknown is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.settings.resolve import resolve
from zoo.settings.toml_file import NOTHING, as_file, config_text, read_config
from zoo_registry import discover
from zoo_registry.errors import ConfigError

BASIC = discover().catalogue["basic"].item


@given(
    settings_=st.fixed_dictionaries(
        {"source": st.just("a file.csv"), "target": st.lists(st.text(min_size=1), min_size=1, max_size=3, unique=True)},
        optional={
            "window": st.integers(1, 500),
            "calendar": st.just(["hour", "month"]),
            "scaler_for": st.just({"a=b": "log"}),
            "missing": st.sampled_from(["drop", "ffill"]),
            "normalize_window": st.sampled_from(["last", "instance"]),
            "schedule": st.sampled_from(
                ["exponential:steps=500,rate=0.5", "cosine:steps=9,restarts=true", "one-cycle", "plateau", "cyclical"]
            ),
            "loss": st.sampled_from(["mae", "huber:delta=0.25", {"kind": "asymmetric", "under": 3}]),
            "learning_rate": st.floats(1e-6, 1.0),
            "clip_norm": st.floats(0.1, 10.0),
            "keep": st.just("last"),
        },
    ),
    cut=st.sampled_from(
        [
            {},
            {"split": "0.5,0.25,0.25"},
            {"split_dates": "2019-01-01,2020-01-01"},
            {"split_dates": [100, 150]},
            {"split_last": "48,24"},
        ]
    ),
    units=st.integers(1, 64),
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_repeats_the_run(tmp_path_factory, settings_, cut, units):
    config = resolve("basic", BASIC, {"units": units}, settings_ | cut)
    path = tmp_path_factory.mktemp("config") / "run.toml"
    path.write_text(config_text(config), encoding="utf-8")
    file = read_config(path)
    again = resolve(str(file.architecture), BASIC, file.hyperparameters, file.settings)
    assert again == config
    assert config_text(again) == config_text(config)


def test_what_the_architecture_says_is_not_written(tmp_path: Path):
    mirror = replace(BASIC, name="mirror", anomaly="reconstruct")
    config = resolve("mirror", mirror, {}, {"source": "a.csv", "task": "anomaly"})
    assert config.data.reconstruct
    path = tmp_path / "run.toml"
    path.write_text(config_text(config), encoding="utf-8")
    file = read_config(path)
    assert "reconstruct" not in file.settings
    assert file == as_file(config)
    assert resolve("mirror", mirror, {}, file.settings) == config
    assert not resolve("basic", BASIC, {}, file.settings).data.reconstruct


def test_every_table_may_be_left_out(tmp_path: Path):
    path = tmp_path / "run.toml"
    path.write_text("", encoding="utf-8")
    assert read_config(path) == NOTHING
    path.write_text('[training]\nepochs = 3\n[data]\ntarget = "y"\n', encoding="utf-8")
    assert read_config(path).settings == {"epochs": 3, "target": "y"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[trainig]\nepochs = 3", "there is no table 'trainig'; did you mean 'training'?"),
        ("[training]\nepoch = 3", "the table 'training' has no key 'epoch'; did you mean 'epochs'?"),
        ("[data]\nwidnow = 3", "the table 'data' has no key 'widnow'; did you mean 'window'?"),
        ("training = 3", "expected 'training' to be a table, found 3"),
        ("architecture = 3", "expected 'architecture' to be a name, found 3"),
        ("epochs: 3", "not a TOML file"),
    ],
)
def test_what_is_unknown_is_told(tmp_path: Path, text: str, expected: str):
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value).startswith(f"{path}: {expected}")


def test_one_way_to_split_is_given_and_a_flag_replaces_that_of_a_file(zoo_command, series_file: Path, tmp_path: Path):
    (tmp_path / "run.toml").write_text(
        f'[data]\nsource = "{series_file}"\ntarget = "load"\nsplit = [0.6, 0.2, 0.2]\nsplit_last = [9, 9]\n'
    )
    both = zoo_command("train", "basic", "--config", "run.toml", "--print-config")
    assert both.exit_code == 2
    assert both.stderr == "error: --split and --split-last say each where the parts begin; give one of them\n"
    for flag, value, line in (
        ("--split-last", "12,24", "split_last = [\n    12,\n    24,\n]\n"),
        ("--split-dates", "100,150", 'split_dates = [\n    "100",\n    "150",\n]\n'),
    ):
        found = zoo_command("train", "basic", "--config", "run.toml", flag, value, "--print-config")
        assert line in found.stdout
        assert "split = " not in found.stdout
    wrong = zoo_command("train", "basic", "--data", series_file, "--target", "load", "--split-last", "48")
    assert wrong.exit_code == 2
    assert "--split-last: expected two whole numbers of rows above 0, such as 48,48, found '48'" in wrong.stderr


@pytest.mark.parametrize("value", ["48", "48,0", "48,-1", "a,b", [48, 4.5], (1, 2, 3), 48, "4.5,6"])
def test_last_rows_are_two_counts(value):
    with pytest.raises(ConfigError, match=r"'split_last': expected two whole numbers of rows above 0, such as 48,48"):
        resolve("basic", BASIC, {}, {"source": "a.csv", "target": "y", "split_last": value})


def test_rows_and_moments_as_python_and_toml_have_them(tmp_path: Path):
    path = tmp_path / "run.toml"
    path.write_text("[data]\nsplit_dates = [2019-01-01, 2020-01-01T12:00:00]\n")
    given = {"source": "a.csv", "target": "y"}
    assert resolve("basic", BASIC, {}, given | read_config(path).settings).data.split_dates == (
        "2019-01-01",
        "2020-01-01 12:00:00",
    )
    assert resolve("basic", BASIC, {}, given | {"split_last": [48, "24"]}).data.split_last == (48, 24)
    assert resolve("basic", BASIC, {}, given | {"split_last": ()}).data.split_last == ()


def test_that_all_rows_are_trained_on_is_said_by_retraining_alone():
    with pytest.raises(ConfigError, match=r"^`all_rows` is for zoo.retrain to say"):
        resolve("basic", BASIC, {}, {"source": "a.csv", "target": "y", "all_rows": True})


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"cannot be read \(No such file or directory\); give a TOML file"):
        read_config(tmp_path / "run.toml")
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="it is not UTF-8 text"):
        read_config(tmp_path / "run.toml")


def test_the_command_writes_it_and_flags_beat_it(zoo_command, series_file: Path, tmp_path: Path):
    flags = f"--data {series_file} --target load --window 8 --horizon 3 --epochs 1 --set units=3"
    written = zoo_command("train", "stacked", *flags.split(), "--print-config")
    assert written.exit_code == 0
    assert written.stderr == ""
    (tmp_path / "run.toml").write_text(written.stdout, encoding="utf-8")
    again = zoo_command("train", "--config", "run.toml", "--print-config")
    assert (again.stdout, again.stderr) == (written.stdout, "")
    other = zoo_command("train", "--config", "run.toml", "--window", 9, "--set", "units=5", "--print-config").stdout
    assert "window = 9\n" in other
    assert "units = 5\n" in other
    assert other.replace("window = 9\n", "window = 8\n").replace("units = 5\n", "units = 3\n") == written.stdout
    named = zoo_command("train", "basic", "--config", "run.toml", "--print-config")
    assert named.exit_code == 2
    assert "architecture 'basic', hyperparameter 'layers' is unknown" in named.stderr
    assert not (tmp_path / "runs").exists()


def test_repair_17_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path):
    path = tmp_path / "run.toml"
    path.write_text('architecture = "basic"\n[data]\nwindow = 9\n', encoding="utf-8-sig")
    assert read_config(path).settings == {"window": 9}
    path.write_text('architecture = "basic"\n', encoding="utf-16")
    with pytest.raises(ConfigError, match="cannot be read \\(it is not UTF-8 text\\); give a TOML file"):
        read_config(path)


def test_the_command_names_the_file_of_a_wrong_value(zoo_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text('architecture = "basic"\n[training]\nmomentum = 3\n')
    assert "error: run.toml: --momentum: expected" in zoo_command("train", "--config", "run.toml").stderr
    assert "error: --momentum: expected" in zoo_command("train", "--config", "run.toml", "--momentum", 2).stderr
