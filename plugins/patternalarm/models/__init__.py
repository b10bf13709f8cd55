"""Trained models: what a model directory holds, whether it is whole, and which version of a domain is promoted."""
