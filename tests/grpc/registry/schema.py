"""What a database's schema looks like, for comparing two of them."""

from typing import Any

from sqlalchemy import Connection, Inspector, inspect, text


def described(connection: Connection) -> dict[str, object]:
    """Return columns, constraints and indexes of every table."""
    inspector: Inspector = inspect(connection)
    tables = set(inspector.get_table_names()) - {"alembic_version"}
    return {table: _described_table(inspector, table) for table in sorted(tables)}


def _described_table(inspector: Inspector, table: str) -> dict[str, object]:
    return {
        "columns": {
            column["name"]: (str(column["type"]), column["nullable"])
            for column in inspector.get_columns(table)
        },
        "primary key": inspector.get_pk_constraint(table)["constrained_columns"],
        "unique": _by_name(inspector.get_unique_constraints(table), "column_names"),
        "check": _by_name(inspector.get_check_constraints(table), "sqltext"),
        "foreign": _by_name(inspector.get_foreign_keys(table), "constrained_columns"),
        "indexes": {
            index["name"]: (index["column_names"], index["unique"], _condition(index))
            for index in inspector.get_indexes(table)
        },
    }


def _by_name(constraints, key):
    return {constraint["name"]: constraint[key] for constraint in constraints}


def _condition(index) -> str:
    options = index.get("dialect_options", {})
    return next((str(value) for key, value in options.items() if "where" in key), "")


def triggers(connection: Connection) -> list[tuple[Any, ...]]:
    """Return triggers, and on PostgreSQL what they do, each without its layout."""
    sqlite = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    postgresql = """
        SELECT tgname, pg_get_triggerdef(pg_trigger.oid), prosrc
        FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal ORDER BY tgname
    """
    query = sqlite if connection.dialect.name == "sqlite" else postgresql
    return [
        tuple(" ".join(part.split()) for part in row) for row in connection.execute(text(query))
    ]
