"""Other formats: what an exporter gets, what becomes of its files, and nothing published where it fails."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.bundle.integrity import check_integrity
from zoo.runtimes import RUNTIMES, Runtime
from zoo_registry import Entry, Exporter, Registry
from zoo_registry.errors import ConfigError, ExportError, ParityError, UnknownExporterError
from zoo_registry.registry import EXPORTERS as KIND


def flat(context):
    (context.folder / "numbers.txt").write_text("1 2 3\n")
    return {"numbers": 3}


def raising(context):
    (context.folder / "half.txt").write_text("1")
    raise RuntimeError("no ink")


def sentence(context):
    raise ExportError("this network has too many numbers")


EXPORTERS = {
    "flat": {"write": flat},
    "raising": {"write": raising},
    "sentence": {"write": sentence},
    "silent": {"write": lambda context: None},
    "needy": {"write": flat, "requires": ("no-such-thing",), "install": "pens[ink]"},
    "picky": {"write": flat, "refuses": lambda interface: f"it has {interface['window']} rows" if interface else None},
}


@pytest.fixture
def register(monkeypatch):
    """Put exporters in the place of those that are installed."""

    def put(exporters, distributions=("pens",)):
        entries = [
            Entry(Exporter(name=name, summary="Sound.", **fields), name, distribution, "1.2")
            for name, fields in exporters.items()
            for distribution in distributions
        ]
        monkeypatch.setattr("zoo.export.extra.discover", lambda: SimpleNamespace(exporters=Registry(KIND, entries)))

    put(EXPORTERS)
    return put


def test_the_files_are_in_the_bundle_and_in_its_manifest(trained, register, tmp_path):
    bundle = trained.export(tmp_path, name="tiny", formats=["flat"])
    written = bundle.folder / "extra" / "flat" / "numbers.txt"
    assert written.read_text() == "1 2 3\n"
    listed = check_integrity(bundle.folder).files["extra/flat/numbers.txt"]
    assert (listed.size, listed.sha256) == (6, hashlib.sha256(b"1 2 3\n").hexdigest())
    assert bundle.manifest.extra == {
        "flat": {"distribution": "pens", "version": "1.2", "batch": None, "facts": {"numbers": 3}}
    }
    assert set(bundle.manifest.parity) == {"onnxruntime", "tensorflow"}, "no runtime here runs that format"


def test_a_bundle_without_other_formats_has_no_such_folder(exported):
    assert exported.manifest.extra == {}
    assert not (exported.folder / "extra").exists()


@pytest.mark.parametrize(("asked", "fixed"), [(None, 1), (4, 4)])
def test_a_fixed_batch_comes_with_a_saved_model_of_it(trained, series, register, tmp_path, asked, fixed):
    told = []

    def look(context):
        signature = tf.saved_model.load(str(context.fixed)).signatures["serving_default"]
        windows = series[["load", "temperature"]].to_numpy(np.float32)[None, :8].repeat(fixed, axis=0)
        forecast = signature(window=tf.constant(windows))["forecast"].numpy()
        operations = signature.graph.get_operations()
        told.append((context, signature.inputs[0].shape, forecast - trained.predict(windows), operations))
        return flat(context)

    register({"fixed": {"write": look, "fixed_batch": True}})
    bundle = trained.export(tmp_path, name="tiny", formats=["fixed"], batch=asked)
    ((context, shape, difference, operations),) = told
    assert shape == (fixed, 8, 2)
    assert np.abs(difference).max() <= 1e-5 * bundle.manifest.parity_unit["load"]
    assert not [out for operation in operations for out in operation.outputs if out.dtype == tf.float64]
    assert (context.batch, bundle.manifest.extra["fixed"]["batch"]) == (fixed, fixed)
    assert context.interface == bundle.manifest.interface.model_dump(mode="json")
    assert not context.fixed.exists()
    assert [path.name for path in (bundle.folder / "extra").iterdir()] == ["fixed"]


def test_an_exporter_sees_the_staged_bundle(trained, register, tmp_path):
    seen = []

    def look(context):
        seen.extend(sorted(path.name for path in context.bundle.iterdir()))
        assert list(context.folder.iterdir()) == []
        assert context.fixed is None
        print("this goes to standard error")
        return flat(context)

    register({"look": {"write": look}})
    trained.export(tmp_path, name="tiny", formats=["look"])
    assert {"model.onnx", "saved_model.pb", "variables"} <= set(seen)
    assert "manifest.json" not in seen


@pytest.mark.parametrize(
    ("formats", "error", "message"),
    [
        (
            ["raising"],
            ExportError,
            "--format raising: exporter 'raising' of distribution 'pens' failed: RuntimeError",
        ),
        (
            ["flat", "sentence"],
            ExportError,
            "--format sentence: this network has too many numbers; nothing",
        ),
        (["silent"], ExportError, "--format silent: exporter 'silent' of distribution 'pens' wrote no file"),
        (
            ["needy"],
            ExportError,
            "--format needy: expected the distribution 'no-such-thing', which is missing",
        ),
        (["picky"], ExportError, "--format picky: it has 8 rows"),
        (["flta"], UnknownExporterError, "there is no exporter 'flta'; did you mean 'flat'?"),
    ],
)
def test_nothing_is_published_where_one_fails(trained, register, tmp_path, formats, error, message):
    with pytest.raises(error) as caught:
        trained.export(tmp_path / "exported", name="tiny", formats=formats)
    assert str(caught.value).startswith(message)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("formats", "batch", "message"),
    [
        ((), 2, "--batch fixes the batch of other formats, expected a --format; add one, or leave it out"),
        (("flat",), 0, "--batch: expected 1 or more windows, found 0"),
    ],
)
def test_a_batch_that_makes_no_sense(trained, register, tmp_path, formats, batch, message):
    with pytest.raises(ConfigError) as caught:
        trained.export(tmp_path, name="tiny", formats=formats, batch=batch)
    assert str(caught.value) == message


def test_two_of_one_name_would_share_a_folder(trained, register, tmp_path):
    register({"flat": {"write": flat}}, ("pens", "pencils"))
    with pytest.raises(ExportError, match="--format flat: two of this name would write one folder; leave one out"):
        trained.export(tmp_path, name="tiny", formats=["pens:flat", "pencils:flat"])
    bundle = trained.export(tmp_path, name="tiny", formats=["pencils:flat", "pencils:flat"])
    assert bundle.manifest.extra["flat"]["distribution"] == "pencils"


SESSION = """
from zoo.runtimes.onnxruntime_session import OnnxRuntimeSession

