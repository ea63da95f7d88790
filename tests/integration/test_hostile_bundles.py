"""Bundles made to harm: a canary shows that nothing in them acts under verify, predict and load_bundle.

Each is tried twice: as it comes, with hashes that do not hold, and sealed anew by its maker, so that they do.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import tracemalloc
import zipfile
from pathlib import Path

import joblib
import numpy as np
import onnx
import pytest

import zoo
from zoo.bundle.integrity import describe_files
from zoo.bundle.manifest import Manifest
from zoo_registry.errors import BundleError


@pytest.fixture
def hostile(exported, tmp_path: Path) -> Path:
    """A copy of the tiny bundle to tamper with."""
    return Path(shutil.copytree(exported.folder, tmp_path / "tiny" / "1"))


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that is there when something of the bundle has acted."""
    return tmp_path / "canary"


@pytest.fixture
def uses(hostile, series_file, zoo_command):
    """The ways to use the bundle by default: each gives an exit code and what was said."""

    def load() -> tuple[int, str]:
        try:
            zoo.load_bundle(hostile).predict(np.tile([100.0, 20.0], (1, 8, 1)))
        except zoo.ZooError as error:
            return error.exit_code, f"error: {error}\n"
        return 0, ""

    def command(*arguments: object) -> tuple[int, str]:
        done = zoo_command(*arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
        return done.exit_code, done.stderr

    return (
        lambda: command("verify", hostile),
        lambda: command("verify", hostile, "--quick"),
        lambda: command("predict", hostile, "--data", series_file),
        load,
    )


def seal(folder: Path) -> None:
    """Make the hashes hold again, as whoever changed a bundle can."""
    Manifest.read(folder).model_copy(update={"files": describe_files(folder)}).write(folder)


def refused(uses, *complaints: str, quick: bool = True) -> None:
    """No use of the bundle goes on: each ends with 2 and one sentence. Without ``quick`` the hashes alone hold."""
    for number, use in enumerate(uses):
        code, said = use()
        if number == 1 and not quick:
            assert code == 0
            continue
        assert code == 2, said
        (sentence,) = said.splitlines()
        assert sentence.startswith("error: ")
        assert any(complaint in sentence for complaint in complaints), sentence


@pytest.mark.parametrize("sealed", [False, True])
def test_a_pickle(hostile, canary, uses, poison, sealed):
    poison(hostile / "scalers.joblib", canary)
    if sealed:
        seal(hostile)
        assert [use()[0] for use in uses] == [0, 0, 0, 0]
        bundle = zoo.load_bundle(hostile)
        with pytest.raises(BundleError, match=r"scalers\.joblib: a pickle runs whatever its maker wrote"):
            bundle.load_scalers()
        assert not canary.exists()
        bundle.load_scalers(trusted=True)
        assert canary.exists(), "the canary sings where somebody trusts it"
    else:
        refused(uses, "scalers.joblib: expected", "scalers.joblib: its SHA-256")
        assert not canary.exists()


def write_saved_model(folder: Path, canary: Path) -> None:
    import tensorflow as tf

    class Program(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 2), tf.float32, "window")])
        def __call__(self, window):
            tf.io.write_file(str(canary), "the SavedModel has acted")
            return {"forecast": tf.reduce_mean(window, axis=2)[:, :3, None]}

    program = Program()
    shutil.rmtree(folder / "variables")
    tf.saved_model.save(program, str(folder), signatures={"serving_default": program.__call__})


@pytest.mark.parametrize("sealed", [False, True])
def test_a_saved_model_that_writes_a_file(hostile, canary, uses, zoo_command, sealed):
    write_saved_model(hostile, canary)
    if sealed:
        seal(hostile)
        assert [use()[0] for use in uses] == [0, 0, 0, 0]
        assert not canary.exists()
        assert zoo_command("verify", hostile, "--runtime", "all").exit_code == 1
        assert canary.exists(), "the canary sings where somebody asks for TensorFlow"
    else:
        refused(uses, "fingerprint.pb: ", "saved_model.pb: ")
        assert not canary.exists()


