"""Gets the cells of a file ready to be typed: processed, linked, and with the format of each date column found out.

Needed only where something must be known about all rows before the first is written; then the rows are kept
in the engine once, and spill where they do not fit into memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.date_doubts import FIRST_ROWS, date_doubts
from cdp_assets.flows.join_linked import LinkedSet, join_linked
from cdp_assets.flows.process_rows import Processable, process_rows
from cdp_assets.sql.date_detection import KnownFormat, choose_format, date_counts, detection_query
from cdp_assets.sql.fields import Cells
from cdp_assets.sql.landing import Source, date_columns, detected_dates, first_rows, raw_table
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database


@dataclass(frozen=True)
class Prepared:
    """Cells that stand in a table, and what is known of them."""

    cells: Cells
    root: Cells
    """Those of the root file alone."""
    rows_read: int
    """Rows of the file, before processors dropped any."""
    dates: dict[int, KnownFormat]
    """Number of a mapping → the format of its column."""
    orphan_rows: dict[str, int] = field(default_factory=dict)
    """Alias of a linked file → rows that belong to no row of their parent's file."""


def prepare_cells(
    engine: Database, config: BatchConfig, header: Sequence[str], source: Source, at: datetime, linked: LinkedSet
) -> Prepared:
    """Reads all rows, runs the goal's processors over them, joins linked files and looks at the dates.

    Args:
        engine: a scratch database.
        config: what the goal was configured as.
        header: the file's columns.
        source: the file.
        at: "now" for processors: the batch's frozen time.
        linked: the linked files, loaded into the same engine.

    Raises:
        FileError: a processor names a field that the file does not have.
        ConfigError: the YAML author must act: a Python function is not there, or does not keep its contract.
    """
    engine.run(raw_table(source, header, config.goal.format))
    (rows_read,) = engine.row(Sql("SELECT count(*) FROM raw"))
    root = Processable("raw", source, header, linked.root_keys)
    processed = process_rows(engine, root, config.goal.processors, at, "cells_ready")
    cells = own = Cells(Sql("cells_ready"), processed.columns, Sql("line_no"), trimmed=True)
    orphan_rows: dict[str, int] = {}
    if linked.files:
        joined = join_linked(engine, config, cells, linked)
        cells, orphan_rows = joined.cells, joined.orphan_rows
    return Prepared(cells, own, int(rows_read), find_dates(engine, config, cells), orphan_rows)


def find_dates(engine: Database, config: BatchConfig, cells: Cells) -> dict[int, KnownFormat]:
    """Number of a mapping → the format its column of dates is written in, where that is to be found out."""
    numbers = detected_dates(config, cells.columns)
    if not numbers:
        return {}
    counts = engine.row(detection_query(date_columns(config, cells, numbers), cells.relation))
    return {number: choose_format(date_counts(found)) for number, found in zip(numbers, counts, strict=True)}


def doubtful_dates(
    engine: Database, config: BatchConfig, cells: Cells, dates: dict[int, KnownFormat]
) -> tuple[str, ...]:
    """What to warn of in columns that are read month first, and may all be day first."""
    numbers = [number for number, found in dates.items() if found is KnownFormat.month_first]
    if not numbers:
        return ()
    names = [config.goal.mappings[number].column for number in numbers]
    columns = dict(zip(names, date_columns(config, cells, numbers), strict=True))
    return tuple(date_doubts(engine, columns, first_rows(cells, FIRST_ROWS).relation, cells.relation))
