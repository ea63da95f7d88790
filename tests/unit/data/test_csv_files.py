"""CSV files in the forms that people have them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.data.readers.csv_files import CsvFormat
from zoo.data.readers.reading import read_frame
from zoo_registry.errors import ConfigError

TEXT = "Größe,y\n1.5,2\n-3.25,4\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_honoured(tmp_path, encoding):
    (tmp_path / "a.csv").write_text(TEXT, encoding=encoding)
    frame = read_frame(tmp_path / "a.csv")
    assert list(frame.columns) == ["Größe", "y"]
    assert frame["Größe"].tolist() == [1.5, -3.25]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le", "cp1252", "utf-8"])
def test_an_encoding_is_given(tmp_path, encoding):
    (tmp_path / "a.csv").write_text(TEXT, encoding=encoding)
    assert list(read_frame(tmp_path / "a.csv", CsvFormat(encoding=encoding)).columns) == ["Größe", "y"]


@given(
    values=st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=20),
    delimiter=st.sampled_from(";\t| "),
    decimal=st.sampled_from(".,"),
)
@settings(max_examples=30, deadline=None)
def test_numbers_survive_every_form(tmp_path_factory, values, delimiter, decimal):
    path = tmp_path_factory.getbasetemp() / "form.csv"
    rows = [f"{row}{delimiter}{value!r}".replace(".", decimal) for row, value in enumerate(values)]
    path.write_text("\n".join([f"row{delimiter}value", *rows]), encoding="utf-8")
    assert read_frame(path, CsvFormat(delimiter, decimal))["value"].tolist() == values


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"delimiter": ";;"}, "`delimiter` is one character, found ';;'"),
        ({"delimiter": ""}, "`delimiter` is one character, found ''"),
        ({"decimal": "point"}, "`decimal` is one character"),
        ({"decimal": ","}, "`delimiter` and `decimal` are both ','"),
        ({"encoding": "utf-7000"}, "there is no encoding 'utf-7000'"),
        ({"encoding": "base64"}, "there is no encoding 'base64'"),
    ],
)
def test_forms_that_there_are_not(form, complaint):
    with pytest.raises(ConfigError, match=complaint):
        CsvFormat(**form)
