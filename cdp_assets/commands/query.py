"""`python -m cdp_assets query`: SQL on the readers' copy of the warehouse, as a table or a CSV file."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from rich.console import Console

from cdp_assets.assets.runtime import data_folders
from cdp_assets.commands.tables import NOTHING, WIDTH, Column, new_console, print_table, say, tell_source
from cdp_assets.counted import counted
from cdp_assets.errors import ConfigError, WarehouseError
from cdp_assets.sql.text import Sql, ident, joined, literal, sql
from cdp_assets.warehouse import Answer, Database, read_copy

HELP = "ask the readers' copy of the warehouse in SQL; without a query list its tables"
_NAMES = Sql(
    "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()"
)
_ONE = "SELECT {place} AS place, {name} AS name, (SELECT count(*) FROM {table}) AS held"
_TABLES = """WITH counts AS ({counts}),
 listed AS (SELECT schema_name AS place, table_name AS name, held, comment AS told
 FROM duckdb_tables() JOIN counts ON schema_name = place AND table_name = name
 WHERE NOT internal AND database_name = current_database()
 UNION ALL SELECT schema_name, view_name, NULL, coalesce(comment, 'a view')
 FROM duckdb_views() WHERE NOT internal AND database_name = current_database())
 SELECT place || '.' || name AS "table", held AS "rows", regexp_replace(told, ' \\([0-9a-f]{{8}}\\)$', '')
 AS "what it holds" FROM listed ORDER BY held IS NOT DISTINCT FROM 0, place <> 'main', place, name"""
"""What an analyst asks first stands first: what holds rows in `main`, then in other schemas; last what is empty.

Views of `ops` carry a digest by which an upgrade knows them.
"""
_FILLED = 'SELECT * FROM ({tables}) WHERE "rows" IS DISTINCT FROM 0'
_EMPTY = 'SELECT "table" FROM ({tables}) WHERE "rows" = 0'
_GAP = 2
"""Blanks between two columns."""
_WIDEST = 50
"""Signs of a cell on one line of a table; what is longer goes on below."""
_NARROWEST = 16
"""Signs that a column keeps where many stand side by side; with less each row is told apart."""


def configure(parser: argparse.ArgumentParser) -> None:
    """What is asked, and where the answer goes."""
    parser.add_argument("sql", nargs="?", help="one SELECT, in quotes; - reads it from the input")
    parser.add_argument("-o", "--output", metavar="FILE", help="write all rows as CSV; - writes them to the output")
    parser.add_argument("--limit", metavar="N", type=int, default=100, help="rows to show (100)")


def run(options: argparse.Namespace) -> int:
    """Answer from the published copy, which nothing can change; also while a fold runs."""
    copy = data_folders().published
    if not copy.exists():
        raise ConfigError(f"there is no copy for readers in {copy.parent} yet: `python -m cdp_assets run` makes one")
    text = sys.stdin.read() if options.sql == "-" else options.sql
    with read_copy(copy) as database:
        database.shut_out_files()
        listing = text is None and not options.output
        query = _tables(database) if text is None else Sql(text)
        answer = _answer(database, sql(_FILLED, tables=query) if listing else query)
        if options.output == "-":
            _write(sys.stdout, answer)
        elif options.output:
            with Path(options.output).open("w", encoding="utf-8", newline="") as file:
                print(f"{counted(_write(file, answer), 'row')} written to {options.output}")
        else:
            _show(answer, options.limit)
            if listing:
                _tell_empty(database, query)
            made = datetime.fromtimestamp(copy.stat().st_mtime, tz=UTC)
            say(new_console(), f"the copy is of {made:%Y-%m-%d %H:%M:%S} UTC")
            tell_source(new_console())
    return 0


def _tables(database: Database) -> Sql:
    """All tables and views, each table with its rows, counted: the engine's own guess holds rows that are gone."""
    counts = (
        sql(_ONE, place=literal(place), name=literal(name), table=ident(place, name))
        for place, name in database.rows(_NAMES)
    )
    return sql(_TABLES, counts=joined(" UNION ALL ", counts))


def _tell_empty(database: Database, tables: Sql) -> None:
    """What stands for the rows of a view, and the tables that hold nothing yet, by name alone."""
    say(new_console(), f"{NOTHING} = a view: its rows are worked out when it is asked")
    names = [name for (name,) in database.rows(sql(_EMPTY, tables=tables))]
    if names:
        say(new_console(), f"{counted(len(names), 'table')} without rows: {', '.join(names)}")


def _answer(database: Database, query: Sql) -> Answer:
    try:
        return database.answer(query)
    except WarehouseError as error:
        raise ConfigError(str(error).split("\nin the statement:")[0]) from error


def _show(answer: Answer, limit: int) -> None:
    """A table where it is narrow enough, else each row as a table of its own."""
    console, rows = new_console(), answer.rows(limit + 1)
    shown, more = rows[:limit], len(rows) > limit
    days = [_are_days(row[place] for row in shown) for place in range(len(answer.columns))]
    texts = [[_day(cell) if day else _text(cell) for cell, day in zip(row, days, strict=True)] for row in shown]
    widths = [min(max(map(len, column)), _WIDEST) for column in zip(answer.columns, *texts, strict=True)]
    while _as_table(widths) > WIDTH and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    if _as_table(widths) <= WIDTH or len(widths) == 1:
        numbers = [all(isinstance(row[place], int | float | Decimal) for row in shown) for place in range(len(widths))]
        columns = [Column(*column) for column in zip(answer.columns, widths, numbers, strict=True)]
        print_table(console, "", columns, texts)
    else:
        _show_apart(console, answer.columns, texts)
    say(console, f"the first {counted(limit, 'row')}; --limit shows more" if more else counted(len(shown), "row"))


def _as_table(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * len(widths)


def _show_apart(console: Console, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for number, row in enumerate(rows, start=1):
        print_table(console, f"row {number}", [Column("column"), Column("value")], list(zip(names, row, strict=True)))


def _write(file: TextIO, answer: Answer) -> int:
    """All rows as CSV; how many there were."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(answer.columns)
    count = 0
    while rows := answer.rows(10_000):
        writer.writerows([["" if cell is None else _text(cell) for cell in row] for row in rows])
        count += len(rows)
    return count


def _are_days(cells: Iterable[object]) -> bool:
    """Whether all moments of a column are midnights in UTC, as those of whole days are."""
    moments = [cell for cell in cells if cell is not None]
    return bool(moments) and all(
        isinstance(cell, datetime) and cell.utcoffset() == timedelta(0) and cell.time() == time.min for cell in moments
    )


def _day(cell: object) -> str:
    return f"{cell:%Y-%m-%d}" if isinstance(cell, datetime) else NOTHING


def _text(cell: object) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return str(cell).lower()
    return json.dumps(cell, ensure_ascii=False, default=str) if isinstance(cell, list | dict | tuple) else str(cell)
