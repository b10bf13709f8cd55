"""The engines of one machine: one supervisord, one Flink session cluster, one file system."""
