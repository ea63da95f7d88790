"""Help pages: panels, whole examples, and for every option what it does and what holds without it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from typer.main import get_command

from zoo.cli.main import app
from zoo.settings.schema import RunConfig
from zoo.settings.setting import settings_of

PANELS = ["Arguments", "Data", "Network", "Training", "Speed", "Export", "Result", "Options"]
EXAMPLE = "zoo train stacked --data ETTh1.csv --target OT --window 48 --horizon 24 --set units=32 --set layers=3"
SETTINGS = settings_of(RunConfig)


def commands(command, *path):
    yield " ".join(path), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)


ALL = dict(commands(get_command(app), "zoo"))


def records(command):
    """What its help page says of each parameter: the parameter, its names and its text."""
    context = command.make_context(command.name, ["--help"], resilient_parsing=True)
    told = [(parameter, parameter.get_help_record(context)) for parameter in command.get_params(context)]
    return [(parameter, *record) for parameter, record in told if record is not None]


def panels(page):
    """The panels of a page by title: what stands in each, on one line."""
    found = {}
    for title, inside in re.findall(r"╭─ (\w+) ─+╮\n(.*?)\n╰", page, re.DOTALL):
        found[title] = " ".join(" ".join(line.strip("│ ") for line in inside.splitlines()).split())
    return found


def on_a_terminal(columns, *arguments):
    """What a command shows on a terminal of so many columns, without styles."""
    main, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    variables = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    command = [sys.executable, "-m", "zoo", *arguments]
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=variables) as running:
        os.close(end)
        shown = b""
        while True:
            try:
                read = os.read(main, 65536)
            except OSError:  # Linux' way to say that the other end was closed
                read = b""
            if not read:
                break
            shown += read
    os.close(main)
    assert running.returncode == 0
    return re.sub(r"\x1b\[[\d;]*m", "", shown.decode()).replace("\r\n", "\n")


@pytest.mark.parametrize("path", ALL)
def test_repair_25_every_option_says_what_it_does_and_its_default(path):
    for parameter, names, text in records(ALL[path]):
        assert re.match(r"\S+ \S+", text), names  # more than a word
        assert re.search(r"[.\]…]$", text), (names, text)
        switch = getattr(parameter, "is_flag", False) and not parameter.secondary_opts  # off unless it is given
        if not parameter.required and not switch:
            assert re.search(r"\[default: [^\]]+\]", text), (names, text)


@pytest.mark.parametrize("path", ["zoo train", "zoo tune", "zoo inspect"])
def test_repair_25_the_defaults_are_those_of_the_configuration(path):
    compared = 0
    for parameter, names, text in records(ALL[path]):
        field = SETTINGS[parameter.name].field if parameter.name in SETTINGS else None
        if field is None or field.default_factory or isinstance(field.default, (bool, tuple)) or field.default is None:
            continue
        expected = f"{field.default:g}" if isinstance(field.default, (int, float)) else str(field.default)
        told = re.search(r"\[default: ([^;\]]+)", text)[1]
        assert told.endswith((expected, "no limit", "by the task", "constant")), names
        compared += 1
    assert compared > 10


def test_repair_25_a_help_page_has_panels_in_a_pipe(zoo_command, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    page = zoo_command("train", "--help").stdout
    found = panels(page)
    assert list(found) == PANELS
    assert max(map(len, page.splitlines())) <= max(100, len(EXAMPLE) + 2)
    assert found["Training"].startswith("--optimizer")
    assert "--loss NAME[:KEY=VALUE,...]" in found["Training"]
    assert (
        "--learning-rate <float> Initial learning rate; see --schedule [default: the architecture's, else 0.001; above"
        " 0, at most 10]." in found["Training"]
    )
    assert "--runs <path> Folder of all runs [default: runs]." in found["Result"]
    assert f"\n  {EXAMPLE}\n" in page


@pytest.mark.parametrize("columns", [60, 80])
def test_repair_25_a_help_page_has_panels_on_a_terminal(columns):
    page = on_a_terminal(columns, "train", "--help")
    assert list(panels(page)) == PANELS
    inside = [line for line in page.splitlines() if line.startswith(("╭", "│", "╰"))]
    assert {len(line) for line in inside} == {columns}
    assert f"\n  {EXAMPLE}\n" in page


@pytest.mark.parametrize("path", ALL)
def test_repair_25_every_page_shows_every_text_as_it_stands(path, zoo_command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    page = zoo_command(*path.split()[1:], "--help").stdout
    start = next(line.index("Show this message") for line in page.splitlines() if "Show this message" in line)
    names, texts = (
        " ".join(" ".join(line[part].strip("│ ") for line in page.splitlines()).split())
        for part in (slice(start), slice(start, None))
    )
    for _, name, text in records(ALL[path]):
        assert re.sub(r"<list\[(\w+)\]>", r"<\1>", name) in names
        said = re.sub(r"\]?\.?(  \[.*\])?$", "", text)  # what typer adds stands before the end
        assert said in texts
    for name in getattr(ALL[path], "commands", {}):
        assert f" {name} " in f" {names} "


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(("trian",), "train"), (("train", "basic", "--epoch", "3"), "--epochs"), (("plugin", "chek"), "check")],
)
def test_repair_25_close_matches_of_misspelt_commands_and_options(zoo_command, arguments, hint):
    done = zoo_command(*arguments)
    assert done.exit_code == 2
    assert hint in done.stderr.partition("Error")[2]


def test_repair_25_bounds_are_said_in_words(zoo_command):
    page = " ".join(zoo_command("backtest", "--help").stdout.replace("│", " ").split())
    assert "[default: the horizon; at least 1]" in page


@pytest.mark.parametrize("command", ["train", "predict", "backtest"])
def test_repair_25_where_the_data_is_stands_with_how_it_is_read(zoo_command, command):
    found = panels(zoo_command(command, "--help").stdout)
    assert "--data <str>" in found["Data"]
    assert "--missing <str>" in found["Data"]
