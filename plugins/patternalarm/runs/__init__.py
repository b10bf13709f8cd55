"""Runs of the platform and the leases that keep their engines alive."""
