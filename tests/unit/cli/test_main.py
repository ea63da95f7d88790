"""Errors end a command with one sentence and an exit code; --debug lets them through."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.main import get_command

from zoo_registry.errors import BundleError, UnknownArchitectureError, ZooError

COMMANDS = [
    "list",
    "show",
    "inspect",
    "train",
    "retrain",
    "tune",
    "runs",
    "compare",
    "backtest",
    "export",
    "verify",
    "predict",
    "bundles",
    "gc",
]
TREE = [ZooError, *ZooError.__subclasses__()]


@pytest.fixture
def raising(zoo_command, monkeypatch):
    """``raising(error, *options)``: run a command that raises in its midst."""

    def run(error, *options):
        def fail(*_, **__):
            raise error

        monkeypatch.setattr("zoo.bundle.opening.find_bundle", fail)
        return zoo_command(*options, "verify", "somewhere")

    return run


def out_of_space():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/model.keras")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        *((kind("the file\n  is wrong; mend it"), "the file is wrong; mend it") for kind in TREE),
        (UnknownArchitectureError("there is none"), "there is none"),
        (out_of_space(), "runs/model.keras: No space left on device; nothing half-written is left"),
        (OSError(errno.ENOSPC, "No space"), "the file system: No space left on device; nothing half-written is left"),
        (
            ModuleNotFoundError(
                "No module named 'joblib'", name="joblib"
            ),  # as where it is installed for serving alone
            "this needs the module 'joblib', which is not installed; run: pip install lstm-zoo",
        ),
    ],
)
def test_an_error_that_can_be_mended_is_one_sentence(raising, error, sentence):
    done = raising(error)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"error: {sentence}\n")


@pytest.mark.parametrize("error", [BundleError("no"), out_of_space()], ids=type)
def test_debug_lets_the_error_through(raising, error):
    done = raising(error, "--debug")
    assert done.exception is error
    assert done.exit_code == 1
    assert done.stderr == ""


def test_a_defect_of_ours_keeps_its_traceback(raising):
    error = ValueError("a defect")
    assert raising(error).exception is error


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_ctrl_c(raising, debug):
    done = raising(KeyboardInterrupt(), *debug)
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr.startswith("interrupted; ")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(zoo_command, command):
    for option in ("--help", "-h"):
        shown = zoo_command(command, option)
        assert shown.exit_code == 0
        assert f"zoo {command} " in shown.stdout.partition("Usage:")[2].partition("\n")[0]
        assert f"zoo {command}" in shown.stdout.partition("Example")[2]


def test_every_command_is_tested(zoo_command):
    from zoo.cli.main import app

    assert set(get_command(app).commands) == {*COMMANDS, "plugin"}
    shown = zoo_command("--help")
    assert shown.exit_code == 0
    assert all(f"\n│ {command} " in shown.stdout for command in COMMANDS)
    assert "zoo train basic --export" in shown.stdout


def test_version(zoo_command):
    done = zoo_command("--version")
    assert (done.exit_code, done.stdout) == (0, f"lstm-zoo {version('lstm-zoo')}\n")


@pytest.mark.parametrize("arguments", [("lst",), ("list", "--jsn"), ("show",), ("train", "basic", "--epochs", "many")])
def test_misspelt_commands_and_options(zoo_command, arguments):
    done = zoo_command(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_repair_06_a_terminated_process_cleans_up(tmp_path, number, code):
    program = (
        "import os, signal, sys, zoo.bundle.loading\n"
        "from zoo.atomic import staging_folder\n"
        "from zoo.cli import main\n"
        "def stage(path):\n"
        "    with staging_folder(path):\n"
        f"        os.kill(os.getpid(), {number:d})\n"
        "        raise AssertionError('it went on')\n"
        "zoo.bundle.opening.find_bundle = stage\n"
        "sys.argv[1:] = ['verify', '.']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert list(tmp_path.iterdir()) == []


def test_repair_06_nohup_is_honoured(tmp_path):
    program = (
        "import os, signal, sys, zoo.bundle.opening\n"
        "from zoo.cli import main\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "zoo.bundle.opening.find_bundle = lambda path: os.kill(os.getpid(), signal.SIGHUP) or sys.exit(7)\n"
        "sys.argv[1:] = ['verify', '.']\n"
        "main()\n"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == 7


def test_the_process_ends_with_the_exit_code(tmp_path):
    """Through the entry point that the console script calls."""
    program = "import sys; from zoo.cli import main; sys.argv[1:] = ['verify', 'nowhere']; main()"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: nowhere: ")
    assert done.stderr.count("\n") == 1
