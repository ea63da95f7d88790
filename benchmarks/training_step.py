"""Where the time of a training step goes, beside the floor: its matrix products alone, on the same machine.

Run by hand; prints the table of docs/performance.md and writes ``results/training_step.json`` beside this file. An
epoch of the zoo's own training is watched by TensorFlow's profiler, and the time that each kind of operation has for
itself is summed over the threads.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import training_peers
from reporting import limit, machine, markdown
from training_peers import FEATURES, steps_of

FEEDING = 0.03  # of the CPU time of a step: limit
REPEATED, TOGETHER = 50, 8  # times, and products of each core in one of them, which hide what a loop costs
DRAWN = 2000  # batches, so many that Python's part in it does not count
RESULTS = Path(__file__).parent / "results" / "training_step.json"
CELLS = [
    {"kind": "basic", "layers": 1, "window": 30, "units": 64, "batch": 32},
    {"kind": "basic", "layers": 1, "window": 96, "units": 64, "batch": 256},
    {"kind": "stacked", "layers": 2, "window": 96, "units": 128, "batch": 32},
]
# What an event of the profiler is: the first that its name fits; XLA's have the names of its own instructions
KINDS = {
    "forward recurrence": r"BlockLSTMV2",
    "backward recurrence": r"\w*_fusion[.\d]*|MatMul\.\d+|wrapped_\w+|(concat|copy|while|bitcast)\.\d+|Execute\w*",
    "products over all steps": r"_Mkl\w*MatMul|MatMul|BatchMatMulV2",
    "gathering windows": r"GatherV2|RandomIndexShuffle|Iterator\w+|\w*Dataset\w*|Range|SearchSorted|UpperBound",
    "transposes, slices, sums": r"\w*Transpose|(Strided)?Slice\w*|Concat\w+|Split\w*|Pack|Sum|Reverse\w*",
    "waiting": r"Run|FunctionRun|run|Done|Start|PrefetchProduce",
    "executor": r"Process|ExecutorDoneCallback",
}


def products(cell: dict[str, Any], cores: int) -> float:
    """Milliseconds of a step's matrix products, the parts of the batch side by side on one thread each."""
    import tensorflow as tf

    rows, steps, units = cell["batch"] // cores, cell["window"], cell["units"]
    total = 0.0
    for layer in range(cell["layers"]):
        width = FEATURES if layer == 0 else units
        shapes = [
            ((rows, width + units), (width + units, 4 * units), steps),
            ((rows, 4 * units), (4 * units, units), steps),
        ]
        shapes += [((size, steps * rows), (steps * rows, 4 * units), 1) for size in (width, units)]
        shapes += [((steps * rows, 4 * units), (4 * units, width), 1)] if layer else []
        for left, right, times in shapes:
            lefts = [tf.random.normal(left) for _ in range(cores)]
            rights = [tf.random.normal(right) for _ in range(TOGETHER)]

            @tf.function(autograph=False, reduce_retracing=True)
            def repeated(lefts: Any, rights: Any) -> Any:
                def again(done: Any, found: Any) -> Any:
                    with tf.control_dependencies(found):  # or a loop would not compute them anew
                        return done + 1, [tf.matmul(a, b) for a in lefts for b in rights]

                start = (0, [tf.matmul(a, b) for a in lefts for b in rights])
                return tf.while_loop(lambda done, _: done < REPEATED, again, start)[1]

            repeated(lefts, rights)
            started = perf_counter()
            repeated(lefts, rights)
            total += times * (perf_counter() - started) / (REPEATED + 1) / TOGETHER
    return 1000 * total


def feeding(windows: Any, batch_size: int) -> float:
    """Milliseconds of CPU time in which a batch is drawn and gathered, on its own."""
    import tensorflow as tf

    from zoo.training.batches import feed

    batches, draw = feed(windows, batch_size, 0)
    iterator = iter(batches)

    @tf.function(autograph=False)
    def several() -> Any:
        def step(done: Any, total: Any) -> Any:
            inputs, outputs = draw(iterator, tf.cast(done, tf.int64))
            return done + 1, total + inputs[0, 0, 0] + outputs[0, 0, 0]

        return tf.while_loop(lambda done, _: done < DRAWN, step, (0, 0.0))[1]

    several()
    started = process_time()
    several()
    return 1000 * (process_time() - started) / DRAWN


