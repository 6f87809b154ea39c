"""What a sample would make of timeline events: a landing and a fold of them, in the sample's own engine.

Rows that identify alike are taken for one profile each; whether it is known, the published copy tells afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.events import EventType
from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.apply_dropped import keep_first_events
from cdp_assets.flows.apply_events import apply_events, brought_fields, event_files
from cdp_assets.flows.sample_results import Cell, EventsPreview, SampleReject, SampleRows, TypeEvents
from cdp_assets.flows.write_events import EventSource, write_events
from cdp_assets.sql.drop_folding import REPEATED_ROWS
from cdp_assets.sql.event_tables import event_table_name, event_tables
from cdp_assets.sql.events import KEY, events_of_keys
from cdp_assets.sql.identifiers import shown_identifiers, with_identifiers
from cdp_assets.sql.schema import create_table
from cdp_assets.sql.tables import PRODUCTS
from cdp_assets.sql.text import Sql, comma, ident, literal, sql
from cdp_assets.warehouse import Database

MOST_REJECTS = 10
ITEMS = ": items"
"""Behind the key of a nested field: how many items it has."""


def preview_events(engine: Database, source: EventSource, most_rows: int) -> EventsPreview:
    """Makes the events of the rows in the table `batch`; the table `rejects` gets what is wrong with them.

    Raises:
        FileError: the supplier must act: names of columns cannot be told apart.
    """
    config, folders = source.config, [source.content]
    engine.run(
        sql(
            "COPY (SELECT * FROM batch ORDER BY rowid) TO {target} (FORMAT parquet)",
            target=literal(str(source.content / "batch.parquet")),
        )
    )
    counts, _ = write_events(engine, source)
    for table in (*event_tables(config.event_types), PRODUCTS):
        for statement in create_table(table):
            engine.run(statement)
    for statement in _people(config, source.batch):
        engine.run(statement)
    repeated = 0
    if config.goal.drop is not None:
        keep_first_events(engine, config, folders, None)
        (repeated,) = engine.row(REPEATED_ROWS)
    else:
        apply_events(engine, config, folders)
    return EventsPreview(
        counts["events_received"],
        counts["events_rejected"],
        int(repeated),
        dict(engine.rows(events_of_keys(event_files(config, folders)))),
        tuple(_of_type(engine, config, kind, most_rows) for kind in config.event_types),
        _rejects(engine),
    )


def _people(config: BatchConfig, batch: Sql) -> list[Sql]:
    """Makes `batch_rows`, `key_targets` and `applied`, as a fold has them once rows have found their profiles."""
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE batch_rows AS SELECT file_row_number AS ordinal, 0 AS position,"
            " file_row_number + 1 AS row_no, {key} AS key, * FROM ({rows})",
            key=shown_identifiers(config),
            rows=with_identifiers(config, batch),
        ),
        Sql(
            "CREATE OR REPLACE TEMP TABLE key_targets AS SELECT DISTINCT key, md5(key)::UUID AS profile_id"
            " FROM batch_rows WHERE key IS NOT NULL"
        ),
        Sql("CREATE OR REPLACE TEMP TABLE applied AS SELECT ordinal, NULL AS counted FROM batch_rows"),
    ]


def _of_type(engine: Database, config: BatchConfig, kind: EventType, most_rows: int) -> TypeEvents:
    events = sql(
        "(SELECT event.*, rows.line_no, rows.key AS person FROM {table} AS event JOIN batch_rows AS rows"
        " ON rows.row_no = event.set_at_row)",
        table=ident("main", event_table_name(kind.id)),
    )
    made = engine.rows(sql("SELECT person, count(*) FROM {events} GROUP BY person", events=events))
    named = {
        "event_id": Sql("event_id"),
        "date": Sql("date::VARCHAR"),
        **{
            field.key: sql("{value}::{kind}", value=ident(field.key), kind=_shown_type(several=field.multiple))
            for field in kind.values
        },
        **{
            f"{nested.key}{ITEMS}": sql(
                "(SELECT count(*) FROM {items} AS item WHERE ({key}) = (e.profile_id, e.event_id, e.date))::VARCHAR",
                items=ident("main", event_table_name(kind.id, nested.key)),
                key=KEY,
            )
            for nested in kind.nested
        },
    }
    found = engine.rows(
        sql(
            "SELECT line_no, person,\n    {columns}\nFROM {events} AS e"
            " ORDER BY set_at_row, date, event_id LIMIT {most}",
            columns=comma(named.values()),
            events=events,
            most=literal(most_rows),
        )
    )
    rows = [tuple(row[2:]) for row in found]
    places = _worth_showing(list(named), rows, brought_fields(config, kind.id) or frozenset())
    return TypeEvents(
        kind.id,
        SampleRows(
            tuple(list(named)[place] for place in places),
            tuple(int(row[0]) for row in found),
            tuple(tuple(row[place] for place in places) for row in rows),
        ),
        tuple(str(row[1]) for row in found),
        {str(person): int(count) for person, count in made},
    )


def _shown_type(*, several: bool) -> Sql:
    return Sql("VARCHAR[]" if several else "VARCHAR")


def _worth_showing(names: Sequence[str], rows: Sequence[tuple[Cell, ...]], brought: frozenset[str]) -> list[int]:
    """Places of the columns that the goal brings, or that have a value in these rows."""
    return [place for place, name in enumerate(names) if name in brought or any(row[place] for row in rows)]


def _rejects(engine: Database) -> tuple[SampleReject, ...]:
    found = engine.rows(
        sql(
            "SELECT level, line_no, coalesce(column_name, ''), coalesce(raw_text, ''), reason, coalesce(file_name, '')"
            " FROM rejects WHERE level = 'event' ORDER BY file_name NULLS FIRST, line_no, column_name LIMIT {most}",
            most=literal(MOST_REJECTS),
        )
    )
    return tuple(SampleReject(*row) for row in found)
