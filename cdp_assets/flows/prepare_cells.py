"""Gets the cells of a file ready to be typed: processed, and with the format of each column of dates found out.

Needed only where something must be known about all rows before the first is written; then the rows are kept
in the engine once, and spill where they do not fit into memory.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.model import BatchConfig
from cdp_assets.errors import ConfigError
from cdp_assets.sql.date_detection import KnownFormat, choose_format, date_counts, detection_query
from cdp_assets.sql.landing import Cells, Source, date_columns, detected_dates, numbered_rows, raw_table
from cdp_assets.sql.processing import Processed, PythonCall, processing_steps
from cdp_assets.sql.text import Sql, Step, chain, ident, sql
from cdp_assets.warehouse import Database

TextFunction = Callable[[list[str | None]], Sequence[str | None]]


@dataclass(frozen=True)
class Prepared:
    """Cells that stand in a table, and what is known of them."""

    cells: Cells
    rows_read: int
    """Rows of the file, before processors dropped any."""
    dates: dict[int, KnownFormat]
    """Number of a mapping → the format of its column."""


def prepare_cells(
    engine: Database, config: BatchConfig, header: Sequence[str], source: Source, at: datetime
) -> Prepared:
    """Reads all rows, runs the goal's processors over them and looks at the dates.

    Args:
        engine: a scratch database.
        config: what the goal was configured as.
        header: the file's columns.
        source: the file.
        at: "now" for processors: the batch's frozen time.

    Raises:
        FileError: a processor names a field that the file does not have.
        ConfigError: the YAML author must act: a Python function is not there, or does not keep its contract.
    """
    engine.run(raw_table(source, header, config.goal.format))
    (rows_read,) = engine.row(Sql("SELECT count(*) FROM raw"))
    first = numbered_rows(source)
    fields = {name: ident(f"f{place}") for place, name in enumerate(header)}
    processed = processing_steps(config.goal.processors, fields, first.name, at)
    for call in processed.calls:
        _answer(engine, [first, *processed.steps], call)
    engine.run(
        sql(
            "CREATE OR REPLACE TABLE cells_ready AS\n{rows}",
            rows=chain([first, *processed.steps], sql("SELECT * FROM {last}", last=ident(processed.result))),
        )
    )
    cells = _ready(processed)
    return Prepared(cells, int(rows_read), _find_dates(engine, config, cells))


def _ready(processed: Processed) -> Cells:
    return Cells(Sql("cells_ready"), processed.columns, Sql("line_no"), trimmed=True)


def _find_dates(engine: Database, config: BatchConfig, cells: Cells) -> dict[int, KnownFormat]:
    numbers = detected_dates(config, cells.columns)
    if not numbers:
        return {}
    counts = engine.row(detection_query(date_columns(config, cells, numbers), cells.relation))
    return {number: choose_format(date_counts(found)) for number, found in zip(numbers, counts, strict=True)}


def _answer(engine: Database, steps: Sequence[Step], call: PythonCall) -> None:
    """Runs a Python function over the distinct texts it is asked for, and keeps its answers for the chain."""
    names = [step.name for step in steps]
    before = steps[: names.index(call.after) + 1]
    given = [text for (text,) in engine.rows(chain(before, call.values))]
    function = _load(call.callable)
    answers = list(function(list(given)))
    if len(answers) != len(given) or not all(answer is None or isinstance(answer, str) for answer in answers):
        message = (
            f"{call.callable} must return one text or None for each of the {len(given)} texts it was given,"
            f" in their order; it returned {len(answers)} values"
        )
        raise ConfigError(message)
    table = ident(call.answers)
    engine.run(sql("CREATE OR REPLACE TABLE {table} (value_in VARCHAR, value_out VARCHAR)", table=table))
    engine.insert(table, ["value_in", "value_out"], list(zip(given, answers, strict=True)))


def _load(name: str) -> TextFunction:
    module, _, function = name.partition(":")
    try:
        found: TextFunction = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        message = f"processor python: {name} cannot be imported: {error}"
        raise ConfigError(message) from error
    return found
