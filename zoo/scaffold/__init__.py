"""A small distribution with one architecture, as ``zoo plugin new`` writes it."""
