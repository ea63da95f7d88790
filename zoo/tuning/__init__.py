"""Cross-validation that respects time, and search over it."""
