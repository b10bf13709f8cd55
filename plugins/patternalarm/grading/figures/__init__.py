"""The figures of a run: detection, delays, rates, ranking, with their intervals and in words."""
