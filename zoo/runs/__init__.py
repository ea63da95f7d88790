"""Runs on the disk: their records, folders, checkpoints, and going on with one."""
