"""What the API reads and writes in PostgreSQL, one module for each kind of thing."""
