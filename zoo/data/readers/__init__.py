"""Files, DataFrames, arrays and examples, read as they are."""
