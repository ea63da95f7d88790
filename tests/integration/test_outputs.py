"""What commands write: never over what they read, whole or not at all, with the modes that the umask leaves."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager

import pytest
from matplotlib.figure import Figure

import zoo
from zoo.atomic import staged_file, staging_file, write_text
from zoo.removal import staging_name
from zoo_registry.errors import ConfigError, ExportError, TrainingError

SMALL = ("--window", "8", "--horizon", "3")


def content(folder):
    """Every file below a folder; a name for each byte that there is."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["in.csv", "./in.csv", "sub/../in.csv", "symbolic.csv", "hard.csv"])
@pytest.mark.parametrize("backtest", [False, True])
def test_repair_07_predict_refuses_to_replace_its_input(zoo_command, exported, series, tmp_path, name, backtest):
    series.to_csv(tmp_path / "in.csv", index=False)
    (tmp_path / "sub").mkdir()
    (tmp_path / "symbolic.csv").symlink_to("in.csv")
    (tmp_path / "hard.csv").hardlink_to(tmp_path / "in.csv")
    before = content(tmp_path)
    options = ("--backtest",) if backtest else ()
    done = zoo_command("predict", exported.folder, "--data", "in.csv", "--output", name, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --output: expected another place than the input in.csv, found ")
    assert done.stderr.count("\n") == 1
    assert content(tmp_path) == before
    assert not (tmp_path / "in.csv").is_symlink()
    assert (tmp_path / "symbolic.csv").is_symlink()


def test_repair_07_predict_writes_nothing_into_its_bundle(zoo_command, exported, series_file, tmp_path):
    bundle = shutil.copytree(exported.folder, tmp_path / "models" / "1")
    (tmp_path / "link").symlink_to(bundle)
    before = content(tmp_path)
    for place in (bundle, tmp_path / "link"):
        done = zoo_command("predict", tmp_path / "models", "--data", series_file, "--output", place / "out.csv")
        assert done.exit_code == 2
        assert "expected another place than the input" in done.stderr
    done = zoo_command("backtest", bundle, "--data", series_file, "--output", tmp_path / "link" / "backtests")
    assert done.exit_code == 2
    assert content(tmp_path) == before


def test_repair_06_predict_removes_what_a_killed_one_left_beside_its_file(zoo_command, exported, series_file, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / staging_name()).write_text("half")
    (tmp_path / "out" / ".staging-foo").write_text("of the user's")
    with staging_file(tmp_path / "out") as living:
        done = zoo_command("predict", exported.folder, "--data", series_file, "--output", "out/new.csv")
        assert done.exit_code == 0, done.output
        assert {path.name for path in (tmp_path / "out").iterdir()} == {living.name, ".staging-foo", "new.csv"}


@pytest.mark.parametrize("output", ["data", "data/out", "link", "link/out", "."])
def test_repair_07_a_folder_s_results_go_apart(zoo_command, exported, series, tmp_path, output):
    (tmp_path / "data").mkdir()
    series.to_csv(tmp_path / "data" / "in.csv", index=False)
    (tmp_path / "link").symlink_to("data")
    before = content(tmp_path)
    done = zoo_command("predict", exported.folder, "--data", "data", "--output", output)
    assert done.exit_code == 2
    assert "--output: expected a folder apart from the data" in done.stderr
    assert content(tmp_path) == before


def test_repair_07_pictures_and_pages_are_no_input(zoo_command, trained, series, tmp_path):
    series.to_csv(tmp_path / "in.png", index=False)
    (tmp_path / "settings.svg").write_text("")
    run = shutil.copytree(trained.folder, tmp_path / "runs" / trained.id)
    before = content(tmp_path)
    reading = ("--data", "in.png", "--target", "load", "--window", "8", "--horizon", "3")
    for command in (
        ("inspect", *reading, "--plot", "in.png"),
        ("train", "basic", *reading, "--find-lr", "--plot", "in.png"),
        ("train", "basic", "--config", "settings.svg", "--find-lr", "--plot", "settings.svg"),
        ("compare", trained.id, "--html", run / "run.json"),
        ("tune", "basic", "--config", "studies/mine/best.toml", "--study", "mine"),
    ):
        if command[0] == "tune":
            (tmp_path / "studies" / "mine").mkdir(parents=True)
            (tmp_path / "studies" / "mine" / "best.toml").write_text('architecture = "basic"\n')
            before = content(tmp_path)
        done = zoo_command(*command)
        assert done.exit_code == 2, command
        assert ": expected another place than the input " in done.stderr, command
        assert content(tmp_path) == before


@pytest.fixture
def full(monkeypatch):
    """A disk on which a picture finds no room for its end."""
    save = Figure.savefig

    def half(figure, file, **settings):
        save(figure, file, **settings)
        os.truncate(file, 100)
        raise OSError(28, os.strerror(28), str(file))

    monkeypatch.setattr(Figure, "savefig", half)


@pytest.mark.parametrize("command", ["inspect", pytest.param("train", marks=pytest.mark.full)])
def test_repair_08_an_old_picture_survives_a_full_disk(zoo_command, series_file, tmp_path, full, command):
    (tmp_path / "old.png").write_bytes(b"an old picture")
    options = ("--data", series_file, "--target", "load", *SMALL, "--plot", "old.png")
    architecture = ("basic", "--set", "units=2", "--batch-size", "8", "--find-lr") if command == "train" else ()
    before = content(tmp_path)
    done = zoo_command(command, *architecture, *options)
    assert done.exit_code == 2
    assert done.stderr.endswith(": No space left on device; nothing half-written is left\n")
    assert content(tmp_path) == before


@pytest.mark.parametrize("kind", ["picture", "forecast"])
def test_repair_08_what_a_link_leads_to_is_replaced_and_the_link_stays(
    zoo_command, series_file, exported, tmp_path, kind
):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "old").write_text("old")
    if kind == "picture":
        command = ("inspect", "--target", "load", *SMALL, "--plot", link := tmp_path / "link.png")
    else:
        command = ("predict", exported.folder, "--output", link := tmp_path / "link.csv")
    link.symlink_to("disk/old")
    assert zoo_command(*command, "--data", series_file).exit_code == 0
    assert link.is_symlink()
    assert len((tmp_path / "disk" / "old").read_bytes()) > 10


