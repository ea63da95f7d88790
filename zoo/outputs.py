"""The names of an exported graph's input and outputs, the same in all formats."""

INPUT = "window"
FORECAST, QUANTILES = "forecast", "quantiles"
PROBABILITIES = "probabilities"
SCORE, IS_ANOMALY = "score", "is_anomaly"
MAIN_OUTPUT = {"forecast": FORECAST, "regress": FORECAST, "classify": PROBABILITIES, "anomaly": SCORE}
