"""Metrics on the untouched test split, and the baselines that a network has to beat."""
