"""What operators and triggers ask Kafka and PostgreSQL."""
