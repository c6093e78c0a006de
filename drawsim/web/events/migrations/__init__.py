"""How the database of earlier versions becomes that of this one: Alembic's migrations."""
