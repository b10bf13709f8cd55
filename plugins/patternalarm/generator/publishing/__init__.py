"""Events and ground truth on their way to Kafka and PostgreSQL, with the account of what was acknowledged."""
