"""From features to scores, decisions and evidence, for streams and batches alike."""
