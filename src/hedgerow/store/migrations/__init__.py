"""The steps that bring a journal's database up to date, run by ``store.schema`` through Alembic."""
