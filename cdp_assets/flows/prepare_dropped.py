"""Gets a drop folder's file ready to be typed: its header says what its columns are, its rows whether they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.drop_goals import CUSTOM, event_cell, field_of
from cdp_assets.config.drop_headers import DropHeader, read_drop_header
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import PropertyType
from cdp_assets.errors import FileError
from cdp_assets.files.delimited import Header, encoding_reason, read_header
from cdp_assets.flows.prepare_cells import find_dates
from cdp_assets.sql.date_detection import KnownFormat
from cdp_assets.sql.drop_events import EVENT_PARTS, METRIC_COLUMN, part_column
from cdp_assets.sql.drop_profiles import CARRIED, DropFile, drop_steps, field_column
from cdp_assets.sql.fields import Cells
from cdp_assets.sql.landing import Source, numbered_rows
from cdp_assets.sql.text import Sql, chain, ident, literal, sql
from cdp_assets.warehouse import Database

CSV = ".csv"
_TOO_LONG = "the row is longer than"
"""Of a row over the limit (files/delimited.py)."""


@dataclass(frozen=True)
class Dropped:
    """The rows that count, and how many do not: those stand among the rejects."""

    cells: Cells
    dates: dict[int, KnownFormat]
    rows_skipped: int


def require_csv(config: BatchConfig, name: str) -> None:
    """Refuses what a drop folder does not take.

    Raises:
        FileError: the supplier must act: the file has another extension.
    """
    if config.goal.drop is not None and not name.lower().endswith(CSV):
        message = "File must have a .csv extension"
        raise FileError(message)


def read_dropped(text: Path, config: BatchConfig) -> Header:
    """The header of a file, once it is known to be one of the convention.

    Raises:
        FileError: the supplier must act: nothing of the file can be imported.
    """
    try:
        header = read_header(text, config.goal.format)
    except FileError as error:
        if _TOO_LONG in str(error):
            raise FileError(_exceeds(1)) from error
        raise
    _read(config, header.columns)
    return header


def _exceeds(row: int) -> str:
    return f"Row {row} exceeds 1MB"


def prepare_dropped(
    engine: Database, config: BatchConfig, header: Sequence[str], source: Source, at: datetime
) -> Dropped:
    """Makes the table `cells_ready` of the rows in `raw`, and enters skipped rows and warnings into `rejects`.

    Raises:
        FileError: the supplier must act: the header is none of the convention.
    """
    settings = config.goal.drop
    assert settings is not None, "this goal reads no drop folder"
    found = _read(config, header)
    properties = {name: config.find_property(name) for name in found.declared}
    steps = [numbered_rows(source), *drop_steps(DropFile(found, settings, properties, at))]
    engine.run(sql("CREATE OR REPLACE TABLE cells_ready AS\n{rows}", rows=chain(steps, Sql("SELECT * FROM ready"))))
    for statement in _NOTES:
        engine.run(statement)
    (skipped,) = engine.row(Sql("SELECT count(*) FROM cells_ready WHERE skip IS NOT NULL"))
    columns = {field_of(name): field_column(place) for place, name in enumerate(found.declared)}
    if found.undeclared:
        columns[field_of(CUSTOM)] = ident("custom")
    carried: tuple[str, ...] = CARRIED
    if config.goal.events:
        columns |= {event_cell(part): part_column(part) for part in EVENT_PARTS}
        carried = (*CARRIED, METRIC_COLUMN)
    lists = frozenset(field_of(name) for name, prop in properties.items() if prop.multiple)
    rows = Sql("(SELECT * FROM cells_ready WHERE skip IS NULL)")
    in_order = frozenset({field_of(CUSTOM)})
    cells = Cells(rows, columns, Sql("line_no"), trimmed=True, lists=lists, carried=carried, in_order=in_order)
    return Dropped(cells, find_dates(engine, config, cells), int(skipped))


def _read(config: BatchConfig, header: Sequence[str]) -> DropHeader:
    settings = config.goal.drop
    assert settings is not None, "this goal reads no drop folder"
    named = [prop.name for prop in config.properties if prop.type is not PropertyType.json]
    return read_drop_header(header, settings, named)


def require_whole_rows(engine: Database, config: BatchConfig) -> None:
    """Refuses a drop folder's file with a row that is too long, or is no text; other goals keep such rows as rejects.

    Raises:
        FileError: the supplier must act.
    """
    if config.goal.drop is None:
        return
    found = engine.rows(
        sql(
            "SELECT line_no, reason FROM rejects WHERE level = 'row' AND (starts_with(reason, {undecodable})"
            " OR reason LIKE 'the row is longer than%') ORDER BY line_no LIMIT 1",
            undecodable=literal(encoding_reason(config.goal.format)),
        )
    )
    for line, reason in found:
        message = _exceeds(line) if _TOO_LONG in reason else f"Row {line} is {encoding_reason(config.goal.format)}"
        raise FileError(message)


_NOTES = (
    Sql(
        "INSERT INTO rejects BY NAME SELECT 'row' AS level, line_no, skip.column_name, skip.raw_text, skip.reason"
        " FROM cells_ready WHERE skip IS NOT NULL"
    ),
    Sql(
        "INSERT INTO rejects BY NAME SELECT 'cell' AS level, line_no, note.column_name, note.raw_text, note.reason"
        " FROM (SELECT line_no, unnest(warnings) AS note FROM cells_ready WHERE skip IS NULL)"
    ),
)
