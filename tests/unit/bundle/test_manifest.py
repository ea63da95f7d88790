"""The manifest: it survives its file, and whatever is not as it was written is refused."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.bundle import manifest as module
from zoo.bundle.manifest import FileEntry, Manifest, OnnxRecord, Parity, check_names
from zoo.provenance import DataRecord, Part, Provenance, Repairs
from zoo_registry import Problem, Tensor
from zoo_registry.errors import BundleError

PROBLEM = Problem(
    task="forecast",
    inputs=(Tensor(name="window", dtype="float32", shape=(8, 2), columns=("load", "température")),),
    outputs=(Tensor(name="forecast", dtype="float32", shape=(3, 1), columns=("load",)),),
    targets=("load",),
    horizon=3,
)
DATA = DataRecord(
    source="load.csv",
    fingerprint="ab" * 32,
    rows=240,
    time_column=None,
    series_column=None,
    gaps="error",
    calendar=(),
    repairs=Repairs(),
    split={"train": Part(rows=(0, 168)), "validation": Part(rows=(168, 204)), "test": Part(rows=(204, 240))},
)
MANIFEST = Manifest(
    model="mine",
    created="2024-01-01T00:00:00+00:00",
    run="a-run",
    architecture=Provenance(name="basic", distribution="lstm-zoo", version="1"),
    hyperparameters={"units": 4, "dropout": 0.1},
    training={"epochs": 2},
    problem=PROBLEM,
    data=DATA,
    metrics={"network": {}, "baselines": {}, "skipped": {}, "verdict": "good"},
    parity_unit={"load": 7.0710678118654755},
    parity={"onnxruntime": Parity(version="1", difference=1e-7)},
    onnx=OnnxRecord(opset=18, operators={"LSTM": 1}),
    versions={"python": "3.11"},
    files={"model.onnx": FileEntry(size=3, sha256="ab" * 32)},
    checksum="",
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@pytest.fixture
def folder(tmp_path):
    """A folder with the manifest in it."""
    MANIFEST.write(tmp_path)
    return tmp_path


def edit(folder, change):
    """Change the JSON of a manifest without sealing it again."""
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    change(content)
    content["checksum"] = content.pop("checksum")  # it stands last
    (folder / "manifest.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def seal(folder):
    """Compute the checksum anew, as an attacker does."""
    path = folder / "manifest.json"
    body = path.read_bytes()[:-85]
    checksum = hashlib.sha256(body).hexdigest()
    path.write_bytes(body + f',\n  "checksum": "{checksum}"\n}}\n'.encode())


def replace(folder, old, new):
    """Change the text of a manifest."""
    path = folder / "manifest.json"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_it_survives_its_file(folder):
    read = Manifest.read(folder)
    assert read.model_copy(update={"checksum": ""}) == MANIFEST
    body, _, _ = (folder / "manifest.json").read_bytes().rpartition(b',\n  "checksum"')
    assert read.checksum == hashlib.sha256(body).hexdigest()


@settings(max_examples=40, deadline=None)
@given(
    hyperparameters=st.dictionaries(TEXTS, NUMBERS | TEXTS | st.none() | st.booleans(), max_size=4),
    unit=st.dictionaries(TEXTS, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    model=TEXTS,
)
def test_any_content_survives_its_file(tmp_path_factory, hyperparameters, unit, model):
    folder = tmp_path_factory.mktemp("manifest")
    changes = {"hyperparameters": hyperparameters, "parity_unit": unit, "model": model}
    MANIFEST.model_copy(update=changes).write(folder)
    read = Manifest.read(folder)
    assert {name: getattr(read, name) for name in changes} == changes


def test_another_spelling_of_the_same_content(folder):
    """Else a flipped bit could pass: 1e-07 and 1E-07 are one number."""
    for old, new in (("1e-07", "1E-07"), ("\\u00e9", "\\u00E9"), ("\n}\n", "\n}"), ("\n}\n", "\n}\n\n"), ("{", " {")):
        MANIFEST.write(folder)
        replace(folder, old, new)
        with pytest.raises(BundleError, match=r"checksum"):
            Manifest.read(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(model="theirs"),
        lambda content: content["problem"].update(horizon=9),
        lambda content: content["problem"]["inputs"][0]["columns"].reverse(),
        lambda content: content["parity_unit"].update(load=7.071067811865475),
        lambda content: content["files"]["model.onnx"].update(sha256="ac" * 32),
        lambda content: content["files"].clear(),
        lambda content: content["metrics"].update(verdict="Good"),
        lambda content: content.update(checksum="0" * 64),
    ],
)
def test_a_changed_value_breaks_the_seal(folder, change):
    edit(folder, change)
    with pytest.raises(BundleError, match=r"manifest\.json: its checksum does not hold; the manifest was changed"):
        Manifest.read(folder)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"run":', '"run": "x", "run":', "a key stands twice"),
        ('"size": 3', '"size": 3, "size": 3', "a key stands twice"),
        ("1e-07", "NaN", "NaN is no JSON number"),
        ("1e-07", "-Infinity", "-Infinity is no JSON number"),
        ('"rows": 240', '"rows": ' + "9" * 5000, "integer string conversion"),
        ('"horizon": 3', '"horizon": 3.5', "valid integer"),
        ('"dtype": "float32"', '"dtype": "float16"', "'float32', 'float64', 'int64', 'bool' or 'string'"),
        ('"units": "raw"', '"units": "normal"', "'raw' or 'scaled'"),
        ('"run":', '"novel": 1, "run":', "Extra inputs are not permitted"),
        ('"run":', '"ran":', "Field required"),
        ("{", "", ""),
        ('"size": 3', '"size": -3', "greater than or equal to 0"),
        ('"size": 3', '"size": "3"', "valid integer"),
        ('"sha256": "abab', '"sha256": "ABab', "should match pattern"),
    ],
)
def test_what_is_no_manifest(folder, old, new, reason):
    replace(folder, old, new)
    seal(folder)
    with pytest.raises(BundleError, match=rf"manifest\.json: not a valid manifest \(.*{reason}"):
        Manifest.read(folder)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[]", b"null", b"1", b'"text"', b"\x00" * 100, b"{}{}"])
def test_other_content(folder, content):
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json: not a valid manifest"):
        Manifest.read(folder)


@pytest.mark.parametrize("opened", [b"[", b'{"a":', b'{"schema_version":1,"data":['])
def test_deep_nesting(folder, opened):
    (folder / "manifest.json").write_bytes(opened * 100_000 + bytes(85))
    seal(folder)
    with pytest.raises(BundleError, match=r"manifest\.json: not a valid manifest"):
        Manifest.read(folder)


@pytest.mark.parametrize(
    ("old", "new"), [("7.0710678118654755", "1e999"), ("1e-07", "-1e999"), ('"a-run"', '"\\ud800"')]
)
def test_numbers_and_texts_that_json_allows_but_nothing_can_hold(folder, old, new):
    replace(folder, old, new)
    with pytest.raises(BundleError, match=r"manifest\.json: "):
        Manifest.read(folder)


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_another_schema_version(folder, version):
    edit(folder, lambda content: content.update(schema_version=version, novel="field"))
    seal(folder)
    with pytest.raises(BundleError, match=f"expected schema version 2 or 1, found {version!r}; use the"):
        Manifest.read(folder)


def test_an_oversized_file_is_not_even_read(folder, monkeypatch):
    monkeypatch.setattr(module, "MAX_MANIFEST_BYTES", 1000)
    monkeypatch.setattr(module.json, "loads", lambda *_, **__: pytest.fail("it was parsed"))
    with pytest.raises(BundleError, match="expected at most 1000 bytes, found more"):
        Manifest.read(folder)


def test_no_manifest(tmp_path):
    with pytest.raises(BundleError, match=r"expected a bundle, found no manifest\.json"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("make", ["link", "folder"])
def test_a_manifest_that_is_no_file(folder, tmp_path, make):
    other = tmp_path / "other"
    other.mkdir()
    if make == "link":
        (other / "manifest.json").symlink_to(folder / "manifest.json")
    else:
        (other / "manifest.json").mkdir()
    with pytest.raises(BundleError, match=r"found no manifest\.json"):
        Manifest.read(other)


def test_values_that_are_no_json_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        MANIFEST.model_copy(update={"parity_unit": {"load": float("nan")}}).write(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "../model.onnx",
        "a/../../model.onnx",
        "/etc/passwd",
        "./model.onnx",
        "a//b",
        "a/",
        "",
        ".",
        "..",
        ".hidden",
        "-rf",
        "a\\b",
        "C:model.onnx",
        "a b",
        "a\nb",
        "a\0b",
        "mod\u00e9le.onnx",
        "\uff0e\uff0e/model.onnx",
        "a" * 600,
        "manifest.json",
        "model.sig",
        "MODEL.onnx",
    ],
)
def test_a_name_that_is_no_plain_relative_path(tmp_path, name):
    listed = {"model.onnx": FileEntry(size=3, sha256="ab" * 32), name: FileEntry(size=3, sha256="ab" * 32)}
    MANIFEST.model_copy(update={"files": listed}).write(tmp_path)
    with pytest.raises(BundleError, match=r"(no relative, normalized path|stands twice)") as caught:
        Manifest.read(tmp_path)
    assert str(caught.value).isprintable()


def test_names_that_exports_have():
    names = [
        "variables/variables.data-00000-of-00001",
        "assets.extra/tf_serving_warmup_requests",
        "extra/a/b_c+d=e.x@1",
    ]
    check_names(names)
