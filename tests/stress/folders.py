"""Damage the folders of runs and studies; each command works right or says in one sentence why not, and loses nothing.

    python tests/stress/folders.py --runs 200 --studies 100 --seed 0

A small finished run, an unfinished one and a study are made once. Each time one file of a copy is emptied, cut, filled
with garbage, removed, replaced by a folder or another file, or has some bits flipped, and one command is run on it, in
this process: export, backtest, compare, runs, train --from, train --resume, tune --resume. It has to end with 0 and the
very answer of the undamaged folder, or with 2, no output, and one sentence. Whatever file was there before is there
afterwards, byte for byte, but for what the command is there to change. Ends with 1 where one did not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import chdir, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from typer.testing import CliRunner, Result

SERIES = "series.csv"
SETTINGS = ("--data", SERIES, "--target", "load", "--window", "8", "--horizon", "3", "--set", "units=2")
RUN, OTHER, UNFINISHED, STUDY = "runs/done", "runs/other", "runs/unfinished/going-on", "studies/mine"
Content = dict[str, bytes | None]


class Killed(BaseException):
    """As SIGKILL: nothing of the zoo's is done about it."""


def run_command(*arguments: str) -> Result:
    from zoo.cli.main import app

    return CliRunner().invoke(app, list(arguments), prog_name="zoo")


def make(folder: Path) -> None:
    """A finished run and another one, a training that was killed after its second epoch, and a study of two trials."""
    from zoo.runs import resumption

    draw, steps = np.random.default_rng(0), np.arange(240)
    load = 100 + 10 * np.sin(steps / 4) + draw.normal(0, 0.5, len(steps))
    times = pd.date_range("2024-01-01", periods=len(steps), freq="h")
    pd.DataFrame({"time": times, "load": load}).to_csv(folder / SERIES, index=False)

    def train(name: str, *more: str) -> None:
        with mock.patch("zoo.runs.claiming.new_run_id", return_value=name):
            done = run_command("train", "basic", *SETTINGS, "--epochs", "3", *more)
        assert done.exit_code == 0, done.output

    write = resumption.write_checkpoint

    def write_and_kill(run: Any, checkpoint: Any) -> None:
        write(run, checkpoint)
        if checkpoint.state.epoch == 2:
            raise Killed

    train("done", "--seed", "1")
    train("other", "--seed", "2")
    with mock.patch.object(resumption, "write_checkpoint", write_and_kill), suppress(Killed):
        train("going-on", "--seed", "3")
    assert (folder / UNFINISHED).is_dir()
    done = run_command("tune", "basic", *SETTINGS, "--epochs", "1", "--folds", "2", "--trials", "2", "--study", "mine")
    assert done.exit_code == 0, done.output


def inline(*_: Any, **__: Any) -> Any:
    """Workers of a study in threads of this process."""
    from zoo.workers.process_pool import ProcessWorkers

    class Inline(ProcessWorkers):
        def _run(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return fn(*args, **kwargs)

    return Inline(1, threads=1)


def export(target: str) -> tuple[Result, Any]:
    done = run_command("export", target, "--name", "model")
    if done.exit_code:
        return done, None
    from zoo.bundle.loading import load_bundle

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values outside the training's range
        return done, load_bundle("exported/model").predict(SERIES).round(3).to_csv()


def said(*arguments: str, leave_out: tuple[str, ...] = ()) -> Callable[[str], tuple[Result, Any]]:
    """A command whose answer is the JSON that it prints, without what differs each time."""

    def ask(target: str) -> tuple[Result, Any]:
        done = run_command(*(target if argument == "RUN" else argument for argument in arguments))
        if done.exit_code:
            return done, None
        found = json.loads(done.stdout)
        for part in found if isinstance(found, list) else [found, found.get("training", {})]:
            for name in leave_out:
                part.pop(name, None)
        return done, found

    return ask


MOMENT = ("folder", "config", "report", "created", "seconds", "fits", "id", "versions")
COMMANDS: dict[str, tuple[str, Callable[[str], tuple[Result, Any]]]] = {
    "export": (RUN, export),
    "backtest": (RUN, said("backtest", "RUN", "--data", SERIES, "--json", leave_out=MOMENT)),
    "compare": (RUN, said("compare", "RUN", OTHER, "--json", leave_out=MOMENT)),
    "runs": (RUN, said("runs", "--json")),
    "train --from": (
        RUN,
        said("train", "basic", *SETTINGS, "--from", "RUN", "--epochs", "1", "--json", leave_out=MOMENT),
    ),
    "train --resume": (UNFINISHED, said("train", "--resume", "RUN", "--json", leave_out=MOMENT)),
    "tune --resume": (STUDY, said("tune", "--resume", "RUN", "--trials", "2", "--json", leave_out=MOMENT)),
}
# What each is there to change, as beginnings of paths
CHANGED = {
    "train --resume": (UNFINISHED, "runs/unfinished"),
    "tune --resume": (f"{STUDY}/best.toml", f"{STUDY}/report.html", f"{STUDY}/files.sha256"),
}


def content_of(folder: Path) -> Content:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def empty(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"")


def cut(path: Path, draw: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(max(len(content), 1))])


def garbage(path: Path, draw: random.Random) -> None:
    path.write_bytes(draw.randbytes(draw.choice((1, 20, max(path.stat().st_size, 1)))))


def remove(path: Path, draw: random.Random) -> None:
    path.unlink()


