"""The results database: SQLAlchemy tables, one record store per kind, migrations. Nothing of SQLAlchemy leaves it."""
