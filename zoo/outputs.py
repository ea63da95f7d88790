"""The names of an exported graph's input and outputs, the same in all formats."""

from zoo_registry.runtime import OUTPUTS

INPUT = "window"
FORECAST, QUANTILES, PROBABILITIES, SCORE, IS_ANOMALY = OUTPUTS
MAIN_OUTPUT = {"forecast": FORECAST, "regress": FORECAST, "classify": PROBABILITIES, "anomaly": SCORE}
