"""Settings of a run, told once: their schema, and reading them from text and TOML."""
