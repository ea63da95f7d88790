"""A damage that a format does not tell is told by a file's sum."""

from __future__ import annotations

import subprocess

import pytest

from zoo.sums import SUMS_FILE, check_sums, write_sums
from zoo_registry.errors import RunError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "numbers.json").write_text('{"mean": 315.2}')
    (tmp_path / "notes.txt").write_text("whatever")
    write_sums(tmp_path, ["numbers.json"])
    return tmp_path


def test_what_was_written_is_taken(folder):
    (folder / "notes.txt").write_text("something else")
    check_sums(folder, ["numbers.json"], RunError)
    assert subprocess.run(["sha256sum", "--check", "--quiet", SUMS_FILE], cwd=folder, check=False).returncode == 0
    (folder / SUMS_FILE).unlink()
    (folder / "numbers.json").write_text('{"mean": 415.2}')
    check_sums(folder, ["numbers.json"], RunError)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "numbers.json",
            b'{"mean": 415.2}',
            "numbers.json: not what was written, by its SHA-256 in files.sha256; put",
        ),
        ("numbers.json", None, "numbers.json: expected the file that was written, found nothing; put it back"),
        ("numbers.json", ..., "numbers.json: expected the file that was written, found a folder; put it back"),
        (SUMS_FILE, b"", "files.sha256: expected a SHA-256 and a name on each line, found something else; put the old"),
        (SUMS_FILE, b"\xff", "files.sha256: cannot be read; put the old one back, or remove files.sha256 to take"),
        (
            SUMS_FILE,
            b"1234  numbers.json\n",
            "files.sha256: expected a SHA-256 and a name on each line, found something",
        ),
        (SUMS_FILE, ..., "files.sha256: cannot be read; put the old one back, or remove files.sha256 to take"),
    ],
)
def test_damages_are_told(folder, name, content, told):
    (folder / name).unlink()
    if content is ...:
        (folder / name).mkdir()
    elif content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(RunError) as caught:
        check_sums(folder, ["numbers.json"], RunError)
    assert str(caught.value).startswith(f"{folder}/{told}")
