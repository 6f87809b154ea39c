"""Timeline events and their items that come in linked files."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cdp_assets_tests.flows.test_events import events_goal, items, lab, land, orders, rejects

LINKED = [
    {"name": "orders", "file": "orders_*.csv", "parent_column": "email", "column": "who"},
    {"name": "lines", "file": "lines_*.csv", "parent": "orders", "parent_column": "no", "column": "no"},
]
LINKED_ORDER = {
    "type": "order",
    "source": "orders",
    "id": "orders.no",
    "date": "orders.day",
    "mappings": [
        {"column": "orders.total", "property": "total_revenue"},
        {"column": "shop", "property": "affiliation"},
    ],
    "nested": [
        {
            "property": "product",
            "source": "lines",
            "mappings": [{"column": "lines.sku", "property": "id"}, {"column": "lines.qty", "property": "quantity"}],
        }
    ],
}


def test_events_of_a_linked_file_with_items_of_the_one_below(tmp_path):
    room = lab(tmp_path, events_goal(LINKED_ORDER, files={"linked": LINKED}))
    linked = {
        "orders": (
            "orders_1.csv",
            "who,no,day,total\nb@x.com,2,2026-01-02,5\na@x.com,1,2026-01-01,x\na@x.com,3,2026-01-03,7\n",
        ),
        "lines": ("lines_1.csv", "no,sku,qty\n3,s1,1\n2,s9,1\n3,s2,2\n9,lost,1\n"),
    }
    land(room, "a@x.com,Rome\nb@x.com,Oslo\nc@x.com,\n", header="email,shop\n", linked=linked)
    room.fold()
    assert orders(room, "event_id, total_revenue, affiliation") == [
        ("2", Decimal("5.0000"), "Oslo"),
        ("3", Decimal("7.0000"), "Rome"),
    ]
    assert items(room) == [("2", 0, "s9", 1), ("3", 0, "s1", 1), ("3", 1, "s2", 2)]
    assert room.rows("SELECT file, line_no, column_name, reason FROM ops.rejects") == [
        ("orders_1.csv", 3, "orders.total", "#/total_revenue/0: expected type: Number, found: String")
    ]


def test_a_field_may_come_from_a_file_below_such_as_one_to_look_things_up(tmp_path):
    goods = {"name": "goods", "file": "goods.csv", "parent": "lines", "parent_column": "sku", "column": "sku"}
    nested = {"property": "product", "source": "lines", "mappings": [{"column": "lines.sku", "property": "id"}]}
    nested["mappings"].append({"column": "goods.name", "property": "name"})
    event = LINKED_ORDER | {"nested": [nested]}
    event["mappings"] = [
        {"column": "lines.qty", "property": "quantity"},
        {"column": "goods.name", "property": "coupon"},
    ]
    room = lab(tmp_path, events_goal(event, files={"linked": [*LINKED, goods | {"static": True}]}))
    linked = {
        "orders": ("orders_1.csv", "who,no,day\na@x.com,1,2026-01-01\na@x.com,2,2026-01-02\n"),
        "lines": ("lines_1.csv", "no,sku,qty\n1,s1,1\n1,s2,\n1,s1,3\n2,s9,\n"),
        "goods": ("goods.csv", "sku,name\ns1,Shoe\ns1,Boot\ns2,Hat\n"),
    }
    land(room, "a@x.com\n", header="email\n", linked=linked)
    room.fold()
    assert orders(room, "event_id, quantity, coupon") == [("1", 3, ["Hat"]), ("2", None, None)]
    named = items(room, 'event_id, "index", id, name')
    assert named == [("1", 0, "s1", "Boot"), ("1", 1, "s2", "Hat"), ("1", 2, "s1", "Boot"), ("2", 0, "s9", None)]


@pytest.mark.parametrize("root", [True, False])
def test_an_order_that_stands_twice_has_each_of_its_lines_once(tmp_path, root):
    lines = ("lines_1.csv", "no,sku,qty\n1,s1,1\n1,s1,1\n2,s9,1\n3,s3,1\n")
    event = LINKED_ORDER
    links = LINKED
    rows = "a@x.com,1,2026-01-01,5\n" * 2 + "a@x.com,2,2026-01-02,5\na@x.com,2,2026-01-03,5\n"
    linked = {"orders": ("orders_1.csv", f"who,no,day,total\n{rows}")}
    text, header = "a@x.com,Rome\n", "email,shop\n"
    if root:
        event = {"type": "order", "id": "no", "date": "day", "nested": LINKED_ORDER["nested"]}
        links = [{"name": "lines", "file": "lines_*.csv", "parent_column": "no", "column": "no"}]
        linked.clear()
        text, header = rows, "email,no,day,total\n"
    room = lab(tmp_path, events_goal(event, files={"linked": links}))
    land(room, text, header=header, linked={**linked, "lines": lines})
    room.fold()
    # Of another day it is another order, which has them too.
    found = room.rows('SELECT event_id, date::DATE::VARCHAR, "index", id FROM main.events_order_product ORDER BY ALL')
    assert found == [
        ("1", "2026-01-01", 0, "s1"),
        ("1", "2026-01-01", 1, "s1"),
        ("2", "2026-01-02", 0, "s9"),
        ("2", "2026-01-03", 0, "s9"),
    ]


@pytest.mark.parametrize("root", [True, False])
def test_items_of_a_linked_file_reject_the_event_of_their_parent(tmp_path, root):
    event = (
        LINKED_ORDER if not root else {"type": "order", "id": "email", "date": "day", "nested": LINKED_ORDER["nested"]}
    )
    room = lab(tmp_path, events_goal(event, files={"linked": LINKED}))
    linked = {
        "orders": ("orders_1.csv", "who,no,day,total\na@x.com,1,2026-01-01,1\nb@x.com,2,2026-01-01,1\n"),
        "lines": ("lines_1.csv", "no,sku,qty\n1,s1,1\n2,s9,1\n1,s2,many\n2,,1\n"),
    }
    land(room, "a@x.com,2026-01-01\nb@x.com,2026-01-01\nc@x.com,2026-01-01\n", header="email,day\n", linked=linked)
    room.fold()
    assert orders(room, "event_id") == ([("c@x.com",)] if root else [])
    assert sorted(reason for *_, reason in rejects(room)) == [
        "#/product/1/quantity/0: expected type: Number, found: String",
        "#/product/1: required key [id] not found",
    ]
