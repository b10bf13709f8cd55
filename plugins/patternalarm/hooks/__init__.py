"""Thin clients of the engines, for operators and triggers."""
