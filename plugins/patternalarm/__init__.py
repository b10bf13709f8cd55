"""PatternAlarm's shared package: contracts, domain packs, and the processes around the engines."""
