"""Watching a training: the lifecycle hooks, TensorBoard and MLflow."""
