"""Executors of trials, folds and origins: processes on this host, or the workers of a dask cluster."""
