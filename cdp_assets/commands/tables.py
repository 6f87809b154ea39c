"""Tables for a person at a terminal: 100 columns wide at most, also in a pipe, but for names that are copied whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import rich.table
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdp_assets.assets.runtime import DATA_DIR_VARIABLE, data_folders
from cdp_assets.files.remote import shown
from cdp_assets.flows.sample_results import Cell, SampleRows

WIDTH = 100
NOTHING = "·"
"""Stands for an empty cell."""
WIDEST_CELL = 24
LEAST = 16
"""Signs that a column of broken texts gets beside names that are not broken."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    width: int | None = None
    """At most so many signs, then the text goes on below; None = as many as it takes."""
    number: bool = False
    whole: bool = False
    """Never broken: names of files, partitions and goals, which people copy. The table is as wide as they need."""


def new_console() -> Console:
    """For a terminal as wide as it is, up to `WIDTH`; for a pipe `WIDTH`."""
    console = Console(highlight=False)
    return Console(highlight=False, width=min(WIDTH, console.width) if console.is_terminal else WIDTH)


def say(console: Console, text: str, *, whole: bool = False) -> None:
    """One line, as it is: nothing in it is taken for a style. `whole`: a pipe gets it in one piece, however long."""
    console.print(Text(text), soft_wrap=whole and not console.is_terminal)


def tell_source(console: Console) -> None:
    """Where the answer comes from, where nobody has said it: in another terminal it may be other people's data."""
    if not os.environ.get(DATA_DIR_VARIABLE):
        say(console, f"(of {data_folders().root}, as {DATA_DIR_VARIABLE} is not set)")


def print_rows(
    console: Console, title: str, rows: SampleRows, extra: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Rows of any width: as many columns side by side as fit, then the next ones below."""
    named = dict(extra or {})
    for place, name in enumerate(rows.columns):
        named[name] = [short(row[place]) for row in rows.rows]
    columns = [(short(name), texts) for name, texts in named.items()]
    for part, chunk in enumerate(_side_by_side(columns)):
        body = [[line, *(texts[place] for _, texts in chunk)] for place, line in enumerate(rows.lines)]
        print_table(
            console, title if not part else "… further columns", [Column("line", number=True), *_titles(chunk)], body
        )


def _titles(chunk: Sequence[tuple[str, Sequence[str]]]) -> list[Column]:
    return [Column(name, max(_width(name, texts), 4)) for name, texts in chunk]


def _side_by_side(columns: Sequence[tuple[str, Sequence[str]]]) -> Iterator[list[tuple[str, Sequence[str]]]]:
    chunk: list[tuple[str, Sequence[str]]] = []
    room = WIDTH - 8
    for name, texts in columns:
        width = _width(name, texts) + 2
        if chunk and width > room:
            yield chunk
            chunk, room = [], WIDTH - 8
        chunk.append((name, texts))
        room -= width
    if chunk:
        yield chunk


def _width(name: str, texts: Sequence[str]) -> int:
    return max([len(name), *map(len, texts)])


def short(cell: Cell) -> str:
    """A cell on one line, of at most `WIDEST_CELL` signs."""
    if cell is None:
        return NOTHING
    text = shown(" | ".join(cell) if isinstance(cell, list) else cell)
    return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 1] + "…"


def print_table(
    console: Console, title: str, columns: Sequence[Column], rows: Sequence[Sequence[object]], total: int = 0
) -> None:
    """A table, if it has rows. Texts stand in it as they are: nothing in them is taken for a style."""
    if not rows:
        return
    table = Table(
        title=Text(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    for column in columns:
        if column.number:
            table.add_column(Text(column.title), justify="right", no_wrap=True)
        elif column.whole:
            table.add_column(Text(column.title), no_wrap=True)
        else:
            table.add_column(Text(column.title), overflow="fold", max_width=column.width)
    for row in rows:
        table.add_row(*(Text("" if cell is None else shown(str(cell))) for cell in row))
    if any(column.whole for column in columns):
        put(console, table)
    else:
        console.print(table)
    if total > len(rows):
        say(console, f"… and {total - len(rows)} more")
    console.print()


def put(console: Console, table: Table) -> None:
    """Prints a table, wider than the console where its names and numbers ask for it: nothing of it is cut."""
    gap = table.padding[1] + 1
    least = sum(_least(console, column) + gap for column in table.columns)
    if least > console.width:
        table.width = least
    console.print(table, crop=False)


def _least(console: Console, column: rich.table.Column) -> int:
    """What a column must have: of one that may be broken not more than `LEAST`."""
    endless = console.options.update(width=sys.maxsize)
    widths = [console.measure(cell, options=endless).maximum for cell in (column.header, *column.cells)]
    widest = max(widths)
    return widest if column.no_wrap else min(widest, column.max_width or LEAST, LEAST)