def folder_in_place(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()
    if draw.random() < 0.5:
        (path / "notes.txt").write_text("of the user's")


def flip(path: Path, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        for _ in range(draw.choice((1, 1, 2, 8))):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)


def other_file(path: Path, draw: random.Random) -> None:
    """One of the same folder, or the same one of another run."""
    twin = Path(OTHER) / path.name
    others = [one for one in files_of(path.parent) if one != path] + [twin] * twin.is_file()
    if others:
        shutil.copyfile(draw.choice(others), path)


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "emptied": empty,
    "cut": cut,
    "garbage": garbage,
    "removed": remove,
    "a folder": folder_in_place,
    "bits flipped": flip,
    "another file": other_file,
}


@dataclass(frozen=True)
class Blow:
    """What was done, and what came of it; ``fault`` where that was not right."""

    kind: str
    file: str
    command: str
    outcome: str
    fault: str = ""


def sentence_of(done: Result) -> str:
    """The one sentence that a command ended with; raises AssertionError where that was anything else."""
    assert isinstance(done.exception, SystemExit), f"{done.exception!r}"
    assert done.exit_code == 2, f"exit code {done.exit_code}"
    assert "Traceback" not in done.output, "a traceback"
    assert not done.stdout.strip(), f"output before the sentence: {done.stdout[:100]!r}"
    usual = ("warning: ", "going on with run ", "column ", "no --data")
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith(usual)]
    sentences = [line for line in lines if line.startswith("error: ")]
    assert len(sentences) == 1, f"{len(sentences)} sentences: {done.stderr[:300]!r}"
    return sentences[0]


def lost(before: Content, after: Content, command: str, *, worked: bool) -> list[str]:
    """What was there before and is not as it was."""
    changed = CHANGED.get(command, ()) if worked else ()
    database = f"{STUDY}/study.db" if worked and command == "tune --resume" else ""  # its sessions are kept in it
    return [
        name
        for name, content in before.items()
        if after.get(name, "missing") != content and not name.startswith(changed or "\0") and name != database
    ]


def right(command: str, found: Any, expected: Any, target: str) -> bool:
    """Whether this is the answer of the undamaged folder; a list may tell that it cannot read one run."""
    if command == "runs":
        known = {entry.get("id"): entry for entry in expected}
        name = Path(target).name
        return all(entry == known.get(entry.get("id")) or entry.get("id") == name for entry in found)
    return bool(found == expected)


def strike(
    template: Path,
    place: Path,
    command: str,
    draw: random.Random,
    expected: Any,
    *,
    kind: str | None = None,
    name: str | None = None,
) -> Blow:
    """Damage a copy in one way, drawn or given, run a command on it, and judge."""
    shutil.copytree(template, place)
    target, ask = COMMANDS[command]
    kind = kind or draw.choice([*DAMAGES])
    with chdir(place):
        path = draw.choice(files_of(Path(target))) if name is None else Path(target) / name
        name = path.relative_to(target).as_posix()
        DAMAGES[kind](path, draw)
        before = content_of(place)
        done, found = ask(target)
        after = content_of(place)
    try:
        worked = done.exit_code == 0
        if worked:
            assert right(command, found, expected, target), "another answer than that of the undamaged folder"
        else:
            sentence_of(done)
        assert not (gone := lost(before, after, command, worked=worked)), f"lost: {gone[:3]}"
    except AssertionError as fault:
        return Blow(kind, name, command, "wrong", str(fault))
    finally:
        shutil.rmtree(place)
    return Blow(kind, name, command, "right" if worked else "a sentence")


def campaign(folder: Path, runs: int, studies: int, seed: int, told: Callable[[str], object] = print) -> list[Blow]:
    """Make the folders in ``folder``, strike so often, and return all blows."""
    from zoo.quiet import import_tensorflow

    import_tensorflow()
    draw, template = random.Random(seed), folder / "template"
    template.mkdir()
    blows: list[Blow] = []
    with mock.patch("zoo.tuning.tune.executor", side_effect=inline):
        with chdir(template):
            make(template)
        expected = {}
        wanted = {name for name, (target, _) in COMMANDS.items() if (studies if target == STUDY else runs)}
        for command in sorted(wanted):
            shutil.copytree(template, folder / "whole")
            with chdir(folder / "whole"):
                done, expected[command] = COMMANDS[command][1](COMMANDS[command][0])
            assert done.exit_code == 0, f"{command}: {done.output} {done.exception!r}"
            shutil.rmtree(folder / "whole")
        of_runs = sorted(wanted - {"tune --resume"})
        asked = [of_runs[index % len(of_runs)] for index in range(runs)] + ["tune --resume"] * studies
        for index, command in enumerate(asked):
            blow = strike(template, folder / "struck", command, draw, expected[command])
            blows.append(blow)
            if blow.fault:
                told(f"{index}. {blow.command}, {blow.file} {blow.kind}: {blow.fault}")
    return blows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory(prefix="zoo-stress-") as name:
        began = time.perf_counter()
        blows = campaign(Path(name).resolve(), options.runs, options.studies, options.seed)
    outcomes = Counter(blow.outcome for blow in blows)
    with suppress(BrokenPipeError):
        print(
            f"{options.runs} damages of runs and {options.studies} of studies in {time.perf_counter() - began:.0f} s:"
            f" {outcomes['right']} right, {outcomes['a sentence']} one sentence, {outcomes['wrong']} wrong"
        )
    return 1 if outcomes["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
