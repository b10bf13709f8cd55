"""The online store: latest features, scores and events of each actor in Redis, rebuilt from Kafka whenever Redis lost them."""
