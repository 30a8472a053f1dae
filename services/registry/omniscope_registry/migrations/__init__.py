"""The history of the database's tables, applied by `upgrade` whenever a registry starts."""
