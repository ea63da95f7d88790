"""A table that goes through a folder, block by block, is the table that is read at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from mmap import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zoo.data import storage
from zoo.data import table as table_module
from zoo.data.readers import reading as reading_module
from zoo.data.readers.reading import Reading, Source
from zoo.data.roles import NUMBERS, Roles
from zoo.data.table import Table, read_table
from zoo.preprocessing.prepared import Prepared
from zoo.settings.schema import DataConfig
from zoo.training.preparation import prepare
from zoo_registry.errors import ConfigError, DataError

NAN = np.nan
ROWS, BLOCK = 120, 7
KINDS = ("csv", "parquet", "frame")


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BLOCK_ROWS", BLOCK)
    monkeypatch.setattr(table_module, "BLOCK_ROWS", BLOCK)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Path]:
    """A folder for temporary files, which show up in it at no time and are not left in it."""
    folder = tmp_path / "spool"
    folder.mkdir()
    yield folder
    assert not list(folder.iterdir())


@pytest.fixture
def store(tmp_path: Path) -> Callable[[pd.DataFrame, str], Source]:
    """Give a frame as it is, or as a file."""

    def write(frame: pd.DataFrame, kind: str) -> Source:
        path = tmp_path / f"table.{kind}"
        if kind == "csv":
            frame.to_csv(path, index=False)
        elif kind == "parquet":
            frame.to_parquet(path, index=False, row_group_size=50)
        return frame if kind == "frame" else path

    return write


def make_frame(rows: int = ROWS, zone: str | None = None) -> pd.DataFrame:
    random = np.random.default_rng(3)
    steps = np.arange(rows)
    return pd.DataFrame(
        {
            "time": pd.date_range("2024-03-29", periods=rows, freq="h", tz=zone),
            "a": 100 + 10 * np.sin(steps / 4) + random.normal(size=rows),
            "b": (20 + random.normal(size=rows)).astype(np.float32),
            "note": "text",
            "c": steps % 5 - 2,
        }
    )


def with_series(frame: pd.DataFrame) -> pd.DataFrame:
    lengths = [50, 40, len(frame) - 90]
    names = np.repeat(["north", "south", "east"], lengths)
    kinds = np.array(["high", "low", "middle"])[np.arange(len(frame)) % 3]
    return frame.assign(site=names, kind=kinds, time=np.concatenate([frame["time"][:n] for n in lengths]))


def mapped(array: Any) -> bool:
    """Whether an array is one of a file, and no copy in memory."""
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array, mmap)


def equal_tables(one: Table, other: Table) -> None:
    np.testing.assert_array_equal(one.values, other.values)
    for name in ("features", "targets", "ignored", "time_column", "zone", "step", "classes", "label_column"):
        assert getattr(one, name) == getattr(other, name), name
    assert (one.series_column, one.series) == (other.series_column, other.series)
    assert type(one.times) is type(other.times)
    if one.times is not None and other.times is not None:
        assert (one.times == other.times).all()
        assert getattr(one.times, "tz", None) == getattr(other.times, "tz", None)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.stretches, other.stretches)
    assert str(one.frequency) == str(other.frequency)
    assert [one.row_name(row) for row in (0, BLOCK, 100)] == [other.row_name(row) for row in (0, BLOCK, 100)]
    assert one.fingerprint() == other.fingerprint()


def both(source: Source, spool: Path, roles: Roles = NUMBERS, **how: Any) -> tuple[Table, Table]:
    targets, features, label = how.pop("targets", ["a"]), how.pop("features", ()), how.pop("label", None)
    whole, spooled = (
        read_table(
            source, targets=targets, features=features, roles=roles, label=label, reading=Reading(spool=folder, **how)
        )
        for folder in (None, spool)
    )
    return whole, spooled


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"features": ["c"], "targets": ["b", "a"]},
        {"calendar": ("hour", "weekday")},
        {"time": "count"},
        {"gaps": "ignore"},
    ],
    ids=["plain", "further targets", "calendar", "whole numbers", "gaps"],
)
def test_a_table(store, spool: Path, kind: str, how: dict[str, Any]):
    frame = make_frame()
    if "time" in how:
        frame["count"] = np.arange(ROWS) * 10 + 2**40
    if "gaps" in how:
        frame = frame.drop(index=[13, 14, 70])
    equal_tables(*both(store(frame, kind), spool, **how))


@pytest.mark.parametrize(
    ("kind", "zone"), [("csv", "UTC"), ("parquet", "Europe/Berlin"), ("parquet", "UTC"), ("frame", "Asia/Kathmandu")]
)
def test_times_keep_their_zone(store, spool: Path, kind: str, zone: str):
    """In Berlin the clocks change within these rows."""
    whole, spooled = both(store(make_frame(zone=zone), kind), spool, calendar=("hour",))
    assert spooled.zone == zone
    assert mapped(spooled.times.asi8)
    equal_tables(whole, spooled)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gaps", ["error", "break"])
def test_series_and_labels(store, spool: Path, kind: str, gaps: str):
    frame = with_series(make_frame())
    frame.loc[[3, 77], "kind"] = None
    if gaps == "break":
        frame = frame.drop(index=[20, 60])
    whole, spooled = both(store(frame, kind), spool, Roles(classes=True), targets=["kind"], series="site", gaps=gaps)
    assert list(spooled.series) == ["north", "south", "east"]
    assert spooled.classes == ("high", "low", "middle")
    equal_tables(whole, spooled)


def test_a_table_without_times(store, spool: Path):
    whole, spooled = both(store(make_frame().drop(columns="time"), "csv"), spool)
    assert spooled.times is None
    equal_tables(whole, spooled)


def test_arrays(spool: Path):
    frame = make_frame()
    source = (frame[["a", "b"]].to_numpy(), frame["time"].to_numpy(), ["a", "b"])
    equal_tables(*both(source, spool))


def test_values_are_stored_as_float32_only_where_that_holds_them(store, spool: Path):
    small = make_frame().assign(a=lambda frame: frame["a"].astype(np.float32), c=lambda frame: frame["c"].astype("i2"))
    assert both(store(small, "parquet"), spool)[1].values.dtype == np.float32
    equal_tables(*both(store(small, "parquet"), spool))
    assert both(store(small.assign(c=2**25 + 1), "parquet"), spool)[1].values.dtype == np.float64


# ---------------------------------------------------------------------------------------------------------------------
# Up to the windows


def prepared(source: Source, spool: Path, **settings: Any) -> tuple[Prepared, Prepared]:
    config = DataConfig.model_validate({"target": ("a",), "window": 6, "horizon": 2, **settings})
    return prepare(config, source), prepare(config, source, spool=spool)


def equal_parts(one: Prepared, other: Prepared) -> None:
    assert one.missing == other.missing
    assert one.repairs == other.repairs
    assert one.splits == other.splits
    assert one.split() == other.split()
    np.testing.assert_array_equal(one.values, other.values)
    for name, windows in one.parts.items():
        np.testing.assert_array_equal(windows.starts(), other.parts[name].starts())
        np.testing.assert_allclose(windows.inputs(), other.parts[name].inputs(), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(windows.outputs(), other.parts[name].outputs(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["error", "ffill", "interpolate", "drop"])
@pytest.mark.parametrize("series", [False, True], ids=["one series", "three series"])
def test_repairs_and_windows(store, spool: Path, kind: str, method: str, series: bool):
    frame = with_series(make_frame()) if series else make_frame()
    if method != "error":
        frame.loc[[5, 6, 7, 8, 20, 33, 41, 83, 84, 85, 110], "a"] = NAN
        frame.loc[[6, 27, 28, 58, 97], "b"] = NAN
    more = {"series": "site", "features": ("a", "b", "c")} if series else {}
    equal_parts(*prepared(store(frame, kind), spool, missing=method, **more))


def test_windows_of_classes(store, spool: Path):
    source = store(with_series(make_frame()), "csv")
    one, other = prepared(source, spool, task="classify", target=("kind",), series="site", horizon=1)
    equal_parts(one, other)
    assert other.parts["train"].outputs().dtype == np.int32


def test_a_calendar_and_a_gap_before_the_horizon(store, spool: Path):
    equal_parts(*prepared(store(make_frame(), "csv"), spool, calendar=("hour",), gap=3, stride=2, embargo=4))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("scaler", ["standard", "minmax", "maxabs", "log", "none"])
@pytest.mark.parametrize("missing", [False, True], ids=["whole", "missing"])
def test_scalers_learn_the_same(store, spool: Path, kind: str, scaler: str, missing: bool):
    frame = make_frame().assign(far=lambda frame: 1e4 + frame["b"].astype(float), tiny=lambda frame: frame["a"] * 1e-9)
    frame = frame.drop(columns="tiny") if scaler == "log" else frame
    if missing:
        frame.loc[[4, 5, 30, 31, 32, 60], "far"] = NAN
    one, other = prepared(store(frame, kind), spool, scaler=scaler, missing="drop" if missing else "error")
    whole, spooled = one.preprocessor.parameters(), other.preprocessor.parameters()
    for part in ("features", "targets"):
        for expected, found in zip(whole.pop(part), spooled.pop(part), strict=True):
            assert found.pop("parameters") == pytest.approx(expected.pop("parameters"), rel=1e-12, abs=0)
            for name, value in expected.items():
                assert found[name] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), name
    assert whole == spooled


@pytest.mark.parametrize("scaler", ["robust", "huber"])
def test_scalers_that_need_all_rows_are_refused(store, spool: Path, scaler: str):
    with pytest.raises(ConfigError, match=rf"^scaler '{scaler}' needs all train rows in memory at once"):
        prepared(store(make_frame(), "csv"), spool, scaler_for={"b": scaler})


def test_training_gives_the_same_weights(store, spool: Path, tmp_path: Path):
    import zoo

    source = store(make_frame(), "csv")
    settings = {"target": "a", "window": 6, "horizon": 2, "scaler": "minmax", "epochs": 1, "keep": "last", "seed": 5}
    weights, records = [], []
    for folder in (None, spool):
        run = zoo.train("basic", source, hyperparameters={"units": 3}, runs=tmp_path / "runs", spool=folder, **settings)
        weights.append(run.network.get_weights())
        records.append(run.record.data.fingerprint)
        assert run.evaluate()["network"] == run.metrics["network"]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert records[0] == records[1]


# ---------------------------------------------------------------------------------------------------------------------
# What is refused


def refusals(source: Source, spool: Path, **how: Any) -> list[str]:
    """What is said of a faulty table without and with a folder."""
    targets, features = how.pop("targets", ["a"]), how.pop("features", ())
    found = []
    for folder in (None, spool):
        with pytest.raises(DataError) as caught:
            read_table(source, targets=targets, features=features, reading=Reading(spool=folder, **how))
        found.append(str(caught.value))
    return found


@pytest.mark.parametrize("kind", ["csv", "frame"])
@pytest.mark.parametrize(
    ("row", "column", "value", "expected"),
    [
        (45, "a", "much", "column 'a', row 46: expected a number, found 'much'"),
        (6, "a", "much", "column 'a', row 7: expected a number, found 'much'"),
        (7, "a", "much", "column 'a', row 8: expected a number, found 'much'"),
        (119, "b", np.inf, "column 'b', row 120: expected a finite number, found inf"),
        (63, "c", -np.inf, "column 'c', row 64: expected a finite number, found -inf"),
        (50, "time", None, "column 'time', row 51: expected a time such as 2020-01-31 13:00, found none"),
    ],
)
def test_a_wrong_cell_is_named_by_its_row_in_the_file(
    store, spool: Path, kind: str, row: int, column: str, value: Any, expected: str
):
    frame = make_frame()
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    whole, spooled = refusals(store(frame, kind), spool, features=["a", "b", "c"])
    assert expected in spooled
    assert spooled == whole


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", [1, BLOCK - 1, BLOCK, 50, 12 * BLOCK, ROWS - 1])
@pytest.mark.parametrize("how", ["unsorted", "duplicated", "gap"])
def test_times_out_of_order_also_over_a_blocks_end(store, spool: Path, kind: str, row: int, how: str):
    frame = make_frame()
    if how == "gap":
        frame.loc[row:, "time"] += pd.Timedelta("1h")
    else:
        frame.loc[row, "time"] = frame["time"][row - 1] - pd.Timedelta("1h" if how == "unsorted" else 0)
    whole, spooled = refusals(store(frame, kind), spool)
    times = frame["time"]
    assert f"row {row + 1} ({times[row]}) follows row {row} ({times[row - 1]})" in spooled
    assert spooled == whole


@pytest.mark.parametrize("row", [40, 6 * BLOCK])
@pytest.mark.parametrize("offset", ["+02:00", ""])
def test_mixed_zones(store, spool: Path, row: int, offset: str):
    """Within a block, and from a block's first row on."""
    frame = make_frame()
    texts = frame["time"].dt.strftime("%Y-%m-%dT%H:%M:%S")
    frame["time"] = [text + ("+01:00" if number < row else offset) for number, text in enumerate(texts)]
    for message in refusals(store(frame, "csv"), spool):
        assert "column 'time' mixes time zones" in message
        assert f"row {row + 1} (" in message
        assert "write all times in UTC" in message


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2024-01-01", "20240102", "expected a time, as in the rows before, found the number 20240102"),
        ("1", "2024-01-02", "expected a number, as in the rows before, found the time 2024-01-02 00:00:00"),
    ],
)
def test_a_block_of_times_of_another_kind(spool: Path, tmp_path: Path, first: str, second: str, expected: str):
    path = tmp_path / "a.csv"
    path.write_text("time,a\n" + f"{first},1\n" * BLOCK + f"{second},1\n" * BLOCK)
    with pytest.raises(DataError, match=f"column 'time', row {BLOCK + 1}: {expected}; write all rows alike"):
        read_table(path, targets=["a"], reading=Reading(spool=spool, time="time"))


