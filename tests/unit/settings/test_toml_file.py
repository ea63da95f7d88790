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
            "split": st.just("0.5,0.25,0.25"),
            "split_dates": st.just("2019-01-01,2020-01-01"),
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
    units=st.integers(1, 64),
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_repeats_the_run(tmp_path_factory, settings_, units):
    config = resolve("basic", BASIC, {"units": units}, settings_)
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
