"""How a job begins and ends: its session, and bad input as one sentence."""
