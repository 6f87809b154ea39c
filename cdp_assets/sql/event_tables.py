"""The tables of timeline events: one for each type, and one for each of its nested fields."""

from __future__ import annotations

from collections.abc import Iterable

from cdp_assets.config.events import EventField, EventType, ItemField
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.schema import BIGINT, TEXT, TIME, UUID, Column, Table, columns_of
from cdp_assets.sql.text import literal, sql

PREFIX = "events_"
_KEY = columns_of(
    ("profile_id", UUID, "Profile the event belongs to."),
    ("event_id", TEXT, "As the file says, or made of what the event holds."),
    ("date", TIME, "When it happened. With profile and id, the key of the event."),
)
_MADE = columns_of(
    ("product_store", TEXT, "Store into which its products go; NULL = none."),
    ("set_at_position", BIGINT, "For our own use: which file wrote the event last, as its place in the order of all."),
    ("set_at_row", BIGINT, "For our own use: which of that file's rows, from 1."),
)
_INDEX = columns_of(("index", BIGINT, "Place of the item in its event, from 0."))


def event_table_name(type_id: str, nested: str = "") -> str:
    """Name of the table of a type, or of one of its nested fields."""
    return f"{PREFIX}{type_id}_{nested}" if nested else f"{PREFIX}{type_id}"


def event_table(kind: EventType) -> Table:
    """The events of a type: our key, its fields in their order, and where it comes from."""
    comment = kind.description or f"Timeline events of type {kind.name or kind.id}."
    own = tuple(_column(field) for field in kind.values)
    return Table("main", event_table_name(kind.id), comment, (*_KEY, *own, *_MADE))


def item_table(kind: EventType, nested: EventField) -> Table:
    """The items of one nested field of a type's events."""
    comment = nested.description or f"Field {nested.key} of the events in {event_table_name(kind.id)}, item by item."
    own = tuple(_column(field) for field in nested.fields)
    return Table("main", event_table_name(kind.id, nested.key), comment, (*_KEY, *_INDEX, *own))


def event_tables(kinds: Iterable[EventType]) -> tuple[Table, ...]:
    """All tables of these types, each type's own before those of its items."""
    return tuple(
        table for kind in kinds for table in (event_table(kind), *(item_table(kind, nested) for nested in kind.nested))
    )


def _column(field: ItemField) -> Column:
    told = field.description or field.name or f"Field {field.key}"
    return Column(field.key, column_type(field.prop), told)


EVENT_TABLES = sql(
    "SELECT table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns"
    " WHERE table_catalog = current_database() AND table_schema = 'main' AND starts_with(table_name, {prefix})"
    " GROUP BY table_name ORDER BY table_name",
    prefix=literal(PREFIX),
)
"""Every table of events there is, with its columns; one of items has the column `index`."""
