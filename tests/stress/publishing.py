"""Kill, starve and race publishings: no version that can be seen is ever incomplete.

    python tests/stress/publishing.py --kills 200 --exports 5 --full 50 --each 25 --seed 0

Ready-made files are published by forked processes, which start at once, as an export does it: staged, manifest last,
verified, renamed. Some are killed with SIGKILL at random moments, half of those in the last tenth of their time, where
they sync and rename; whole exports are killed too; others meet a full disk; four publish at once. After each blow
all versions are verified, and `zoo gc` must remove what was left. Ends with 1 where anything is not as it should be.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.bundle.integrity import check_integrity, describe_files
from zoo.bundle.manifest import MANIFEST_FILE, Manifest
from zoo.bundle.version_folders import versions
from zoo.export.leftovers import clean_exported
from zoo.export.publishing import publish, staging
from zoo.export.triton import triton_config
from zoo.removal import STAGING

FIXTURE = Path(__file__).parents[1] / "fixtures" / "bundle-v1"
ORIGIN = "assets.extra/origin"
PROCESSES, SPACE, FULL, FAILED = 4, 8 * 2**20, 28, 1


def make_source(folder: Path) -> Path:
    """A bundle with a megabyte and a half more than the fixture has: what there is to publish."""
    shutil.copytree(FIXTURE, folder)
    (folder / "assets.extra").mkdir(exist_ok=True)
    for index in range(3):
        (folder / "assets.extra" / f"padding-{index}").write_bytes(random.Random(index).randbytes(2**19))
    Manifest.read(folder).model_copy(update={"files": describe_files(folder)}).write(folder)
    return folder


def publish_files(source: Path, model: Path, origin: str) -> Path:
    """Publish the files of ``source``, and one with ``origin`` in it, in the order in which an export does."""
    manifest = Manifest.read(source)
    with staging(model) as folder:
        for name in manifest.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, folder / name)
        (folder / ORIGIN).write_text(origin)

        def seal(number: int, config: bytes) -> None:
            known = {"model": model.name, "version": number, "config_sha256": hashlib.sha256(config).hexdigest()}
            manifest.model_copy(update={**known, "files": describe_files(folder)}).write(folder)
            check_integrity(folder)

        return publish(folder, model, triton_config(model.name, manifest.problem), seal)


def fork(work: Callable[[], object]) -> int:
    """Do something in a process of its own, and return its id; it ends with FULL where the disk was."""
    if pid := os.fork():
        return pid
    try:
        work()
        os._exit(0)
    except OSError as error:
        os._exit(FULL if error.errno in (errno.ENOSPC, errno.EFBIG) else FAILED)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(FAILED)


def ended(pid: int) -> int:
    """Wait for a process, and return its exit code, or what killed it, as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def check(exported: Path, known: set[Path] | None = None) -> None:
    """Verify all versions but the known ones, which are added to, and that nothing else can be seen beside them."""
    for model in models(exported):
        seen = {path.name for path in model.iterdir() if not path.name.startswith(".")}
        numbers = sorted(int(name) for name in seen if name.isdigit())
        assert seen - {"config.pbtxt"} == set(map(str, numbers)), f"{model}: {sorted(seen)}"
        for number in numbers:
            if known is None or model / str(number) not in known:
                problem = check_integrity(model / str(number)).problem
                assert (model / "config.pbtxt").read_text() == triton_config(model.name, problem), model
                if known is not None:
                    known.add(model / str(number))


def check_cleaned(exported: Path) -> int:
    """Clean up, check that all models have versions and nothing hidden is left, and return how much was removed."""
    removed = clean_exported(exported)
    assert not [leftover for leftover in removed if leftover.in_use], removed
    check(exported)
    assert not list(exported.glob(f"{STAGING}*"))
    for model in models(exported):
        assert versions(model), f"{model}: a model without a version stops a Triton server"
        assert not [path for path in model.iterdir() if path.name.startswith(".")], model
    return len(removed)


def models(exported: Path) -> list[Path]:
    """The folders of models; beside them lie the numbers that each was given."""
    return [path for path in exported.iterdir() if path.is_dir() and not path.name.startswith(".")]


def state_of(exported: Path, versions_before: int) -> str:
    """What a kill has left."""
    if len(list(exported.glob("*/[0-9]*"))) > versions_before:
        return "after the rename"
    staged = next(iter(path for path in exported.glob(f"*/{STAGING}*") if path.is_dir()), None)
    if staged is None:
        return "before the first file"
    return "between manifest and rename" if (staged / MANIFEST_FILE).exists() else "while writing files"


def told(states: Counter[str]) -> str:
    return ", ".join(f"{number} {state}" for state, number in states.most_common())


def kill_publishings(exported: Path, source: Path, count: int, draw: random.Random) -> None:
    exported.mkdir()
    times = []
    for _ in range(10):
        began = time.perf_counter()
        assert (
            os.waitstatus_to_exitcode(os.waitpid(fork(lambda: publish_files(source, exported / "m0", "")), 0)[1]) == 0
        )
        times.append(time.perf_counter() - began)
    whole, states, late, removed = statistics.median(times), Counter[str](), 0, 0
    known: set[Path] = set()
    index = 0
    while sum(states.values()) < count:
        before, index = len(list(exported.glob("*/[0-9]*"))), index + 1
        model = exported / (f"m{index}" if draw.random() < 0.5 else "m0")  # a first version, or one more
        pid = fork(lambda model=model: publish_files(source, model, ""))
        time.sleep(whole * (draw.uniform(0, 1) if draw.random() < 0.5 else draw.uniform(0.9, 1.05)))
        os.kill(pid, signal.SIGKILL)
        if ended(pid) == -signal.SIGKILL:
            states[state_of(exported, before)] += 1
        else:
            late += 1
        check(exported, known)
        removed += len(clean_exported(exported))
    check_cleaned(exported)
    print(
        f"{count} publishings of {whole * 1000:.0f} ms killed: {told(states)};"
        f" {late} more had ended; {len(list(exported.glob('*/[0-9]*')))} versions in {len(models(exported))}"
        f" models, 0 incomplete; gc removed {removed} leftovers",
        flush=True,
    )


