"""What befalls a run while it detects: parts that die, hang or do not answer, and how long detection paused."""
