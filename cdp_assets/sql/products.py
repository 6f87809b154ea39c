"""Product stores: what the current events tell about each product (spec.md 8.4), worked out anew for those touched.

Reads   main.events_<type> with a product store, and the items of their nested field `product`
Writes  main.products; (temporary) products_touched: store, product_id
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cdp_assets.config.events import EventField
from cdp_assets.sql.event_landing import items_column
from cdp_assets.sql.events import KEY, Columns
from cdp_assets.sql.tables import PRODUCTS
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql

NESTED, PRODUCT_ID = "product", "id"
TEXTS = ("name", "category", "brand", "url", "image")
"""Fields of an item that a store keeps as they are."""
PRICES = ("netprice", "listprice")
"""The first that an item has is its price."""
QUANTITY = "quantity"
NONE_TOUCHED = Sql("CREATE OR REPLACE TEMP TABLE products_touched (store VARCHAR, product_id VARCHAR)")


@dataclass(frozen=True)
class Source:
    """A type whose events can have products."""

    table: str
    items: str
    fields: frozenset[str]
    """Columns of the table of items."""


def sources(tables: Mapping[str, Collection[str]]) -> list[Source]:
    """The types whose events can have products. `tables`: those of events, with their columns."""
    return [
        Source(name, items, frozenset(tables[items]))
        for name, columns in tables.items()
        if "product_store" in columns
        for items in [f"{name}_{NESTED}"]
        if PRODUCT_ID in tables.get(items, ())
    ]


def nested_of(columns: Columns) -> EventField | None:
    """The nested field with the products of a type's events; None = it has none."""
    return next((field for field, there in columns.nested if field.key == NESTED and PRODUCT_ID in there), None)


def touch_old(events: Sql, items: Sql) -> Sql:
    """Notes the products of the events in `event_old`, which are about to go. Both tables are of one type."""
    return sql(
        "INSERT INTO products_touched SELECT DISTINCT product_store, {id}::VARCHAR FROM (SELECT {key}, product_store"
        " FROM {events} SEMI JOIN event_old USING ({key}) WHERE product_store IS NOT NULL)"
        " JOIN {items} USING ({key}) WHERE {id} IS NOT NULL",
        key=KEY,
        id=ident(PRODUCT_ID),
        events=events,
        items=items,
    )


TOUCH_NEW = sql(
    "INSERT INTO products_touched SELECT DISTINCT product_store, item.{id}::VARCHAR FROM (SELECT product_store,"
    " unnest({items}) AS item FROM event_rows WHERE product_store IS NOT NULL) WHERE item.{id} IS NOT NULL",
    id=ident(PRODUCT_ID),
    items=items_column(NESTED),
)
"""Notes the products of the rows of the pass; some may be of events that a later batch writes anew."""


def renew(types: Sequence[Source]) -> list[Sql]:
    """Works the touched products out anew: the last value that is not empty, and the sum of all quantities."""
    return [
        sql(
            "DELETE FROM {products} WHERE (store, product_id) IN (SELECT (store, product_id) FROM products_touched)",
            products=PRODUCTS.path,
        ),
        sql("INSERT INTO {products} BY NAME\n{rows}", products=PRODUCTS.path, rows=_current(types)),
    ]


def _current(types: Sequence[Source]) -> Sql:
    parts = [_items(number, source) for number, source in enumerate(types)]
    steps = [
        Step("told", joined("\nUNION ALL\n", parts)),
        Step(
            "ordered",
            Sql(
                "SELECT *, row_number() OVER (ORDER BY set_at_position, set_at_row, date, event_id, kind, place) AS n"
                " FROM told"
            ),
        ),
    ]
    last = [sql("arg_max({name}, n) AS {name}", name=ident(name)) for name in (*TEXTS, "price")]
    final = sql(
        "SELECT store, product_id,\n    {last},\n    sum(quantity)::BIGINT AS ordered, min(date) AS first_date,"
        " max(date) AS last_date FROM ordered GROUP BY store, product_id",
        last=comma(last),
    )
    return chain(steps, final)


def _items(number: int, source: Source) -> Sql:
    def column(name: str) -> Sql:
        return sql("items.{name}", name=ident(name)) if name in source.fields else Sql("NULL")

    prices = [sql("{price}::DECIMAL(18, 4)", price=column(name)) for name in PRICES]
    texts = [sql("{text}::VARCHAR AS {name}", text=column(name), name=ident(name)) for name in TEXTS]
    return sql(
        "SELECT product_store AS store, items.{id}::VARCHAR AS product_id, {texts}, coalesce({prices}) AS price,"
        " coalesce({quantity}, 1) AS quantity, date, set_at_position, set_at_row, event_id, {kind} AS kind,"
        ' items."index" AS place FROM {events} AS events JOIN {items} AS items USING ({key})'
        " WHERE (product_store, items.{id}::VARCHAR) IN (SELECT (store, product_id) FROM products_touched)",
        id=ident(PRODUCT_ID),
        texts=joined(", ", texts),
        prices=joined(", ", prices),
        quantity=column(QUANTITY),
        kind=literal(number),
        events=ident("main", source.table),
        items=ident("main", source.items),
        key=KEY,
    )
