"""What a table is, and the statements that make one with its comments."""

from __future__ import annotations

from dataclasses import dataclass

from cdp_assets.sql.text import Sql, comma, ident, literal, sql


@dataclass(frozen=True)
class Column:
    """One column: name, type, and what it means."""

    name: str
    type: Sql
    comment: str
    default: Sql | None = None
    """What a row has where nothing is said."""

    @property
    def definition(self) -> Sql:
        """Name, type and default."""
        text = sql("{name} {type}", name=ident(self.name), type=self.type)
        return text if self.default is None else sql("{text} DEFAULT {value}", text=text, value=self.default)


@dataclass(frozen=True)
class Table:
    """One table of a schema."""

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]

    @property
    def path(self) -> Sql:
        """Schema and name, quoted."""
        return ident(self.schema, self.name)


TEXT, BIGINT, TIME, FLAG = Sql("VARCHAR"), Sql("BIGINT"), Sql("TIMESTAMPTZ"), Sql("BOOLEAN")
UUID = Sql("UUID")


def columns_of(*triples: tuple[str, Sql, str]) -> tuple[Column, ...]:
    """Columns from their names, types and comments."""
    return tuple(Column(name, kind, comment) for name, kind, comment in triples)


COLUMNS_KNOWN = Sql(
    "SELECT schema_name, table_name, list(column_name) FROM duckdb_columns()"
    " WHERE database_name = current_database() AND NOT internal GROUP BY schema_name, table_name"
)
"""Schema, name and columns of every table and view that there is."""


def create_table(table: Table, *, replace: bool = False) -> list[Sql]:
    """The statements that make a table with its comments; without `replace`, an existing one is left alone."""
    columns = comma(column.definition for column in table.columns)
    verb = Sql("CREATE OR REPLACE TABLE" if replace else "CREATE TABLE IF NOT EXISTS")
    return [sql("{verb} {path} (\n    {columns}\n)", verb=verb, path=table.path, columns=columns), *comments(table)]


def column_names(path: Sql) -> Sql:
    """The names of a table's columns, as it is."""
    return sql("SELECT name FROM pragma_table_info({path})", path=literal(path))


def comments(table: Table) -> list[Sql]:
    """The statements that explain a table and its columns."""
    texts = [sql("COMMENT ON TABLE {path} IS {text}", path=table.path, text=literal(table.comment))]
    return texts + [
        sql(
            "COMMENT ON COLUMN {path} IS {text}",
            path=ident(table.schema, table.name, column.name),
            text=literal(column.comment),
        )
        for column in table.columns
    ]


def add_column(table: Table, column: Column) -> list[Sql]:
    """The statements that give a table one more column, empty in every row, or with its default."""
    return [
        sql("ALTER TABLE {t} ADD COLUMN {column}", t=table.path, column=column.definition),
        sql(
            "COMMENT ON COLUMN {path} IS {text}",
            path=ident(table.schema, table.name, column.name),
            text=literal(column.comment),
        ),
    ]
