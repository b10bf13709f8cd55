"""One module of routes for each thing that the API serves."""