class Off(OnnxRuntimeSession):
    def run(self, window):
        return {name: values + {OFF} for name, values in super().run(window).items()}

def load(folder):
    return Off(folder)
"""


@pytest.mark.parametrize("off", [0.0, 1.0])
def test_what_a_runtime_here_can_run_passes_the_gate(trained, register, tmp_path, monkeypatch, off):
    (tmp_path / f"pen_session_{off:.0f}.py").write_text(SESSION.replace("{OFF}", str(off)))
    monkeypatch.syspath_prepend(tmp_path)
    pen = Runtime("pen", "numpy", f"pen_session_{off:.0f}", file="extra/flat/numbers.txt", exporter="flat")
    monkeypatch.setitem(RUNTIMES, "pen", pen)
    if off:
        with pytest.raises(ParityError, match=r"differs from the trained model by more than 1e-5 \(pen by "):
            trained.export(tmp_path / "exported", name="tiny", formats=["flat"])
        assert not (tmp_path / "exported" / "tiny").exists()
        return
    bundle = trained.export(tmp_path / "exported", name="tiny", formats=["flat"])
    assert bundle.manifest.parity["pen"]["version"] == pen.version
    assert bundle.manifest.parity["pen"]["difference"] <= 1e-5
    assert [verdict.runtime for verdict in zoo.verify_bundle(bundle.folder, ["pen"])] == ["pen"]


def test_the_command(trained, register, zoo_command, tmp_path):
    done = zoo_command("export", trained.folder, "--name", "tiny", "--format", "flat")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "exported" / "tiny" / "1" / "extra" / "flat" / "numbers.txt").is_file()
    done = zoo_command("export", trained.folder, "--name", "other", "--format", "needy")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "run: pip install 'pens[ink]'" in done.stderr
    done = zoo_command("train", "basic", "--format", "flat")
    assert done.exit_code == 2
    assert done.stderr.endswith(
        "error: --format and --batch belong to the export, but --export was not given; add it\n"
    )
    assert not (tmp_path / "exported" / "other").exists()


def test_refused_before_a_training(register, zoo_command, series_file, tmp_path):
    data = ("--data", series_file, "--target", "load", "--window", 8, "--horizon", 3, "--export")
    for flags, message in (
        (("--format", "needy"), "error: --format needy: expected the distribution 'no-such-thing'"),
        (("--format", "picky"), "error: --format picky: it has 8 rows"),
        (("--format", "flta"), "error: there is no exporter 'flta'; did you mean 'flat'?"),
    ):
        done = zoo_command("train", "basic", *data, *flags)
        assert done.exit_code == 2
        assert done.stderr.startswith(message)
    assert not (tmp_path / "runs").exists()
