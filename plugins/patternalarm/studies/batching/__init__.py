"""What one request for scores costs by Spark, in batches, as a stream, and without Spark: ``make study-batching``."""