def kill_exports(folder: Path, count: int, draw: random.Random) -> None:
    """Kill whole exports of a real run: one that is let through tells how long it takes."""

    def zoo(*arguments: str) -> subprocess.Popen[bytes]:
        quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-m", "zoo", *arguments]
        return subprocess.Popen(command, cwd=folder, env=quiet, stdout=subprocess.DEVNULL)

    assert zoo("train", "basic", "--epochs", "1", "--set", "units=4").wait() == 0
    exported = folder / "exported"

    def start() -> subprocess.Popen[bytes]:
        process = zoo("export", "latest", "--name", "co2")
        while process.poll() is None and not list(exported.glob(f"co2/{STAGING}*")):
            time.sleep(0.005)
        return process

    process, began = start(), time.perf_counter()
    assert process.wait() == 0
    seconds, states, known = time.perf_counter() - began, Counter[str](), set[Path]()
    while sum(states.values()) < count:
        before = len(list(exported.glob("*/[0-9]*")))
        process = start()
        time.sleep(draw.uniform(0, 0.95 * seconds))
        process.kill()
        if process.wait() == -signal.SIGKILL:
            states[state_of(exported, before)] += 1
        check(exported, known)
        assert zoo("gc").wait() == 0
        check_cleaned(exported)
    print(
        f"{count} whole exports killed in the {seconds:.1f} s from their first file on:"
        f" {told(states)}; {len(list(exported.glob('*/[0-9]*')))} versions,"
        " 0 incomplete",
        flush=True,
    )


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a tmpfs of SPACE bytes; False where that is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "tmpfs", str(folder)]
    mounted = (
        shutil.which("mount") is not None and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def publish_onto_full_disks(folder: Path, source: Path, count: int, draw: random.Random) -> None:
    with small_disk(folder) as mounted:
        exported, filler = folder / "exported", folder / "filler"
        exported.mkdir()
        publish_files(source, exported / "m0", "")
        size, ends = sum(path.stat().st_size for path in source.rglob("*")), Counter[int]()
        while ends[FULL] < count:
            model = exported / draw.choice(("m0", f"m{ends[FULL] + 1}"))
            before = sorted(folder.rglob("*"))
            room = int(draw.uniform(0, 1.1) * size)

            def work(model: Path = model, room: int = room) -> None:
                if not mounted:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (room // 4, room // 4))
                publish_files(source, model, "")

            if mounted:
                fill(filler, max(0, shutil.disk_usage(folder).free - room))
            end = ended(fork(work))
            filler.unlink(missing_ok=True)
            assert end in (0, FULL), end
            ends[end] += 1
            check(exported)
            if end == FULL:
                assert sorted(folder.rglob("*")) == before, "one that fails leaves nothing, not even hidden"
            for path in models(exported):  # room for the next
                if path.name != "m0" or len(versions(path)) > 1:
                    shutil.rmtree(path / str(max(versions(path))) if path.name == "m0" else path)
        assert check_cleaned(exported) == 0
    how = (
        f"a full tmpfs of {SPACE // 2**20} MiB"
        if mounted
        else "a limit of file sizes (a tmpfs may not be mounted here)"
    )
    print(f"{count} publishings onto {how}: {ends[0]} more found room; 0 incomplete, nothing was left", flush=True)


def fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size) if size else None


def race(exported: Path, source: Path, each: int) -> None:
    """Four processes publish at once; every version is verified as soon as it is seen."""
    exported.mkdir()
    began, known = time.perf_counter(), set[Path]()

    def work(process: int) -> None:
        for index in range(each):
            publish_files(source, exported / "mine", f"{process}-{index}")

    waiting = {fork(lambda process=process: work(process)) for process in range(PROCESSES)}
    while waiting:
        check(exported, known)
        pid, status = os.waitpid(-1, os.WNOHANG)
        waiting.discard(pid)
        assert status == 0
    check(exported, known)  # what came between the last look and the last end
    assert check_cleaned(exported) == 0
    origins = {(folder / ORIGIN).read_text() for folder in known}
    assert len(known) == len(origins) == PROCESSES * each
    assert versions(exported / "mine") == list(range(1, PROCESSES * each + 1))
    print(
        f"{PROCESSES} processes published {each} times each in {time.perf_counter() - began:.1f} s:"
        f" {len(origins)} distinct valid versions",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--exports", type=int, default=5)
    parser.add_argument("--full", type=int, default=50)
    parser.add_argument("--each", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="zoo-stress-") as name:
        folder = Path(name)
        source = make_source(folder / "source")
        kill_publishings(folder / "killed", source, options.kills, draw)
        publish_onto_full_disks(folder / "full", source, options.full, draw)
        race(folder / "raced", source, options.each)
        if options.exports:
            kill_exports(folder, options.exports, draw)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
