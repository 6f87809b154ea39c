"""Runs data processors over the rows of one file, which stand in a table of the engine."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cdp_assets.config.processors import Processor
from cdp_assets.errors import ConfigError
from cdp_assets.sql.landing import Source, numbered_rows
from cdp_assets.sql.linking import carrying_keys
from cdp_assets.sql.processing import Processed, PythonCall, processing_steps
from cdp_assets.sql.text import Step, chain, ident, sql
from cdp_assets.warehouse import Database

TextFunction = Callable[[list[str | None]], Sequence[str | None]]


@dataclass(frozen=True)
class Processable:
    """Rows as `raw_table` keeps them."""

    table: str
    source: Source
    header: Sequence[str]
    keys: tuple[int, ...] = ()
    """0-based columns that join files: kept beside the fields as they are."""


def process_rows(
    engine: Database, rows: Processable, processors: Sequence[Processor], at: datetime, into: str
) -> Processed:
    """Makes the table `into` of the processed rows: line_no, k<n> of the keys, and the fields.

    Args:
        engine: a scratch database.
        rows: the rows of one file.
        processors: what happens to them, in order.
        at: "now" for processors: the batch's frozen time.
        into: name of the table.

    Raises:
        FileError: a processor names a field that the file does not have.
        ConfigError: the YAML author must act: a Python function is not there, or does not keep its contract.
    """
    first = [numbered_rows(rows.source, rows.table)]
    if rows.keys:
        first.append(carrying_keys(rows.keys, first[0].name))
    fields = {name: ident(f"f{place}") for place, name in enumerate(rows.header)}
    processed = processing_steps(processors, fields, first[-1].name, at)
    steps = [*first, *processed.steps]
    answer_calls(engine, steps, processed.calls)
    engine.run(
        sql(
            "CREATE OR REPLACE TABLE {into} AS\n{rows}",
            into=ident(into),
            rows=chain(steps, sql("SELECT * FROM {last}", last=ident(processed.result))),
        )
    )
    return processed


def answer_calls(engine: Database, steps: Sequence[Step], calls: Sequence[PythonCall]) -> None:
    """Runs what must be answered before the chain can be run.

    Raises:
        ConfigError: the YAML author must act: a Python function is not there, or does not keep its contract.
    """
    for call in calls:
        _answer(engine, steps, call)


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
