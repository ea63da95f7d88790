"""Self-contained pages, from templates, and their plots."""
