"""The built-in exporters of further formats."""
