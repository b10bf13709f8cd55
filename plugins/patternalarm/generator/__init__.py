"""Synthetic activity of a domain: actors with habits, campaigns among look-alikes, ground truth apart."""