def test_repair_08_a_full_disk_is_told_with_the_place(tmp_path):
    with pytest.raises(OSError, match="No space left") as told, staged_file(tmp_path / "mine.csv"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as of write, which knows no names
    assert told.value.filename == str(tmp_path / "mine.csv")


@pytest.mark.parametrize("suffix", ["png", "SVG", "pdf"])
def test_repair_08_a_picture_is_of_the_kind_that_its_name_says(zoo_command, series_file, tmp_path, suffix):
    magic = {"png": b"\x89PNG", "SVG": b"<?xml", "pdf": b"%PDF"}[suffix]
    place = tmp_path / f"new.{suffix}"
    assert zoo_command("inspect", "--data", series_file, "--target", "load", *SMALL, "--plot", place).exit_code == 0
    assert place.read_bytes().startswith(magic)


def test_repair_08_what_is_no_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="expected a file in its place, or nothing, found something else; name"):
        write_text(tmp_path / "pipe", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert (tmp_path / "pipe").is_fifo()


@contextmanager
def largest_file(size):
    """No file may be larger meanwhile, as after ``ulimit -f``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_repair_09_an_export_over_a_limit_of_file_sizes_is_one_sentence(trained, tmp_path):
    def export():
        with largest_file(20 * 1024):
            trained.export(tmp_path, name="tiny")

    with pytest.raises(ExportError) as caught:
        export()
    assert str(caught.value) == (
        f"{tmp_path / 'tiny'}: File too large; nothing was published, and nothing half-written is left; make room, then"
        " export again"
    )
    assert list(tmp_path.iterdir()) == []


def test_repair_09_a_training_over_a_limit_of_file_sizes_is_one_sentence(series, tmp_path):
    def train():
        with largest_file(4 * 1024):
            settings = {"target": "load", "window": 8, "horizon": 3, "epochs": 1, "hyperparameters": {"units": 4}}
            zoo.train("basic", series, runs=tmp_path / "runs", **settings)

    with pytest.raises(TrainingError, match=r"File too large; .*; make room") as caught:
        train()
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.full
@pytest.mark.parametrize("size", ["4k", "40k", "80k", "100k", "120k"])
def test_repair_09_an_export_onto_a_full_disk_is_one_sentence(trained, tmp_path, size):
    """A bundle of 140 KB finds no room for its first file, or for a later one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a tmpfs may not be mounted here, it takes root")
    try:
        with pytest.raises(ExportError, match="tiny: No space left on device; nothing was published, and nothing"):
            trained.export(disk, name="tiny")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.full
@pytest.mark.parametrize("mask", [0o002, 0o077])
def test_repair_18_runs_bundles_and_results_have_the_modes_of_the_umask(zoo_command, series_file, tmp_path, mask):
    usual = os.umask(mask)
    try:
        settings = ("--target", "load", *SMALL, "--epochs", "1", "--set", "units=2")
        trained = zoo_command("train", "basic", "--data", series_file, *settings, "--export", "--name", "tiny")
        assert trained.exit_code == 0, trained.output
        for command in (
            ("predict", "exported/tiny", "--data", series_file, "--output", "out.csv"),
            ("predict", "exported/tiny", "--data", series_file, "--output", "out.parquet"),
            ("compare", "latest", "--html", "page.html"),
            ("inspect", "--data", series_file, "--target", "load", *SMALL, "--plot", "picture.png"),
            ("plugin", "new", "mine"),
        ):
            done = zoo_command(*command)
            assert done.exit_code == 0, done.output
    finally:
        os.umask(usual)
    made = [path for path in tmp_path.rglob("*") if path != series_file]
    assert {"runs", "exported", "out.csv", "out.parquet", "page.html", "picture.png", "zoo-mine"} <= {
        path.name for path in tmp_path.iterdir()
    }
    wrong = {path for path in made if path.stat().st_mode & 0o777 != (0o777 if path.is_dir() else 0o666) & ~mask}
    assert wrong == set()


def test_repair_18_a_file_that_is_replaced_gives_its_mode(tmp_path):
    write_text(tmp_path / "private", "old")
    (tmp_path / "private").chmod(0o600)
    write_text(tmp_path / "private", "new")
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600
