"""What the events of a pass do to the tables of one type.

An event is found by profile, id and date. Rows with one key in one batch are one event: the last value of each field
that is not empty, all items in order. A later batch with that key writes it anew as a whole.

Reads   the batches' files of events, batch_rows, key_targets, applied (identity)
Writes  main.events_<type>, main.events_<type>_<nested>; (temporary)
        event_rows    the rows of events that belong to a profile; ord orders those of the pass
        event_groups  profile_id, event_id, date, position, parts: the events of each batch, and of how many rows
        event_keys    profile_id, event_id, date, first, position, parts: of each event its first and last batch
        event_old     the keys of those that are in the warehouse already
        event_new     the events as they are after the pass, without their items
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cdp_assets.config.events import EventField, EventType
from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.dialect import distinct_in_order
from cdp_assets.sql.event_landing import items_column, value_column
from cdp_assets.sql.event_tables import event_table_name
from cdp_assets.sql.full_files import TOLD_BEFORE
from cdp_assets.sql.identifiers import match_value
from cdp_assets.sql.identity import ROWS_PER_BATCH
from cdp_assets.sql.text import Sql, ident, joined, literal, sql

KEY = Sql("profile_id, event_id, date")
_ENTRY_BITS, _BATCH_BITS = 40, 48
"""Of `ord`: rows of a file, then entries of the goal, then batches of the pass."""


@dataclass(frozen=True)
class EventsFile:
    """One file with events of a pass's batch."""

    number: int
    """Of the batch in its pass."""
    entry: int
    """Of the goal's events."""
    path: str
    positional: bool
    """Whether its rows are those of the batch in their order."""
    store: str | None


@dataclass(frozen=True)
class Columns:
    """The fields of a type that its tables have."""

    kind: EventType
    values: tuple[EventField, ...]
    nested: tuple[tuple[EventField, tuple[str, ...]], ...]
    """Each with those fields of its items that the table has."""

    @property
    def table(self) -> Sql:
        """The type's table."""
        return ident("main", event_table_name(self.kind.id))

    def items(self, nested: EventField) -> Sql:
        """The table of a nested field's items."""
        return ident("main", event_table_name(self.kind.id, nested.key))

    @property
    def lists(self) -> list[Sql]:
        """The columns of `event_rows` with items."""
        return [items_column(field.key) for field, _ in self.nested]


def columns_there(kind: EventType, tables: dict[str, Collection[str]]) -> Columns | None:
    """The fields of a type that still have a column. `tables`: those that exist, with their columns."""
    own = tables.get(event_table_name(kind.id))
    if own is None:
        return None
    nested = [
        (field, tuple(item.key for item in field.fields if item.key in there))
        for field in kind.nested
        for there in [tables.get(event_table_name(kind.id, field.key))]
        if there is not None
    ]
    return Columns(kind, tuple(field for field in kind.values if field.key in own), tuple(nested))


def _read(file: EventsFile) -> Sql:
    row = Sql("file_row_number" if file.positional else "root_row")
    return sql(
        "SELECT {base} + {row} AS ordinal, {place} + file_row_number AS ord, {store}::VARCHAR AS product_store, *"
        " FROM read_parquet({path}, file_row_number = true) WHERE is_event",
        base=literal(file.number * ROWS_PER_BATCH),
        row=row,
        place=literal((file.number << _BATCH_BITS) | (file.entry << _ENTRY_BITS)),
        store=literal(file.store),
        path=literal(file.path),
    )