def external(model: onnx.ModelProto, secret: Path) -> None:
    tensor = model.graph.initializer[0]
    size = len(tensor.raw_data) or 4
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", os.path.relpath(secret)), ("offset", "0"), ("length", str(size))):
        tensor.external_data.add(key=key, value=value)


def external_by_absolute_path(model: onnx.ModelProto, secret: Path) -> None:
    external(model, secret)
    model.graph.initializer[0].external_data[0].value = str(secret)


def external_in_a_branch(model: onnx.ModelProto, secret: Path) -> None:
    node = model.graph.node.add(op_type="Constant", output=["unused"])
    attribute = node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR)
    attribute.t.data_type = onnx.TensorProto.FLOAT
    attribute.t.external_data.add(key="location", value=str(secret))
    outer = model.graph.node.add(op_type="If", input=[model.graph.input[0].name], output=["never"])
    branch = outer.attribute.add(name="then_branch", type=onnx.AttributeProto.GRAPH)
    branch.g.node.append(node)
    model.graph.node.remove(node)


def foreign_operator(model: onnx.ModelProto, secret: Path) -> None:
    node = model.graph.node.add(op_type="EPContext", domain="com.microsoft", output=["unused"])
    node.attribute.append(onnx.helper.make_attribute("ep_cache_context", str(secret)))
    model.opset_import.add(domain="com.microsoft", version=1)


def function(model: onnx.ModelProto, secret: Path) -> None:
    model.functions.add(name="Sigmoid", domain="", opset_import=model.opset_import)


ONNX = {
    external: "found the tensor",
    external_by_absolute_path: "found the tensor",
    external_in_a_branch: "found the tensor",
    foreign_operator: "found 'EPContext' of the domain 'com.microsoft'",
    function: "expected no functions, found 'Sigmoid'",
}


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("change", ONNX, ids=lambda change: change.__name__)
def test_an_onnx_file_that_reaches_outside(hostile, uses, tmp_path, monkeypatch, change, sealed):
    import onnxruntime

    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"\0" * 4096)
    model = onnx.load(hostile / "model.onnx")
    change(model, secret)
    (hostile / "model.onnx").write_bytes(model.SerializeToString())

    def reached(*_: object, **__: object) -> None:
        raise AssertionError("the runtime got it")

    monkeypatch.setattr(onnxruntime, "InferenceSession", reached)
    if sealed:
        seal(hostile)
        refused(uses, ONNX[change], quick=False)
    else:
        refused(uses, "model.onnx: expected", "model.onnx: its SHA-256")


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"not onnx"])
def test_what_is_no_onnx_file(hostile, uses, content):
    (hostile / "model.onnx").write_bytes(content)
    seal(hostile)
    refused(uses, "not an ONNX model", "onnxruntime cannot load this bundle", quick=False)


def test_a_bundle_that_nothing_can_check(hostile, uses):
    """No runtime, no replay: that is no success."""
    (hostile / "model.onnx").unlink()
    seal(hostile)
    refused(uses, "has no format", "has no model.onnx", "the manifest does not list this file", quick=False)


def test_another_interface_than_the_manifests(hostile, uses):
    model = onnx.load(hostile / "model.onnx")
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 3
    (hostile / "model.onnx").write_bytes(model.SerializeToString())
    seal(hostile)
    refused(uses, "its graph cannot be run", "cannot load this bundle", quick=False)


def reseal_text(folder: Path, change) -> None:
    """Edit the manifest's JSON and compute its checksum anew; our own writer would refuse such names."""
    import hashlib

    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(content)
    del content["checksum"]
    body = json.dumps(content, indent=2).removesuffix("\n}").encode()
    seal = f',\n  "checksum": "{hashlib.sha256(body).hexdigest()}"\n}}\n'
    (folder / "manifest.json").write_bytes(body + seal.encode())


@pytest.mark.parametrize("name", ["../outside", "{absolute}"])
def test_a_manifest_that_lists_a_file_outside(hostile, uses, tmp_path, name):
    outside = hostile.parent / "outside"
    outside.write_text("x")
    entry = {"size": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}
    name = name.format(absolute=outside)
    reseal_text(hostile, lambda content: content["files"].update({name: entry}))
    refused(uses, "is no relative, normalized path of plain letters")


