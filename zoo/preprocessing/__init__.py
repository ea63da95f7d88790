"""Scalers and the shared pipeline, fitted on train rows alone."""
