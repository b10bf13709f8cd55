"""What a run must reach, and whether it did."""