def make_event_rows(config: BatchConfig, columns: Columns, files: Sequence[EventsFile]) -> Sql:
    """Makes `event_rows`. A row that is no good only counts where it tells which event it is one of."""
    own_id = sql(
        "sha1({match} || chr(31) || {kind} || chr(31) || epoch_ms(event_date) || chr(31) || content)",
        match=match_value(config),
        kind=literal(columns.kind.id),
    )
    fields = [*(value_column(field.key) for field in columns.values), *columns.lists]
    return sql(
        "CREATE OR REPLACE TEMP TABLE event_rows AS\nSELECT profile_id, coalesce(event_id, {own_id}) AS event_id,"
        " event_date AS date, position, row_no, ord, problems IS NOT NULL AS bad, product_store{fields}\nFROM"
        " ({events}) AS event JOIN batch_rows AS given ON given.ordinal = event.ordinal"
        " JOIN key_targets AS target ON target.key = given.key {applied}\nWHERE profile_id IS NOT NULL"
        " AND (problems IS NULL OR (event_id IS NOT NULL AND event_date IS NOT NULL))",
        own_id=own_id,
        fields=joined("", [sql(", {name}", name=name) for name in fields]),
        events=joined("\nUNION ALL BY NAME\n", [_read(file) for file in files]),
        applied=sql(
            ""
            if config.goal.files.delta
            else " JOIN applied ON applied.ordinal = given.ordinal AND counted IS DISTINCT FROM {before}",
            before=literal(TOLD_BEFORE),
        ),
    )


def dropped_events(files: Sequence[EventsFile]) -> Sql:
    """Per batch: position, and its events whose rows found no profile."""
    return sql(
        "SELECT position, count(*) FROM ({events}) AS event JOIN batch_rows AS given ON given.ordinal = event.ordinal"
        " LEFT JOIN key_targets AS target ON target.key = given.key"
        " WHERE target.profile_id IS NULL AND problems IS NULL GROUP BY position",
        events=joined("\nUNION ALL BY NAME\n", [_read(file) for file in files]),
    )


def events_of_keys(files: Sequence[EventsFile]) -> Sql:
    """Per key of `batch_rows`: its rows of events with nothing wrong; NULL = rows that identify nobody."""
    return sql(
        "SELECT key, count(*) FROM ({events}) AS event JOIN batch_rows AS given ON given.ordinal = event.ordinal"
        " WHERE problems IS NULL GROUP BY key",
        events=joined("\nUNION ALL BY NAME\n", [_read(file) for file in files]),
    )


def make_keys(columns: Columns) -> list[Sql]:
    """Makes `event_groups`, `event_keys` and `event_old`. A bad row spoils the whole event."""
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE event_groups AS SELECT {key}, position, count(*) AS parts FROM event_rows"
            " GROUP BY {key}, position HAVING NOT bool_or(bad)",
            key=KEY,
        ),
        sql(
            "CREATE OR REPLACE TEMP TABLE event_keys AS SELECT {key}, min(position) AS first,"
            " max(position) AS position, arg_max(parts, position) AS parts FROM event_groups GROUP BY {key}",
            key=KEY,
        ),
        sql(
            "CREATE OR REPLACE TEMP TABLE event_old AS SELECT {key} FROM {table} SEMI JOIN event_keys USING ({key})",
            key=KEY,
            table=columns.table,
        ),
    ]


def event_fates() -> Sql:
    """Per batch: position, events created, events set. The batch that first has a key creates its event."""
    return sql(
        "SELECT position, count(*) FILTER (creates), count(*) FILTER (NOT creates) FROM"
        " (SELECT groups.position, groups.position = keys.first AND old.profile_id IS NULL AS creates"
        " FROM event_groups AS groups JOIN event_keys AS keys USING ({key})"
        " LEFT JOIN event_old AS old USING ({key})) GROUP BY position",
        key=KEY,
    )


