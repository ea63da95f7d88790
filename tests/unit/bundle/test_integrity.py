"""A bundle whose files are not exactly the manifest's is refused before any parser sees one of them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.bundle.integrity import check_files, check_integrity, describe_files
from zoo.bundle.manifest import MANIFEST_FILE
from zoo.bundle.verification import verify_bundle
from zoo_registry.errors import BundleError


def files_of(bundle):
    return [path for path in sorted(bundle.rglob("*")) if path.is_file() and path.name != MANIFEST_FILE]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def append(path):
    path.write_bytes(path.read_bytes() + b"\0")


def empty(path):
    path.write_bytes(b"")


def rename(path):
    path.rename(path.with_name(path.name + "x"))


def link(path):
    aside = path.parents[3] / "aside"
    path.rename(aside)
    path.symlink_to(aside)


def into_folder(path):
    path.unlink()
    path.mkdir()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGES = {
    flip: "its SHA-256 is not the manifest's",
    truncate: "expected [0-9]+ bytes, found [0-9]+",
    append: "expected [0-9]+ bytes, found [0-9]+",
    empty: "expected [0-9]+ bytes, found 0",
    os.remove: "the manifest lists this file, but it is missing",
    rename: "the manifest lists this file, but it is missing",
    link: "found a link or device",
    into_folder: "the manifest lists this file, but it is missing",
    pipe: "found a link or device",
}


def refused(bundle, complaint):
    """Every way in refuses the bundle."""
    for use in (check_integrity, verify_bundle, zoo.load_bundle):
        with pytest.raises(BundleError, match=complaint):
            use(bundle)


def test_the_parsers_are_watched(bundle, parser_reached):
    with pytest.raises(parser_reached):
        verify_bundle(bundle)
    with pytest.raises(parser_reached):
        verify_bundle(bundle, ["tensorflow"])


def test_a_whole_bundle(bundle, exported):
    assert check_integrity(bundle) == exported.manifest
    assert describe_files(bundle) == exported.manifest.files


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file(bundle, parser_reached, damage):
    damaged = 0
    for path in files_of(bundle):
        content = path.read_bytes()
        damage(path)
        refused(bundle, f"{path.name}: .*{DAMAGES[damage]}")
        for left in (path, path.with_name(path.name + "x")):
            if left.is_dir():
                left.rmdir()
            else:
                left.unlink(missing_ok=True)
        path.write_bytes(content)
        damaged += 1
    assert damaged == len(check_integrity(bundle).files) >= 9


@pytest.mark.parametrize(
    "name", ["extra.txt", ".hidden", "assets/vocabulary.txt", "variables/extra", "deep/er/model.xml"]
)
def test_an_extra_file(bundle, parser_reached, name):
    path = bundle / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    refused(bundle, f"{name}: the manifest does not list this file")


@pytest.mark.parametrize("target", ["/", "model.onnx", "nowhere"])
def test_an_extra_link(bundle, parser_reached, target):
    (bundle / "assets" / "link").symlink_to(target)
    refused(bundle, "assets/link: expected files and folders alone, found a link or device")


def test_a_folder_that_is_a_link(bundle, parser_reached):
    (bundle / "variables").rename(bundle.parent / "aside")
    (bundle / "variables").symlink_to(bundle.parent / "aside")
    refused(bundle, "variables: expected files and folders alone, found a link or device")


def test_a_file_that_is_listed_but_lies_outside(bundle, parser_reached):
    manifest = check_integrity(bundle)
    (bundle.parent / "outside").write_text("x")
    listed = manifest.files | {"../outside": describe_files(bundle)["model.onnx"]}
    manifest.model_copy(update={"files": listed}).write(bundle)
    refused(bundle, r"'\.\./outside' is no relative, normalized path")


def test_the_order_of_the_checks(bundle, parser_reached):
    """Links and devices, manifest, missing files, extra files, sizes and hashes."""
    flip(bundle / "saved_model.pb")
    refused(bundle, "saved_model.pb: its SHA-256")
    append(bundle / "model.onnx")
    refused(bundle, "model.onnx: expected [0-9]+ bytes")
    (bundle / "a").write_text("extra")
    refused(bundle, "1/a: the manifest does not list this file")
    (bundle / "golden.npz").unlink()
    refused(bundle, "golden.npz: the manifest lists this file, but it is missing")
    flip(bundle / MANIFEST_FILE)
    refused(bundle, r"manifest\.json: ")
    (bundle / "link").symlink_to("a")
    refused(bundle, "link: expected files and folders alone")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_anywhere(exported, data):
    """On the shared bundle, which is mended before anybody else looks."""
    folder = exported.folder
    path = data.draw(st.sampled_from([*files_of(folder), folder / MANIFEST_FILE]))
    content = path.read_bytes()
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    try:
        with pytest.raises(BundleError):
            check_integrity(folder)
    finally:
        path.write_bytes(content)


def test_names_that_no_terminal_should_get(bundle, parser_reached):
    for name in (b"\x1b[2Jclear", b"not\xffutf8", "\u202egnp".encode()):
        path = bundle / os.fsdecode(name)
        path.write_text("")
        with pytest.raises(BundleError, match="the manifest does not list this file") as caught:
            check_integrity(bundle)
        assert str(caught.value).isprintable()
        path.unlink()


def test_more_files_than_any_bundle_has(bundle, parser_reached):
    for number in range(5000):
        (bundle / f"{number}").mkdir()
    refused(bundle, "expected at most 4096 files and folders")


def test_a_name_that_no_manifest_takes_is_not_published(tmp_path):
    (tmp_path / "two words").write_text("")
    with pytest.raises(BundleError, match="'two words' is no relative, normalized path of plain letters; rename"):
        describe_files(tmp_path)


def test_what_is_read_is_what_was_hashed(bundle):
    checked = check_files(bundle)
    assert checked.read("model.onnx") == (bundle / "model.onnx").read_bytes()
    assert set(checked.hashes) == {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    flip(bundle / "model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx: its SHA-256 is not the manifest's"):
        checked.read("model.onnx")
    link(bundle / "model.onnx")
    with pytest.raises(BundleError, match=r"model\.onnx: expected a readable file"):
        checked.read("model.onnx")
    with pytest.raises(BundleError, match="the manifest does not list this file"):
        checked.read("../../outside")
