"""The Alembic migrations of the store, run by `anomalist db upgrade`."""
