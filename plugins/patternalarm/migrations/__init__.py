"""The schema of the platform's database as Alembic migrations, and the roles and databases they need."""
