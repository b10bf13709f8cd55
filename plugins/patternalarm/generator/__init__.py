"""Synthetic activity of a domain: actors with habits, fraud campaigns among look-alikes, ground truth on its own channel."""
