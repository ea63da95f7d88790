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
from pathlib import Path
from time import perf_counter
from typing import Any

import training_peers
from training_peers import FEATURES, steps_of
from windows import machine, markdown

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
    """Milliseconds of a step's matrix products, the batch in parts on one thread each."""
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
            a, b = tf.random.normal(left), tf.random.normal(right)

            @tf.function
            def repeated(a: Any, b: Any) -> Any:
                found = tf.matmul(a, b)
                for _ in tf.range(49):
                    found += tf.matmul(a, b)  # the sum keeps it from being made once
                return found

            repeated(a, b)
            started = perf_counter()
            repeated(a, b)
            total += times * (perf_counter() - started) / 50
    return 1000 * total


def profile(cell: dict[str, Any]) -> tuple[float, dict[str, float]]:
    """Milliseconds of a step, and those of all threads together by kind."""
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
                    self.seconds = perf_counter() - self.began
                self.began = perf_counter()

        watch = Watch()
        trainer.fit = lambda *given, **more: usual(*given[:-1], [watch, *given[-1]], **more)
        try:
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
    return 1000 * watch.seconds / steps_of(cell), dict(kinds)


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
    from zoo.engine.threads import choose_threads, cores

    choose_threads()
    rows = []
    for cell in CELLS:
        step, kinds = profile(cell)
        kinds.pop("waiting", None)
        floor = products(cell, cores())
        rows.append({**cell, "step_ms": step, "floor_ms": floor, "threads_ms": kinds})
        print(json.dumps(rows[-1]), file=sys.stderr)
    names = [*list(KINDS)[:5], "executor", "other"]
    shown = [
        [
            f"{row['kind']} T={row['window']} U={row['units']} B={row['batch']}",
            f"{row['step_ms']:.2f}",
            f"{row['floor_ms']:.2f}",
        ]
        + [f"{row['threads_ms'].get(name, 0.0):.2f}" for name in names]
        for row in rows
    ]
    print(markdown(["", "step, ms", "products alone, ms", *(f"{name}, ms of threads" for name in names)], shown))
    RESULTS.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