def make_new(columns: Columns, brought: Collection[str] | None) -> Sql:
    """Makes `event_new`: only events of several rows are grouped, which is what costs most.

    `brought`: keys of the fields that the goal's columns can bring; None = any.
    """
    alone = [value_column(field.key) for field in columns.values]
    grouped = [
        sql("{value} AS {name}", value=_together(field, brought), name=value_column(field.key))
        for field in columns.values
    ]
    return sql(
        "CREATE OR REPLACE TEMP TABLE event_new AS\n"
        "SELECT {key}{fields}, product_store, position, row_no FROM event_rows"
        " SEMI JOIN (FROM event_keys WHERE parts = 1) AS keys USING ({key}, position)\nUNION ALL BY NAME\n"
        "SELECT {key}{grouped}, arg_max(product_store, ord) AS product_store, position, arg_max(row_no, ord) AS row_no"
        " FROM event_rows SEMI JOIN (FROM event_keys WHERE parts > 1) AS keys USING ({key}, position)"
        " GROUP BY {key}, position",
        key=KEY,
        fields=joined("", [sql(", {name}", name=name) for name in alone]),
        grouped=joined("", [sql(", {part}", part=part) for part in grouped]),
    )


def _together(field: EventField, brought: Collection[str] | None) -> Sql:
    """The value of a field from several rows: arg_max passes over those without one."""
    name = value_column(field.key)
    if brought is not None and field.key not in brought:
        return sql("any_value({name})", name=name)
    if not field.multiple:
        return sql("arg_max({name}, ord)", name=name)
    every = sql("flatten(list({name} ORDER BY ord) FILTER ({name} IS NOT NULL))", name=name)
    return distinct_in_order(every)


def delete_old(columns: Columns) -> list[Sql]:
    """Takes the events that are written anew out of all their tables."""
    return [
        sql("DELETE FROM {table} WHERE ({key}) IN (SELECT ({key}) FROM event_old)", table=table, key=KEY)
        for table in (columns.table, *(columns.items(field) for field, _ in columns.nested))
    ]


def insert_new(columns: Columns) -> list[Sql]:
    """Writes `event_new` into the tables."""
    own = [sql("{value} AS {name}", value=value_column(f.key), name=ident(f.key)) for f in columns.values]
    events = sql(
        "INSERT INTO {table} BY NAME SELECT {key}{fields}, product_store, position AS set_at_position,"
        " row_no AS set_at_row FROM event_new",
        table=columns.table,
        key=KEY,
        fields=joined("", [sql(", {part}", part=part) for part in own]),
    )
    return [events, *(_insert_items(columns, field, there) for field, there in columns.nested)]


def _insert_items(columns: Columns, nested: EventField, there: Sequence[str]) -> Sql:
    """The items of an event's rows, numbered through."""
    name = items_column(nested.key)
    each = sql(
        "SELECT {key}, ord, unnest({name}) AS item, generate_subscripts({name}, 1) - 1 AS place FROM event_rows"
        " SEMI JOIN (FROM event_keys WHERE parts {{parts}}) AS keys USING ({key}, position) WHERE {name} IS NOT NULL",
        key=KEY,
        name=name,
    )
    return sql(
        "INSERT INTO {table} BY NAME\n"
        'SELECT {key}, place AS "index"{fields} FROM ({alone})\nUNION ALL BY NAME\n'
        'SELECT {key}, row_number() OVER (PARTITION BY {key} ORDER BY ord, place) - 1 AS "index"{fields}'
        " FROM ({together})",
        table=columns.items(nested),
        key=KEY,
        alone=sql(each, parts=Sql("= 1")),
        together=sql(each, parts=Sql("> 1")),
        fields=joined("", [sql(", item.{key} AS {key}", key=ident(key)) for key in there]),
    )


def events_digest(files: Sequence[EventsFile]) -> Sql:
    """Makes `row_events`: ordinal, events_digest. For full files, whose events all have a digest of their own."""
    parts = [
        sql("SELECT ordinal, ord, event_id, event_date, content, problems FROM ({read})", read=_read(file))
        for file in files
    ]
    return sql(
        "CREATE OR REPLACE TEMP TABLE row_events AS\nSELECT ordinal, md5(string_agg(to_json([event_id,"
        " event_date::VARCHAR, content, (problems IS NULL)::VARCHAR])::VARCHAR, chr(30) ORDER BY ord)) AS events_digest"
        " FROM ({parts}) GROUP BY ordinal",
        parts=joined("\nUNION ALL\n", parts),
    )
