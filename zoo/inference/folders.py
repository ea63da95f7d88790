"""``zoo.score``: a bundle's answers to a folder of files, by worker processes of this host or a cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from zoo.atomic import lies_in, make_folder, staging_file
from zoo.bundle.loading import Bundle, load_bundle
from zoo.data.reading_choice import check_reading
from zoo.export.leftovers import clean_tree
from zoo.inference.file_scoring import ScoreTask, Way, origin_of, score_file
from zoo.inference.input_files import InputFile, Inputs, find_inputs
from zoo.inference.outcome import FileOutcome, Scored
from zoo.inference.parquet_results import read_mark
from zoo.settings.choices import Missing
from zoo.workers.executors import check_workers, executor
from zoo.workers.messages import WorkerLostError, Workers
from zoo_registry.errors import ConfigError, ZooError

_WAIT = 0.25  # seconds between two looks at what files tell
_AHEAD = 2  # files for each worker that it is given beforehand
_KEY = "scoring"  # of what all files of one call tell

OnFile = Callable[[FileOutcome], None]
OnProgress = Callable[[Mapping[str, float], int, int], None]


def score(
    bundle: str | Path | Bundle,
    folder: str | Path,
    output: str | Path,
    *,
    backtest: bool = False,
    stride: int = 1,
    missing: Missing | None = None,
    strict_range: bool = False,
    require_signature: Sequence[str | Path] | None = None,
    backend: str = "loky",
    jobs: int | None = None,
    threads: int | None = None,
    address: str | None = None,
    on_file: OnFile = lambda outcome: None,
    on_progress: OnProgress = lambda running, ended, total: None,
    workers: Callable[[], Workers] | None = None,
    **reading: Any,
) -> Scored:
    """Answer to each Parquet and CSV file in a folder, and in those below it, with a Parquet file of the same name.

    What is written is what :meth:`zoo.Bundle.predict` gives for a file, with the index as a column, or with
    ``backtest`` :meth:`zoo.Bundle.backtest` with ``stride``, in original units; ``missing`` and ``reading`` are theirs.
    Each result is published whole or not at all. One that is there and was made by the same bundle, of the same input
    (by its size and the time of its last change) and in the same way, is skipped; all others are made anew. A file that
    fails has its reason in what is returned, and ends nothing.

    ``jobs`` files are scored at a time by ``backend``: see :func:`zoo.workers.executors.executor`; ``workers`` returns
    another executor of that kind. Each worker process loads the bundle once, on ONNX Runtime. All workers have to see
    ``folder`` and ``output`` under the same paths. ``require_signature`` as for :func:`zoo.load_bundle`. ``on_file``
    is told of each file that ends, ``on_progress`` of the shares done of files that run, how many have ended, and of
    how many.

    Raises a :class:`zoo.ZooError` where nothing can be scored: for settings, folders and bundles that do not suit, and
    for a cluster that is lost. Whatever ends it before its time, results that are there are whole, and the same call
    goes on.
    """
    if stride < 1:
        raise ConfigError(f"stride: expected 1 or more, found {stride}; give another")
    check_reading(reading)
    check_workers(backend, jobs=jobs, address=address, threads=threads)
    way = Way(backtest, stride if backtest else 1, missing, strict_range, reading)
    data, place = Path(folder).resolve(), Path(output).resolve()
    path = bundle.folder if isinstance(bundle, Bundle) else bundle
    loaded = load_bundle(path, require_signature=require_signature)
    loaded.refuse_table(str(folder))
    _check_places(data, place, loaded.folder.resolve())
    inputs = find_inputs(data)
    make_folder(place)
    session = _Session(loaded, data, place, way, inputs, on_file, on_progress, require_signature is not None)
    clean_tree(place)  # of what killed runs have left among the results
    try:
        session.run(workers or partial(executor, backend, jobs=jobs, threads=threads, address=address))
    except (KeyboardInterrupt, SystemExit, ZooError) as stop:
        stop.add_note("results that are there are whole; the same command goes on")
        raise
    finally:
        clean_tree(place)  # of what this one's lost workers have left
    outcomes = sorted(session.outcomes, key=lambda outcome: outcome.file)
    return Scored(Path(output), tuple(outcomes), inputs.ignored)


@dataclass
class _Session:
    """One call's work at a folder."""

    bundle: Bundle
    data: Path
    output: Path
    way: Way
    inputs: Inputs
    on_file: OnFile
    on_progress: OnProgress
    keys_named: bool
    outcomes: list[FileOutcome] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)

    def run(self, open_workers: Callable[[], Workers]) -> None:
        """Score what has no result yet, the largest files first, so that none of them is alone at the end."""
        clashing = self.inputs.clashing
        waiting = []
        for file in self.inputs.files:
            if (known := self._known(file, clashing)) is None:
                waiting.append(file)
            else:
                self._end(known)
        if not waiting:
            return
        waiting.sort(key=lambda file: -file.size)
        token = uuid4().hex
        with staging_file(self.output) as marker, open_workers() as workers:
            marker.write_text(token, encoding="utf-8")
            task = ScoreTask(
                workers.share(self.bundle.folder),
                self.bundle.manifest_sha256,
                self.keys_named,
                self.data,
                self.output,
                marker.name,
                token,
                self.way,
                workers.reporter(_KEY),
            )
            self._work(task, waiting, workers)

    def _known(self, file: InputFile, clashing: set[str]) -> FileOutcome | None:
        """What can be said of a file without scoring it; None where it has to be scored."""
        result = self.output / file.result
        if file.result in clashing:
            reason = f"{self.data / file.name}: another file has the same result, {result}; rename one of them"
            return FileOutcome(file.name, "failed", file.result, reason=reason)
        try:
            mark = read_mark(result)
        except (OSError, ValueError):  # nothing is there, or nothing whole
            return None
        if mark is None:
            reason = f"{result}: expected a result of an earlier run or nothing, found another's file; move it away"
            return FileOutcome(file.name, "failed", file.result, reason=reason)
        if mark.origin != json.loads(json.dumps(origin_of(self.bundle.manifest_sha256, file, self.way))):
            return None
        return FileOutcome(file.name, "skipped", file.result, mark.rows, mark.outside)

    def _work(self, task: ScoreTask, waiting: list[InputFile], workers: Workers) -> None:
        following = iter(waiting)
        running: dict[Future[FileOutcome], InputFile] = {}
        while True:
            for file in islice(following, _AHEAD * workers.jobs - len(running)):
                running[workers.submit(score_file, task, file)] = file
            if not running:
                return
            ended, _ = wait(running, _WAIT, FIRST_COMPLETED)
            for _, message in workers.messages():
                self.shares[message["file"]] = message["share"]
            for future in ended:
                self._end(self._told(_outcome(future, running.pop(future))))
            self._tell()

    def _told(self, outcome: FileOutcome) -> FileOutcome:
        """A failure tells of the result that an earlier run has left, which nobody must take for this one's."""
        if outcome.state != "failed" or not (self.output / outcome.result).exists():
            return outcome
        return replace(outcome, reason=f"{outcome.reason}; the result of an earlier run still stands in its place")

    def _end(self, outcome: FileOutcome) -> None:
        self.shares.pop(outcome.file, None)
        self.outcomes.append(outcome)
        self.on_file(outcome)
        self._tell()

    def _tell(self) -> None:
        self.on_progress(self.shares, len(self.outcomes), len(self.inputs.files))


def _outcome(future: Future[FileOutcome], file: InputFile) -> FileOutcome:
    """What came of a file; raises ZooError where no other file can be scored either."""
    try:
        return future.result()
    except WorkerLostError as error:
        reason = str(error)
    except ZooError:
        raise
    except Exception as error:  # a worker with another version of the zoo, say
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    return FileOutcome(file.name, "failed", file.result, reason=f"{file.name}: {reason}")


def _check_places(data: Path, output: Path, bundle: Path) -> None:
    """Raise ConfigError where results would be among the inputs of the next run, or in the bundle."""
    if not data.is_dir():
        raise ConfigError(f"`data`: expected a folder of Parquet or CSV files, found none at {data}; name another")
    if output.exists() and not output.is_dir():
        raise ConfigError(f"`output`: expected a folder for the results, found the file {output}; name another")
    if lies_in(output, data) or lies_in(data, output):
        raise ConfigError(f"`output`: expected a folder apart from the data in {data}, found {output}; name another")
    if lies_in(output, bundle):
        raise ConfigError(f"`output`: expected a folder outside the bundle {bundle}, found {output}; name another")