@pytest.mark.parametrize("kind", KINDS)
def test_series_that_are_not_together(store, spool: Path, kind: str):
    frame = with_series(make_frame())
    frame.loc[100:105, "site"] = "north"
    frame.loc[100:105, "time"] += pd.Timedelta("30D")
    with pytest.raises(DataError) as caught:
        read_table(store(frame, kind), targets=["a"], reading=Reading(spool=spool, series="site"))
    assert str(caught.value).endswith(
        f"row 101 ({frame['time'][100]}) goes back to a series that ended before; with `spool` the rows of each series"
        " have to stand together: sort the file by 'site'"
    )


def test_a_series_without_a_name_and_a_class_that_is_none(store, spool: Path):
    frame = with_series(make_frame()).assign(level=np.arange(ROWS) % 3)
    frame.loc[77, "site"] = None
    whole, spooled = refusals(store(frame, "csv"), spool, series="site")
    assert "column 'site', row 78: expected the name of a series, found none" in spooled
    assert whole == spooled
    frame["level"] = frame["level"].astype(float)
    frame.loc[90, "level"] = 0.5
    for folder in (None, spool):
        with pytest.raises(DataError, match="column 'level', row 91: expected a class"):
            read_table(store(frame, "csv"), targets=["level"], roles=Roles(classes=True), reading=Reading(spool=folder))


