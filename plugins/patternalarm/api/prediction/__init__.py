"""Scores by a promoted forest without Spark."""
