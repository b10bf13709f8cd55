"""Studies: questions about the platform that figures of our own answer, measured by one command and written up by it."""
