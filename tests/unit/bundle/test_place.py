"""A bundle lies where it was published, and nothing else stands beside its model's versions."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest

from zoo.bundle.integrity import check_files, describe_files
from zoo.bundle.manifest import Manifest
from zoo.bundle.opening import open_bundle
from zoo.bundle.place import check_identity, check_neighbours
from zoo.bundle.verification import verify_bundle
from zoo_registry.errors import BundleError


@pytest.fixture
def signed(monkeypatch):
    """Every signature holds: what is checked here comes after it."""
    monkeypatch.setattr("zoo.bundle.opening.required_keys", lambda given: ["key.pub"])
    monkeypatch.setattr("zoo.bundle.opening.verify_signature", lambda checked, keys: None)


@pytest.fixture
def early(bundle):
    """As it was published before manifests knew version and configuration."""
    known = Manifest.read(bundle).model_copy(update={"version": None, "config_sha256": None})
    known.model_copy(update={"files": describe_files(bundle)}).write(bundle)
    return bundle


def test_repair_20_the_manifest_knows_version_and_configuration(trained, exported, bundle):
    config = (exported.folder.parent / "config.pbtxt").read_bytes()
    second = trained.export(bundle.parents[1], name="tiny")
    for number, manifest in enumerate((exported.manifest, second.manifest), 1):
        assert (manifest.version, manifest.config_sha256) == (number, hashlib.sha256(config).hexdigest())


@pytest.mark.parametrize("place", ["tiny/99", "other/1", "other/99"])
def test_repair_20_a_signature_holds_for_one_model_and_version(bundle, tmp_path, signed, place):
    open_bundle(bundle)
    moved = shutil.copytree(bundle, tmp_path / "moved" / place)
    for path in (moved, moved.parent):
        with pytest.raises(BundleError, match=f"/{place}: the signature is that of tiny/1, found it as {place}; put"):
            open_bundle(path)
    (tmp_path / "tiny" / "99").symlink_to("1")
    with pytest.raises(BundleError, match="found it as tiny/99"):
        open_bundle(tmp_path / "tiny" / "99")


def test_repair_20_however_the_folder_is_named(bundle, tmp_path, signed, monkeypatch):
    moved = shutil.copytree(bundle, tmp_path / "other" / "1")
    monkeypatch.chdir(moved)
    for path in (".", "../1", "../../other/1", "../../other"):
        with pytest.raises(BundleError, match="the signature is that of tiny/1, found it as other/1"):
            open_bundle(path)
    open_bundle("../../tiny/../tiny/1")
    open_bundle(shutil.copytree(bundle, tmp_path / "model"))  # which claims to be no version


def test_repair_20_an_early_bundle_is_held_to_its_model(early, tmp_path, signed):
    open_bundle(early)
    open_bundle(shutil.copytree(early, tmp_path / "elsewhere" / "tiny" / "7"))
    with pytest.raises(BundleError, match="the signature is that of tiny/1, found it as other/1"):
        open_bundle(shutil.copytree(early, tmp_path / "other" / "1"))
    (early.parent / "config.pbtxt").write_text("of another release")
    open_bundle(early)


def test_without_a_signature_a_bundle_may_be_moved(bundle, tmp_path):
    moved = shutil.copytree(bundle, tmp_path / "other" / "99")
    assert open_bundle(moved, beside=True).manifest.model == "tiny"


@pytest.fixture(params=["required", "verify"])
def held(request, monkeypatch):
    """The ways to open a bundle that look beside it."""
    if request.param == "required":
        request.getfixturevalue("signed")
        return open_bundle
    return lambda path: verify_bundle(path, ["onnxruntime"], require_signature=())


def test_repair_20_the_configuration_is_held_to_the_manifest(bundle, held):
    held(bundle)
    config = bundle.parent / "config.pbtxt"
    config.write_text(config.read_text().replace('"onnxruntime"', '"python"'))
    with pytest.raises(BundleError, match=r"/config\.pbtxt: its SHA-256 is not the manifest's; it was changed"):
        held(bundle)
    config.unlink()
    held(bundle)  # Triton makes one of model.onnx
    config.symlink_to("/etc/hostname")
    with pytest.raises(BundleError, match=r"/config\.pbtxt: beside the versions of a model expected the file"):
        held(bundle)


@pytest.mark.parametrize("name", ["model.py", "configs/", "01/", "2", "\x1b[2J"])
def test_repair_20_nothing_else_stands_beside_the_versions(bundle, held, name):
    path = bundle.parent / name
    path.mkdir() if name.endswith("/") else path.write_text("anything")
    with pytest.raises(BundleError, match="beside the versions of a model expected the file") as no:
        held(bundle)
    assert "\x1b" not in str(no.value)


def test_other_versions_and_hidden_files_may_stand_there(bundle, held):
    (bundle.parent / "12").mkdir()
    (bundle.parent / ".staging-x").mkdir()
    (bundle.parent / ".highest-version").write_text("12")
    held(bundle)


def test_repair_20_a_model_folder_that_cannot_be_read_is_one_sentence(bundle, monkeypatch):
    checked = check_files(bundle)
    check_identity(checked)
    monkeypatch.setattr(os, "scandir", lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(BundleError, match="tiny: expected a readable folder, found: Permission denied"):
        check_neighbours(checked)


def test_repair_20_the_command_refuses(bundle, zoo_command):
    (bundle.parent / "model.py").write_text("import os")
    for more in (("--quick",), ("--runtime", "onnxruntime")):
        refused = zoo_command("verify", bundle, *more)
        assert refused.exit_code == 2
        assert "model.py: beside the versions of a model expected the file config.pbtxt alone" in refused.stderr
