"""Synthetic activity: who acts, with which habits, and how campaigns are laid among ordinary sessions."""
