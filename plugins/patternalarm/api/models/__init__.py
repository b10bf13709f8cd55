"""Shapes of requests and answers, with the examples that OpenAPI shows."""
