"""Other formats: what an exporter gets, what becomes of its files, and nothing published where it fails."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.bundle.integrity import check_integrity
from zoo_registry import Entry, Exporter, Registry
from zoo_registry.errors import ConfigError, ExportError, ParityError, UnknownExporterError, ZooError
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
    told = {"distribution": "pens", "version": "1.2", "batch": None, "facts": {"numbers": 3}}
    assert bundle.manifest.extra["flat"].model_dump() == told
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
    assert (context.batch, bundle.manifest.extra["fixed"].batch) == (fixed, fixed)
    assert context.interface == bundle.manifest.problem.interface()
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
        (["raising"], ExportError, "`formats` raising: exporter 'raising' of distribution 'pens' failed: RuntimeError"),
        (["flat", "sentence"], ExportError, "`formats` sentence: this network has too many numbers; nothing"),
        (["silent"], ExportError, "`formats` silent: exporter 'silent' of distribution 'pens' wrote no file"),
        (["needy"], ExportError, "`formats` needy: expected the distribution 'no-such-thing', which is missing"),
        (["picky"], ExportError, "`formats` picky: it has 8 rows"),
        (["flta"], UnknownExporterError, "there is no exporter 'flta'; did you mean 'flat'?"),
    ],
)
def test_nothing_is_published_where_one_fails(trained, register, tmp_path, formats, error, message):
    with pytest.raises(error) as caught:
        trained.export(tmp_path / "exported", name="tiny", formats=formats)
    assert str(caught.value).startswith(message)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("formats", "batch", "told"), [((), 2, "expected `formats`"), (("flat",), 0, "expected 1 or more windows, found 0")]
)
def test_a_batch_that_makes_no_sense(trained, register, tmp_path, formats, batch, told):
    with pytest.raises(ConfigError, match=f"^`batch`.*{told}"):
        trained.export(tmp_path, name="tiny", formats=formats, batch=batch)


def test_two_of_one_name_would_share_a_folder(trained, register, tmp_path):
    register({"flat": {"write": flat}}, ("pens", "pencils"))
    with pytest.raises(ExportError, match="`formats` flat: two of this name would write one folder; leave one out"):
        trained.export(tmp_path, name="tiny", formats=["pens:flat", "pencils:flat"])
    bundle = trained.export(tmp_path, name="tiny", formats=["pencils:flat", "pencils:flat"])
    assert bundle.manifest.extra["flat"].distribution == "pencils"


PEN = """
from zoo_registry import Exporter, Reference, Runtime, hookimpl

def write(context):
    (context.folder / "off.txt").write_text("{off}")

def load(folder):
    session = Reference("zoo_plugins.runtimes.onnxruntime_session:OnnxRuntimeSession")(folder)

    class Off:
        def run(self, window):
            off = float((folder / "extra" / "pen" / "off.txt").read_text())
            return {{name: values + off for name, values in session.run(window).items()}}

    return Off()

@hookimpl
def zoo_exporters():
    return [Exporter(name="pen", summary="Ink.", write=write)]

@hookimpl
def zoo_runtimes():
    place = {{"file": "extra/pen/off.txt", "exporter": "pen"}}
    return [Runtime(name="pen", summary="Ink.", load=load, distribution="pens", **place)]
"""


def test_a_format_of_a_plugins_own_passes_the_gate_is_verified_and_loaded(
    trained, install_plugin, tmp_path, series, zoo_command
):
    install_plugin("pens", PEN.format(off=0))
    bundle = trained.export(tmp_path / "exported", name="tiny", formats=["pen"])
    assert bundle.manifest.parity["pen"].version == "1.2"
    assert bundle.manifest.parity["pen"].difference <= 1e-5
    assert {"pen", "onnxruntime"} <= {verdict.runtime for verdict in zoo.verify_bundle(bundle.folder)}
    done = zoo_command("verify", bundle.folder, "--runtime", "pen")
    assert (done.exit_code, done.stdout.splitlines()[1].split()[:2]) == (0, ["pen", "1.2"])
    window = series[["load", "temperature"]].to_numpy(np.float32)[None, :8]
    np.testing.assert_array_equal(zoo.load_bundle(bundle.folder, runtime="pen").predict(window), bundle.predict(window))


def test_one_that_gives_something_else_is_not_published(trained, install_plugin, tmp_path):
    install_plugin("pens", PEN.format(off=1))
    with pytest.raises(ParityError, match=r"differs from the trained model by more than 1e-5 \(pen by "):
        trained.export(tmp_path / "exported", name="tiny", formats=["pen"])
    assert not (tmp_path / "exported" / "tiny").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("values + off", "values[:1]"),
        ("name: values + off", "'other': values"),
        ("return {{name", "return 3 #"),
        ("return Off()", "return 3"),
        ("    session = ", "    session = 1 / 0 #"),
    ],
)
def test_a_session_that_is_none_names_its_runtime(trained, install_plugin, tmp_path, old, new):
    install_plugin("pens", PEN.replace(old, new).format(off=0))
    with pytest.raises(ZooError, match="pen"):
        trained.export(tmp_path / "exported", name="tiny", formats=["pen"])
    assert not (tmp_path / "exported" / "tiny").exists()


def test_the_command(trained, register, zoo_command, tmp_path):
    done = zoo_command("export", trained.folder, "--name", "tiny", "--format", "flat")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "exported" / "tiny" / "1" / "extra" / "flat" / "numbers.txt").is_file()
    done = zoo_command("export", trained.folder, "--name", "other", "--format", "needy")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "run: pip install 'pens[ink]'" in done.stderr
    assert not (tmp_path / "exported" / "other").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--export", "--format", "needy"), "--format needy: expected the distribution 'no-such-thing'"),
        (("--export", "--format", "picky"), "--format picky: it has 8 rows"),
        (("--export", "--format", "flta"), "there is no exporter 'flta'; did you mean 'flat'?"),
        (("--format", "flat"), "--export was not given"),
    ],
)
def test_refused_before_a_training(register, zoo_command, series_file, tmp_path, flags, told):
    data = ("--data", series_file, "--target", "load", "--window", 8, "--horizon", 3)
    done = zoo_command("train", "basic", *data, *flags)
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "runs").exists()