def link_to(target: Path):
    def make(path: Path) -> None:
        shutil.copyfile(path, target)
        path.unlink()
        path.symlink_to(target)

    return make


@pytest.mark.parametrize("file", ["golden.npz", "manifest.json"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_regular_file(hostile, uses, tmp_path, file, kind):
    path = hostile / file
    if kind == "link":
        link_to(tmp_path / "aside")(path)
    else:
        path.unlink()
        path.mkdir() if kind == "folder" else os.mkfifo(path)
    refused(
        uses, "found a link or device", "found no manifest.json", "is missing", "expected a bundle or a model folder"
    )


def test_a_signature_that_is_a_link(hostile, uses, tmp_path):
    (tmp_path / "aside").write_text("x")
    (hostile / "model.sig").symlink_to(tmp_path / "aside")
    refused(uses, "found a link or device")


def test_a_huge_manifest(hostile, uses):
    with (hostile / "manifest.json").open("r+b") as file:
        file.truncate(2**34)  # no byte of it is written
    tracemalloc.start()
    refused(uses, "expected at most 16777216 bytes, found more")
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()


def header(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    """The beginning of an .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    return file.getvalue()


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, content in members:
            made.writestr(name, content)
    return file.getvalue()


def announcing(size: int) -> bytes:
    """An archive whose directory announces a member of ``size`` bytes."""
    content = bytearray(archive(("window.npy", header((1, 8, 2)) + bytes(64))))
    at = content.index(b"PK\x01\x02") + 20
    content[at : at + 8] = size.to_bytes(4, "little") * 2
    return bytes(content)


BOMBS = {
    "a giant shape": archive(("window.npy", header((10**9, 8, 2)))),
    "a shape beyond any number": archive(("window.npy", header((10**12, 10**12, 10**12)))),
    "a negative shape": archive(("window.npy", header((-1, 8, 2)))),
    "compressed": archive(("window.npy", header((10**6, 8, 2)) + bytes(64 * 10**6)), compression=zipfile.ZIP_DEFLATED),
    "a false size": announcing(2**31),
    "objects": archive(("window.npy", header((1, 8, 2), "|O") + pickle.dumps([None] * 16))),
    "no numbers": archive(("window.npy", b"text")),
    "no archive": b"PK",
    "no windows": archive(("forecast.npy", header((1,)) + bytes(4))),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_golden_windows_that_unpack_to_more_than_they_are(hostile, zoo_command, bomb):
    (hostile / "golden.npz").write_bytes(BOMBS[bomb])
    seal(hostile)
    tracemalloc.start()
    done = zoo_command("verify", hostile)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()
    assert done.exit_code == 2
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith(f"error: {hostile}/golden.npz: no golden windows (")


def test_scalers_that_were_changed_after_loading(hostile):
    bundle = zoo.load_bundle(hostile)
    scalers = bundle.load_scalers(trusted=True)
    assert set(scalers) == {"features", "targets"} == set(joblib.load(hostile / "scalers.joblib"))
    content = (hostile / "scalers.joblib").read_bytes()
    (hostile / "scalers.joblib").write_bytes(content[:-1] + b"!")
    with pytest.raises(BundleError, match=r"scalers\.joblib: its SHA-256 is not the manifest's"):
        bundle.load_scalers(trusted=True)
    for trust in (1, "yes", object()):
        with pytest.raises(BundleError, match="expected load_scalers"):
            bundle.load_scalers(trusted=trust)


def test_quick_is_hashes_alone(hostile, zoo_command):
    (hostile / "golden.npz").write_bytes(b"no archive")
    seal(hostile)
    done = zoo_command("verify", hostile, "--quick")
    assert (done.exit_code, done.stdout) == (0, f"{hostile}: hashes hold, nothing was replayed\n")
    told = json.loads(zoo_command("verify", hostile, "--quick", "--json").stdout)
    assert told == {"bundle": str(hostile), "passed": True, "signed": False, "runtimes": []}
    assert zoo_command("verify", hostile, "--quick", "--runtime", "all").exit_code == 2
    (hostile / "golden.npz").write_bytes(b"an archive")
    assert zoo_command("verify", hostile, "--quick").exit_code == 2
