"""Damage real bundles in thousands of ways; each must be refused before any parser sees a byte of it.

    python tests/stress/mutations.py --count 10000 --control 1000 --seed 0

Flipped bits, cuts, appended bytes, deleted, added, renamed and swapped files, drawn evenly over kinds and files, the
manifest among them. Where model-signing is installed, half of them hit a signed bundle under a required signature: its
``model.sig`` too, and manifests that are edited and sealed anew. The control loads the first of the same damaged
bundles with no check but the parsers' own, in a process of its own, and counts what passes. Ends with 1 where one was
not refused.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from damage import KINDS, MANIFEST, mutate, refused, reseal, watched

from zoo.bundle.loading import load_bundle

SAVED_MODEL = ("saved_model.pb", "variables/", "fingerprint.pb", "assets")


def control() -> None:
    """Read numbered folders and runtimes from standard input; load each with no check, and say what came of it.

    Answers carry the number of their question and have a descriptor of their own: a line that a parser prints would
    put every later answer behind, when its bundle is already mended.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import joblib
    import numpy as np
    import onnxruntime

    from zoo_plugins.runtimes.tensorflow_session import TensorFlowSession

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    for line in sys.stdin:
        number, place, runtime = line.rstrip("\n").split("\t")
        folder = Path(place)
        try:
            content = json.loads((folder / MANIFEST).read_bytes())
            unit = np.array([content["parity_unit"][name] for name in content["problem"]["targets"]])
            joblib.load(folder / "scalers.joblib")
            json.loads((folder / "preprocessing.json").read_bytes())
            with np.load(folder / "golden.npz") as golden:
                window, expected = golden["window"], golden["forecast"]
            if runtime == "tensorflow":
                found = TensorFlowSession(folder).run(window)["forecast"]
            else:
                session = onnxruntime.InferenceSession(folder / "model.onnx", options)
                found = session.run(["forecast"], {"window": window})[0]
            said = "right" if np.abs(found - expected).max() <= 1e-5 * unit.min() else "wrong"
        except Exception:
            said = "refused"
        print(number, said, file=answers, flush=True)


class Control:
    """The loader without checks, begun anew where a damaged bundle ends its process."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.asked = 0

    def load(self, folder: Path, name: str) -> str:
        """``right`` or ``wrong`` forecasts, ``refused`` by a parser, or ``crashed``; ``name`` is what was damaged."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, __file__, "--as-control"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        runtime = "tensorflow" if name.startswith(SAVED_MODEL) else "onnxruntime"
        self.asked += 1
        self.process.stdin.write(f"{self.asked}\t{folder}\t{runtime}\n")
        self.process.stdin.flush()
        if answer := self.process.stdout.readline():
            number, said = answer.split()
            assert int(number) == self.asked, f"the control answered question {number}, asked {self.asked}"
            return said
        self.close()
        return "crashed"

    def check(self, bundles: Sequence[Path]) -> None:
        """Hold that it takes whole bundles on both runtimes, else its figures mean nothing."""
        for bundle in bundles:
            for name in ("model.onnx", "saved_model.pb"):
                assert (said := self.load(bundle, name)) == "right", f"{bundle}, {name}: {said}"

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.communicate()
            self.process = None


def make_bundles(folder: Path) -> list[Path]:
    """Three bundles of networks that were trained for an epoch: one target, quantiles, float64."""
    import numpy as np
    import pandas as pd

    import zoo

    draw, steps = np.random.default_rng(0), np.arange(240)
    load = 100 + 10 * np.sin(steps / 4) + draw.normal(0, 0.5, len(steps))
    table = pd.DataFrame({"load": load, "price": 1e6 + draw.normal(size=len(steps))})
    settings = {"window": 8, "horizon": 3, "epochs": 1, "hyperparameters": {"units": 4}, "runs": folder / "runs"}
    made = []
    for name, architecture, more in (
        ("basic", "basic", {"target": "load", "features": ["load"]}),
        ("quantiles", "bidirectional", {"target": "load", "features": ["load"], "quantiles": [0.1, 0.5, 0.9]}),
        ("wide", "stacked", {"target": "price", "features": ["price"]}),
    ):
        run = zoo.train(architecture, table, **settings, **more)
        made.append(run.export(folder / "exported", name=name).folder)
    return made


def make_keys(folder: Path) -> tuple[Path, Path]:
    """A private key on P-256 and its public key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, private, public = ec.generate_private_key(ec.SECP256R1()), folder / "key.pem", folder / "key.pub"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def campaign(folder: Path, bundles: Sequence[Path], arguments: argparse.Namespace) -> int:
    """Run it and print what came of it; returns how many mutations were not refused."""
    draw, missed = random.Random(arguments.seed), 0
    unsigned = [Path(shutil.copytree(bundle, folder / "unsigned" / bundle.parent.name)) for bundle in bundles]
    signed: list[Path] = []
    keys: list[Path] = []
    if importlib.util.find_spec("model_signing") is not None:
        from zoo.bundle.signatures import sign_bundle

        private, public = make_keys(folder)
        keys = [public]
        KINDS["sealed anew"] = reseal
        for bundle in bundles:
            signed.append(Path(shutil.copytree(bundle, folder / "signed" / bundle.parent.name)))
            sign_bundle(signed[-1], private)
    plain_kinds, loader = [kind for kind in KINDS if kind != "sealed anew"], Control()
    tried: Counter[str] = Counter()
    passed: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    if arguments.control:
        loader.check(unsigned)
    started = time.monotonic()
    for number in range(arguments.count):
        with_key = bool(signed) and number % 2 == 1
        bundle = draw.choice(signed if with_key else unsigned)
        mutation = mutate(bundle, draw, [] if with_key else plain_kinds)
        tried[mutation.kind] += 1
        with watched():
            good = refused(bundle, draw, keys if with_key else ())
        if not good:
            missed += 1
            print(f"NOT REFUSED: {mutation.kind} {bundle / mutation.name}", flush=True)
        if number < arguments.control:
            passed[mutation.kind][loader.load(bundle, mutation.name)] += 1
        mutation.undo()
    if arguments.control:
        loader.check((*unsigned, *signed))
        assert passed["added"]["refused"] == 0, "the control never looks at added files"
    loader.close()
    for bundle in (*unsigned, *signed):
        load_bundle(bundle, require_signature=keys if bundle in signed else ())  # all of it was undone
    print(f"{arguments.count} mutations, {missed} not refused, {time.monotonic() - started:.0f} s with the control")
    print(f"{'signed and unsigned' if signed else 'unsigned (model-signing is not installed)'} bundles: {len(bundles)}")
    assert sum(sum(counts.values()) for counts in passed.values()) == min(arguments.count, arguments.control)
    heads = ("right", "wrong", "crashed", "refused")
    print(f"{'':16}{'tried':>8}   without checks:{'loaded':>8}{''.join(f'{head:>9}' for head in heads)}")
    whole: Counter[str] = sum(passed.values(), Counter())
    for kind, number, found in (
        *((kind, tried[kind], passed[kind]) for kind in KINDS),
        ("all", arguments.count, whole),
    ):
        print(f"{kind:16}{number:>8}{'':18}{found.total():>8}{''.join(f'{found[head]:>9}' for head in heads)}")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="mutations")
    parser.add_argument("--control", type=int, default=1000, help="of them, how many are loaded without checks too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--as-control", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_control:
        control()
        return 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        return int(campaign(folder, make_bundles(folder), arguments) > 0)


if __name__ == "__main__":
    sys.exit(main())
