"""Views of `main` that show a table of events in other columns: what one is, and the statements that make it."""

from __future__ import annotations

from dataclasses import dataclass

from cdp_assets.sql.schema import Column, Table
from cdp_assets.sql.text import Sql, comma, ident, literal, sql

VIEWS = Sql(
    "SELECT view_name, comment, (SELECT list(comment ORDER BY column_index) FROM duckdb_columns() AS columns"
    " WHERE columns.database_name = views.database_name AND columns.schema_name = 'main'"
    " AND columns.table_name = view_name) FROM duckdb_views() AS views"
    " WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal"
)
"""Name, comment and comments of the columns of every view in `main`."""


@dataclass(frozen=True)
class ViewColumn:
    """One column of a view: its name and type, what it is over the table, and what it means."""

    name: str
    type: Sql
    value: Sql
    comment: str


@dataclass(frozen=True)
class View:
    """A table of `main` in other columns."""

    name: str
    comment: str
    columns: tuple[ViewColumn, ...]
    table: str
    """Table of `main` whose rows it shows."""
    where: Sql | None = None
    """Which of them; None = all."""

    @property
    def told(self) -> tuple[str, list[str]]:
        """What `VIEWS` says of it once it is made: another view under its name tells something else."""
        return self.comment, [column.comment for column in self.columns]

    @property
    def as_table(self) -> Table:
        """What a reader sees."""
        columns = tuple(Column(column.name, column.type, column.comment) for column in self.columns)
        return Table("main", self.name, self.comment, columns)

    def statements(self) -> list[Sql]:
        """What makes it, in place of an older one."""
        path = ident("main", self.name)
        view = sql(
            "CREATE OR REPLACE VIEW {path} AS SELECT {columns} FROM {table} {where}",
            path=path,
            columns=comma(sql("{value} AS {name}", value=c.value, name=ident(c.name)) for c in self.columns),
            table=ident("main", self.table),
            where=Sql("") if self.where is None else sql("WHERE {where}", where=self.where),
        )
        return [
            view,
            sql("COMMENT ON VIEW {path} IS {text}", path=path, text=literal(self.comment)),
            *(
                sql(
                    "COMMENT ON COLUMN {path} IS {text}",
                    path=ident("main", self.name, column.name),
                    text=literal(column.comment),
                )
                for column in self.columns
            ),
        ]


def drop_view(name: str) -> Sql:
    """What removes a view, if it is there."""
    return sql("DROP VIEW IF EXISTS {path}", path=ident("main", name))