def profile(cell: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds of a step, of its CPU time, of feeding it, and of all threads together by kind."""
    import keras
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    import zoo.training.trainer as trainer

    usual = trainer.fit
    with tempfile.TemporaryDirectory() as folder:

        class Watch(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 2:
                    self.started = perf_counter()
                    tf.profiler.experimental.start(folder)

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                if epoch == 2:
                    tf.profiler.experimental.stop()
                if epoch == 1:
                    self.seconds, self.cpu = perf_counter() - self.began, process_time() - self.cpu
                if epoch == 0:
                    self.began, self.cpu = perf_counter(), process_time()

        watch = Watch()

        def fit(*given: Any) -> Any:
            fitted = usual(*given[:-1], [watch, *given[-1]])
            watch.feeding = feeding(given[2].parts["train"], cell["batch"])
            return fitted

        trainer.fit = fit
        try:
            with redirect_stdout(StringIO()):  # it prints a line for each cell
                training_peers.zoo_peer([{"name": "", **cell}])
        finally:
            trainer.fit = usual
        space = xplane_pb2.XSpace()
        space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    own: Counter[str] = Counter()
    for plane in space.planes:
        for line in plane.lines if "CPU" in plane.name else ():
            own.update(_own_times(line, plane.event_metadata))
    kinds: Counter[str] = Counter()
    for name, picoseconds in own.items():
        kind = next((kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, name)), "other")
        kinds[kind] += picoseconds / 1e9 / steps_of(cell)
    kinds.pop("waiting", None)
    wall, cpu = (1000 * seconds / steps_of(cell) for seconds in (watch.seconds, watch.cpu))
    return {"step_ms": wall, "cpu_ms": cpu, "feeding_ms": watch.feeding, "threads_ms": dict(kinds)}


def _own_times(line: Any, names: Any) -> Counter[str]:
    """Picoseconds that events of a thread have for themselves, without those inside them, by kind of operation."""
    found: Counter[str] = Counter()
    events = [
        (event.offset_ps, event.offset_ps + event.duration_ps, names[event.metadata_id].name) for event in line.events
    ]
    under_way: list[tuple[int, str]] = []
    for start, end, name in sorted(events, key=lambda event: (event[0], -event[1])):
        kind = name.rpartition(":")[2]
        while under_way and under_way[-1][0] <= start:
            under_way.pop()
        if under_way:
            found[under_way[-1][1]] -= min(end, under_way[-1][0]) - start
        found[kind] += end - start
        under_way.append((end, kind))
    return found


def main() -> None:
    """Print and write the table."""
    from zoo.acceleration.tensorflow_threads import choose_threads, cores

    choose_threads()
    rows = []
    for cell in CELLS:
        name = f"{cell['kind']} T={cell['window']} U={cell['units']} B={cell['batch']}"
        rows.append({"cell": name, **profile(cell), "floor_ms": products(cell, cores())})
        print(json.dumps(rows[-1]), file=sys.stderr)
    titles = ["", "step, ms", "products alone, ms", "cores busy", "feeding, ms of CPU time"]
    names = [*(name for name in KINDS if name != "waiting"), "other"]
    shown = [
        [
            row["cell"],
            f"{row['step_ms']:.2f}",
            f"{row['floor_ms']:.2f}",
            f"{row['cpu_ms'] / row['step_ms']:.2f}",
            f"{row['feeding_ms']:.3f}",
            *(f"{row['threads_ms'].get(name, 0.0):.2f}" for name in names),
        ]
        for row in rows
    ]
    print(markdown([*titles, *(f"{name}, ms of threads" for name in names)], shown))
    limits = [
        limit(f"of the CPU time of a step, feeding, {row['cell']}", row["feeding_ms"] / row["cpu_ms"], most=FEEDING)
        for row in rows
    ]
    kept = [[one["what"], f"{one['found']:.2g}", one["limit"], one["kept"]] for one in limits]
    print(markdown(["figure", "found", "limit", "kept"], kept))
    RESULTS.write_text(
        json.dumps({"machine": machine(), "rows": rows, "limits": limits}, indent=2) + "\n", encoding="utf-8"
    )
    if not all(one["kept"] for one in limits):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
