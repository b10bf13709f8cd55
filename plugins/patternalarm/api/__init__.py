"""The platform's HTTP API: a process of its own, which starts and follows load tests, scores, and serves alerts and cases."""
