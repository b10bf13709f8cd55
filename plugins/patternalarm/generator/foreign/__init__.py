"""A foreign file as events, and its split in time."""
