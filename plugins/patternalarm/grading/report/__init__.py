"""The report of a run: for the terminal, as JSON and as a page."""
