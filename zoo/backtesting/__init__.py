"""Rolling-origin evaluation: how good forecasts would have been, had they been made one after the other."""