@pytest.mark.parametrize("how", [{"sort": True}, {"resample": "2h"}])
def test_what_needs_the_whole_table_is_refused(store, spool: Path, how: dict[str, Any]):
    with pytest.raises(ConfigError, match="`sort` and `resample` need the whole table in memory; leave `spool` out"):
        read_table(store(make_frame(), "csv"), targets=["a"], reading=Reading(spool=spool, **how))


def test_a_folder_that_is_not_there(store, tmp_path: Path):
    absent = tmp_path / "absent"
    with pytest.raises(ConfigError, match=f"`spool`: expected a folder that is there, found {absent}; name another"):
        read_table(store(make_frame(), "csv"), targets=["a"], reading=Reading(spool=absent))
    assert not absent.exists()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_too_large_for_the_memory(store, spool: Path, kind: str, monkeypatch: pytest.MonkeyPatch):
    source = store(make_frame(), kind)
    monkeypatch.setattr(reading_module, "MEMORY_SHARE", 1e-12)
    with pytest.raises(DataError, match=rf"table\.{kind}: 0\.0 GB are too much to read at once with \d+\.\d GB of"):
        read_table(source, targets=["a"])
    assert len(read_table(source, targets=["a"], reading=Reading(spool=spool)).values) == ROWS


def test_numbers_in_a_column_that_began_as_text(spool: Path, tmp_path: Path):
    path = tmp_path / "mixed.csv"
    path.write_text("a,note\n" + "".join(f"{row},x\n" for row in range(BLOCK)) + "8,y\n9,5\n")
    with pytest.raises(DataError, match=rf"column 'note', row {BLOCK + 2}: expected text"):
        read_table(path, targets=["a"], reading=Reading(spool=spool))
    with pytest.raises(DataError, match="column 'note', row 1: expected a number, found 'x'"):
        read_table(path, targets=["a"])
