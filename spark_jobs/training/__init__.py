"""From feature log and label log to a sealed model that passed its gates."""
