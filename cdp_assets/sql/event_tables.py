"""The tables of timeline events: one for each type, and one for each of its nested fields."""

from __future__ import annotations

from collections.abc import Iterable

from cdp_assets.config.events import STANDARD_TYPES, EventField, EventType, ItemField
from cdp_assets.config.properties import UNDESCRIBED
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

_STANDARD_TOLD = {
    "order_id": "Number of the order, as the shop has it.",
    "order_date": "When it was ordered.",
    "last_modified": "When the basket changed last.",
    "affiliation": "Shop or branch where it was.",
    "total_revenue": "The total: what the whole order costs, with shipping, tax and discounts.",
    "total_value": "What everything in the basket costs.",
    "quantity": "How many pieces.",
    "revenue": "What the products cost, without shipping and tax.",
    "shipping": "What the delivery costs.",
    "tax": "Tax on it.",
    "discount": "What was taken off.",
    "coupon": "Coupons that were used.",
    "promotion": "Promotions it belongs to.",
    "currency": "Currency of the amounts.",
    "bcStoreId": "Id of the store, as the sender has it.",
    "recovery_url": "Page where the basket can be opened again.",
    "id": "Id of the product.",
    "sku": "Stock number of the product.",
    "upc": "Bar code of the product.",
    "category": "Category of the product.",
    "name": "Name of the product.",
    "variant": "Variant of the product, such as its size.",
    "brand": "Brand of the product.",
    "listprice": "Price of one before discounts.",
    "netprice": "Price of one that was paid.",
    "deliverydate": "When it is delivered.",
    "value": "A figure that belongs to it.",
}
"""Field of a standard type, or of its products → what to tell of it where the YAML says nothing."""


def event_table_name(type_id: str, nested: str = "") -> str:
    """Name of the table of a type, or of one of its nested fields."""
    return f"{PREFIX}{type_id}_{nested}" if nested else f"{PREFIX}{type_id}"


def event_table(kind: EventType) -> Table:
    """The events of a type: our key, its fields in their order, and where it comes from."""
    comment = kind.description or f"Timeline events of type {kind.name or kind.id}."
    own = tuple(_column(field, kind) for field in kind.values)
    return Table("main", event_table_name(kind.id), comment, (*_KEY, *own, *_MADE))


def item_table(kind: EventType, nested: EventField) -> Table:
    """The items of one nested field of a type's events."""
    comment = nested.description or f"Field {nested.key} of the events in {event_table_name(kind.id)}, item by item."
    own = tuple(_column(field, kind) for field in nested.fields)
    return Table("main", event_table_name(kind.id, nested.key), comment, (*_KEY, *_INDEX, *own))


def event_tables(kinds: Iterable[EventType]) -> tuple[Table, ...]:
    """All tables of these types, each type's own before those of its items."""
    return tuple(
        table for kind in kinds for table in (event_table(kind), *(item_table(kind, nested) for nested in kind.nested))
    )


def _column(field: ItemField, kind: EventType) -> Column:
    known = _STANDARD_TOLD.get(field.key) if kind.id in STANDARD_TYPES else None
    told = field.description or field.name or known or UNDESCRIBED
    return Column(field.key, column_type(field.prop), told)


EVENT_TABLES = sql(
    "SELECT table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns"
    " WHERE table_catalog = current_database() AND table_schema = 'main' AND starts_with(table_name, {prefix})"
    " GROUP BY table_name ORDER BY table_name",
    prefix=literal(PREFIX),
)
"""Every table of events there is, with its columns; one of items has the column `index`."""
