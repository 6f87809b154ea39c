"""Loads the linked files of a set and gives each root row the cells of the rows that belong to it (spec.md 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cdp_assets.config.linked import LinkedFile
from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import FileError
from cdp_assets.files.delimited import Header, read_header
from cdp_assets.files.remote import shown
from cdp_assets.flows.process_rows import Processable, process_rows
from cdp_assets.flows.read_rows import Rows, keep_refused, load_raw
from cdp_assets.sql.fields import Cells
from cdp_assets.sql.linking import (
    Link,
    linked_cells,
    list_column,
    lists_of_roots,
    orphans,
    rows_of_roots,
)
from cdp_assets.sql.processing import Processed
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database


@dataclass(frozen=True)
class LinkedText:
    """A linked file, ready to be read."""

    link: LinkedFile
    name: str
    """Its name on the server."""
    text: Path
    """Its text, in UTF-8."""


@dataclass(frozen=True)
class LinkedSet:
    """All linked files of a set, loaded; empty where the goal links none."""

    files: tuple[_Loaded, ...] = ()
    root_keys: tuple[int, ...] = ()
    """0-based columns of the root file that linked files join."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell of their rows although they are read, each with the name of its file."""
        return tuple(
            f"{shown(item.given.name)}: {warning}" for item in self.files for warning in item.rows.warnings(item.header)
        )


@dataclass(frozen=True)
class _Loaded:
    given: LinkedText
    header: Header
    rows: Rows
    link: Link
    processed: Processed


@dataclass(frozen=True)
class Joined:
    """The root's cells with the lists beside them."""

    cells: Cells
    orphan_rows: dict[str, int] = field(default_factory=dict)
    """Alias → rows that belong to no row of their parent's file."""


def load_linked(
    engine: Database, config: BatchConfig, root: Header, given: Sequence[LinkedText], staging: Path, at: datetime
) -> LinkedSet:
    """Reads every linked file into the engine and runs its own processors; unreadable rows go to `rejects`.

    Raises:
        FileError: the supplier must act: a header is unusable or lacks a column that joins; names the file.
    """
    headers = {item.link.name: _header(item, config) for item in given}
    links = [_link(item, headers, root) for item in given]
    loaded = []
    for item, link in zip(given, links, strict=True):
        alias, header = item.link.name, headers[item.link.name]
        rows = load_raw(engine, item.text, header, config.goal.format, staging, f"raw_{alias}")
        keep_refused(engine, rows, config.goal.format, level="linked row", file_name=shown(item.name))
        keys = [link.place, *(other.parent_place for other in links if other.parent == alias)]
        source = Processable(f"raw_{alias}", rows.source, header.columns, tuple(keys))
        processed = _process(engine, item, source, at)
        loaded.append(_Loaded(item, header, rows, link, processed))
    return LinkedSet(tuple(loaded), tuple(link.parent_place for link in links if link.parent is None))


def join_linked(engine: Database, config: BatchConfig, root: Cells, linked: LinkedSet) -> Joined:
    """Joins the loaded files to the root's cells, which stand in `cells_ready` beside the table `raw`.

    Raises:
        FileError: the root file has a column of the very name that a linked column goes by.
    """
    wanted: dict[str, list[Sql]] = {}
    columns, lists = dict(root.columns), set()
    for item in linked.files:
        alias = item.given.link.name
        cells = wanted.setdefault(alias, [])
        for name in dict.fromkeys(mapping.column for mapping in config.goal.mappings):
            prefix, _, column = name.partition(".")
            if prefix != alias or column not in item.processed.columns:
                continue
            if name in root.columns:
                message = f'column "{name}" stands in the root file and in linked file {shown(item.given.name)}'
                raise FileError(f"{message}; give the linked file another name in the goal")
            columns[name] = list_column(alias, len(cells))
            lists.add(name)
            cells.append(item.processed.columns[column])
        engine.run(rows_of_roots(item.link))
        engine.run(lists_of_roots(alias, cells))
    engine.run(linked_cells({alias: len(cells) for alias, cells in wanted.items()}))
    lost = {item.given.link.name: int(engine.row(orphans(item.link))[0]) for item in linked.files}
    cells_with = Cells(Sql("cells_linked"), columns, root.line, trimmed=True, lists=frozenset(lists))
    return Joined(cells_with, lost)


def linked_facts(linked: LinkedSet, orphan_rows: dict[str, int]) -> dict[str, dict[str, int]]:
    """What the manifest says of each linked file's rows, by alias."""
    return {
        item.given.link.name: {
            "rows": item.rows.expected,
            "rows_rejected": item.rows.unreadable,
            "orphan_rows": orphan_rows[item.given.link.name],
        }
        for item in linked.files
    }


def linked_columns(linked: LinkedSet) -> list[str]:
    """Every column of the linked files, and what their processors added, as mappings name them."""
    return [f"{item.given.link.name}.{column}" for item in linked.files for column in item.processed.columns]


def _header(item: LinkedText, config: BatchConfig) -> Header:
    try:
        return read_header(item.text, config.goal.format)
    except FileError as error:
        message = f"linked file {shown(item.name)}: {error}"
        raise FileError(message) from error


def _link(item: LinkedText, headers: dict[str, Header], root: Header) -> Link:
    link = item.link
    parent = root if link.parent is None else headers[link.parent]
    where = "the root file" if link.parent is None else f"linked file {link.parent!r}"
    if link.parent_column not in parent.columns:
        message = f'Column "{link.parent_column}" not found in {where}, to which {link.name!r} is linked'
        raise FileError(f"{message}; it has: {', '.join(parent.columns[:50])}")
    own = headers[link.name].columns
    if link.column not in own:
        message = f'Column "{link.column}" not found in linked file {shown(item.name)}'
        raise FileError(f"{message}; it has: {', '.join(own[:50])}")
    return Link(link.name, link.parent, parent.columns.index(link.parent_column), own.index(link.column))


def _process(engine: Database, item: LinkedText, source: Processable, at: datetime) -> Processed:
    try:
        return process_rows(engine, source, item.link.processors, at, f"ready_{item.link.name}")
    except FileError as error:
        message = f"linked file {shown(item.name)}: {error}"
        raise FileError(message) from error
