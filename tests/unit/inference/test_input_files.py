"""Which files of a folder are scored, and where their results go."""

from __future__ import annotations

import os

import pytest

from zoo.inference.input_files import InputFile, find_inputs
from zoo_registry.errors import DataError


def test_tables_at_any_depth_in_the_order_of_their_names(folder):
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.csv").write_text("x")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "d.csv").write_text("x")
    found = find_inputs(folder)
    assert [file.name for file in found.files] == ["a.parquet", "b.csv", "north/a.pq", "north/c.CSV"]
    results = ["a.parquet", "b.parquet", "north/a.parquet", "north/c.parquet"]
    assert [file.result for file in found.files] == results
    assert found.ignored == ("notes.txt",)
    assert found.clashing == set()
    state = (folder / "b.csv").stat()
    assert found.files[1] == InputFile("b.csv", state.st_size, state.st_mtime_ns)


def test_links_to_files_are_followed_and_links_to_folders_are_told(folder, tmp_path):
    (folder / "link.csv").symlink_to(folder / "b.csv")
    (folder / "nowhere.csv").symlink_to(folder / "none.csv")
    (folder / "round").symlink_to(folder)
    found = find_inputs(folder)
    assert "link.csv" in [file.name for file in found.files]
    assert InputFile("nowhere.csv", 0, 0) in found.files, "which is told as missing where it is scored"
    assert found.ignored == ("round",)


def test_files_that_would_have_one_result(folder):
    (folder / "a.csv").write_text("x")
    assert find_inputs(folder).clashing == {"a.parquet"}


def test_a_folder_without_tables(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"expected Parquet or CSV files \(.parquet, .pq, .csv\), found none"):
        find_inputs(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads every folder")
def test_a_folder_that_cannot_be_read_is_not_passed_over(folder):
    (folder / "north").chmod(0)
    try:
        with pytest.raises(PermissionError):
            find_inputs(folder)
    finally:
        (folder / "north").chmod(0o755)
