"""Timeline events: which rows make which events, what rejects them, and what a later file does to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cdp_assets_tests.flows.test_fold import goal
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

PROPERTIES = [{"name": "email", "type": "email"}, {"name": "city"}]
PRODUCT = {
    "property": "product",
    "mappings": [{"column": "sku", "property": "id"}, {"column": "qty", "property": "quantity"}],
}
ORDER = {
    "type": "order",
    "id": "order",
    "date": "day",
    "mappings": [{"column": "total", "property": "total_revenue"}, {"column": "coupons", "property": "coupon"}],
    "nested": [PRODUCT],
}
HEADER = "email,order,day,total,coupons,sku,qty\n"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def events_goal(event=ORDER, *, mappings=(), **settings):
    return goal(events=[event], **settings) | {"mappings": list(mappings)}


def lab(tmp_path, *goals, event_types=()):
    return Lab(tmp_path, deployment(PROPERTIES, list(goals) or [events_goal()], event_types=list(event_types)))


def land(room, text, day=1, *, header=HEADER, **settings):
    at = EPOCH + timedelta(days=day)
    return room.land(
        "customers", f"customers_202602{day:02d}.csv", header + text, look_at=at, modified_at=at, **settings
    )


def orders(room, columns="event_id, total_revenue, coupon"):
    return room.rows(f"SELECT {columns} FROM main.events_order ORDER BY ALL")


def items(room, columns='event_id, "index", id, quantity'):
    return room.rows(f"SELECT {columns} FROM main.events_order_product ORDER BY ALL")


def rejects(room):
    return room.rows(
        "SELECT line_no, column_name, raw_text, reason FROM ops.rejects WHERE level = 'event' ORDER BY ALL"
    )


COUNTS = "events_received, events_created, events_set, events_rejected, events_dropped"


def counts(room, names=COUNTS):
    return room.rows(f"SELECT {names} FROM ops.batches WHERE position IS NOT NULL ORDER BY position")


def test_rows_with_one_key_are_one_event_and_its_items_keep_their_order(tmp_path):
    room = lab(tmp_path)
    land(
        room,
        "a@x.com,1,2026-01-01,10.5,b|a,s2,2\nb@x.com,1,2026-01-01,3,,s1,\na@x.com,1,2026-01-01,,c|a,s1,1\n"
        "a@x.com,1,2026-01-01,11,,,\na@x.com,1,2026-01-02,1,,s9,1\n",
    )
    room.fold()
    assert orders(room, "event_id, date, total_revenue, coupon") == [
        ("1", FIRST, Decimal("3.0000"), None),
        ("1", FIRST, Decimal("11.0000"), ["b", "a", "c"]),
        ("1", FIRST + timedelta(days=1), Decimal("1.0000"), None),
    ]
    assert items(room) == [("1", 0, "s1", None), ("1", 0, "s2", 2), ("1", 0, "s9", 1), ("1", 1, "s1", 1)]
    assert counts(room) == [(5, 3, 0, 0, 0)]


def test_a_later_batch_with_the_key_writes_the_whole_event_anew(tmp_path):
    room = lab(tmp_path)
    land(room, "a@x.com,1,2026-01-01,10,x,s1,1\na@x.com,1,2026-01-01,,,s2,1\na@x.com,2,2026-01-01,5,,,\n")
    land(room, "a@x.com,1,2026-01-01,,,s3,7\na@x.com,3,2026-01-01,,y,,\n", 2)
    room.fold()
    assert orders(room) == [("1", None, None), ("2", Decimal("5.0000"), None), ("3", None, ["y"])]
    assert items(room) == [("1", 0, "s3", 7)]
    assert counts(room) == [(3, 2, 0, 0, 0), (2, 1, 1, 0, 0)]


@pytest.mark.parametrize("together", [True, False])
def test_the_order_of_files_counts_not_that_of_their_arrival(tmp_path, together):
    room = lab(tmp_path)
    land(room, "a@x.com,1,2026-01-01,20,,s2,2\n", 2)
    if not together:
        room.fold()
    land(room, "a@x.com,1,2026-01-01,10,,s1,1\n")
    room.fold()
    assert (orders(room, "event_id, total_revenue"), items(room)) == (
        [("1", Decimal("20.0000"))],
        [("1", 0, "s2", 2)],
    )
    before = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == before
    names = "coalesce(replayed_events_created, events_created), coalesce(replayed_events_set, events_set)"
    assert counts(room, names) == [(1, 0), (0, 1)]


def test_a_wrong_value_rejects_its_event_and_not_its_row(tmp_path):
    room = lab(tmp_path, events_goal(mappings=[{"column": "order", "property": "city"}]))
    land(
        room,
        "a@x.com,1,2026-01-01,1,,s1,2\na@x.com,1,2026-01-01,,,s2,x\nb@x.com,2,2026-01-02,abc,,s1,1\n"
        "b@x.com,3,,7,,,\nb@x.com,4,soon,7,,,\nc@x.com,5,2026-01-03,1,,,4\nc@x.com,6,2026-01-03,1,,s1,4\n",
    )
    room.fold()
    assert rejects(room) == [
        (3, "qty", "x", "#/product/1/quantity/0: expected type: Number, found: String"),
        (4, "total", "abc", "#/total_revenue/0: expected type: Number, found: String"),
        (5, "day", None, "Missing event date"),
        (6, "day", "soon", "Missing event date"),
        (7, "sku", None, "#/product/0: required key [id] not found"),
    ]
    assert orders(room, "event_id") == [("6",)]
    assert items(room) == [("6", 0, "s1", 4)]
    assert counts(room) == [(7, 1, 0, 5, 0)]
    assert room.rows("SELECT email, city FROM main.profiles ORDER BY 1") == [
        ("a@x.com", "1"),
        ("b@x.com", "4"),
        ("c@x.com", "6"),
    ]
    assert room.rows("SELECT rows_created, rows_modified, rows_rejected FROM ops.batches") == [(3, 4, 0)]


def test_events_of_rows_without_a_profile_are_dropped(tmp_path):
    room = lab(tmp_path, events_goal(allow_create=False))
    land(room, "a@x.com,1,2026-01-01,1,,,\n,2,2026-01-01,1,,,\nx,3,2026-01-01,1,,,\n")
    room.fold()
    assert orders(room) == []
    assert counts(room, f"{COUNTS}, rows_not_found, rows_no_identifier, rows_rejected") == [(3, 0, 0, 0, 3, 1, 1, 1)]


def test_a_row_that_holds_nothing_of_an_event_brings_none(tmp_path):
    room = lab(tmp_path)
    land(room, "a@x.com,,,,,,\nb@x.com,1,2026-01-01,,,,\n")
    room.fold()
    assert orders(room) == [("1", None, None)]
    assert counts(room) == [(1, 1, 0, 0, 0)]


def test_a_file_with_none_of_the_columns_brings_no_events(tmp_path):
    room = lab(tmp_path)
    land(room, "a@x.com,Ede\n", header="email,city\n")
    room.fold()
    assert (orders(room), counts(room)) == ([], [(0, 0, 0, 0, 0)])


def test_an_id_is_made_of_what_the_event_holds_and_stays_the_same(tmp_path):
    room = lab(tmp_path)
    land(room, "a@x.com,,2026-01-01,1,,,\na@x.com,,2026-01-01,2,,,\nb@x.com,,2026-01-01,1,,,\n")
    land(room, "A@x.com,,2026-01-01T00:00:00Z,1.00,,,\n", 2)
    room.fold()
    found = orders(room, "event_id, total_revenue")
    assert len({event_id for event_id, _ in found}) == len(found) == 3
    assert all(len(event_id) == 40 for event_id, _ in found)
    assert counts(room) == [(3, 3, 0, 0, 0), (1, 0, 1, 0, 0)]


def test_a_missing_date_may_become_the_time_the_file_was_seen(tmp_path):
    room = lab(tmp_path, events_goal(ORDER | {"on_missing_date": "now"}))
    land(room, "a@x.com,1,,1,,,\na@x.com,2,31/12/2025,1,,,\n")
    room.fold()
    seen = EPOCH + timedelta(days=1)
    assert orders(room, "event_id, date") == [("1", seen), ("2", datetime(2025, 12, 31, tzinfo=UTC))]


@pytest.mark.parametrize("delta", [True, False])
def test_a_full_file_applies_a_row_again_only_if_its_events_changed(tmp_path, delta):
    room = lab(tmp_path, events_goal(files={"delta": delta}))
    rows = "a@x.com,1,2026-01-01,1,,s1,1\nb@x.com,2,2026-01-01,1,,s1,1\n"
    land(room, rows)
    land(room, rows.replace("b@x.com,2,2026-01-01,1,,s1,1", "b@x.com,2,2026-01-01,1,,s1,5"), 2)
    room.fold()
    assert items(room) == [("1", 0, "s1", 1), ("2", 0, "s1", 5)]
    assert counts(room) == [(2, 2, 0, 0, 0), (2, 0, 2 if delta else 1, 0, 0)]


def test_an_event_leaves_the_day_of_the_last_change_as_it_is(tmp_path):
    room = lab(tmp_path)
    for day in (1, 2):
        land(room, f"a@x.com,{day},2026-01-01,1,,,\n", day)
        room.fold()
    assert room.rows("SELECT last_modified_date FROM main.profiles") == [(EPOCH + timedelta(days=1),)]
    assert room.rows("SELECT rows_created, rows_unchanged FROM ops.batches ORDER BY position") == [(1, 0), (0, 1)]


def test_every_column_like_a_field_may_come_by_its_name(tmp_path):
    event = {"type": "order", "id": "order", "date": "day", "all_properties": True}
    event["nested"] = [
        {"property": "product", "mappings": [{"column": "sku", "property": "id"}], "all_properties": True}
    ]
    room = lab(tmp_path, events_goal(event))
    land(room, "a@x.com,1,2026-01-01,12.5,EUR,s1,9\n", header="email,order,day,Total Revenue,CURRENCY,sku,list_price\n")
    room.fold()
    assert orders(room, "total_revenue, currency") == [(Decimal("12.5000"), "EUR")]
    assert items(room, "id, listprice") == [("s1", None)]


def test_tables_stand_as_soon_as_the_model_names_the_type_and_grow_with_it(tmp_path):
    visit = {"id": "visit", "fields": [{"key": "page"}, {"key": "seen", "type": "number"}]}
    room = lab(tmp_path, event_types=[visit])
    room.fold()
    assert room.rows("SELECT count(*) FROM main.events_visit") == [(0,)]
    more = [*visit["fields"], {"key": "click", "fields": [{"key": "where"}]}, {"key": "tags", "multiple": True}]
    room.deployment = lab(tmp_path / "other", event_types=[visit | {"fields": more}]).deployment
    room.fold()
    columns = room.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'events_visit' ORDER BY ordinal_position"
    )
    assert {name for (name,) in columns} >= {"profile_id", "event_id", "date", "page", "seen", "tags"}
    assert room.rows("SELECT count(*) FROM main.events_visit_click") == [(0,)]
    room.deployment = lab(tmp_path / "third").deployment
    room.fold(rebuild=True)
    assert room.rows("SELECT count(*) FROM duckdb_tables() WHERE starts_with(table_name, 'events_visit')") == [(0,)]


STORE = ORDER | {"product_store": "main"}


def test_a_product_store_tells_of_current_events_only(tmp_path):
    nested = PRODUCT | {
        "mappings": [
            *PRODUCT["mappings"],
            {"column": "name", "property": "name"},
            {"column": "net", "property": "netprice"},
            {"column": "list", "property": "listprice"},
        ]
    }
    room = lab(tmp_path, events_goal(STORE | {"nested": [nested]}))
    header = "email,order,day,sku,qty,name,net,list\n"
    land(room, "a@x.com,1,2026-01-01,s1,2,Shoe,9,10\na@x.com,1,2026-01-01,s2,,Hat,,5\n", header=header)
    land(room, "b@x.com,2,2026-01-03,s1,4,,,8\n", 2, header=header)
    room.fold()
    query = "SELECT store, product_id, name, price, ordered, first_date::DATE::VARCHAR FROM main.products ORDER BY ALL"
    assert room.rows(query) == [
        ("main", "s1", "Shoe", Decimal("8.0000"), 6, "2026-01-01"),
        ("main", "s2", "Hat", Decimal("5.0000"), 1, "2026-01-01"),
    ]
    land(room, "a@x.com,1,2026-01-01,s1,1,Boot,7,\n", 3, header=header)
    room.fold()
    assert room.rows(query) == [("main", "s1", "Boot", Decimal("7.0000"), 5, "2026-01-01")]
    assert orders(room, "DISTINCT bcStoreId") == [("main",)]
    before = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == before


def test_every_item_belongs_to_an_event_and_every_event_to_a_profile(tmp_path):
    room = lab(tmp_path)
    land(room, "".join(f"{n % 7}@x.com,{n % 5},2026-01-0{1 + n % 3},{n},,s{n},1\n" for n in range(60)))
    land(room, "".join(f"{n % 9}@x.com,{n % 4},2026-01-0{1 + n % 2},{n},,s{n},1\n" for n in range(40)), 2)
    room.fold()
    lost = (
        "SELECT count(*) FROM main.events_order_product ANTI JOIN main.events_order USING (profile_id, event_id, date)"
    )
    assert room.rows(lost) == [(0,)]
    assert room.rows("SELECT count(*) FROM main.events_order ANTI JOIN main.profiles USING (profile_id)") == [(0,)]
    twice = "SELECT count(*) - count(DISTINCT (profile_id, event_id, date)) FROM main.events_order"
    assert room.rows(twice) == [(0,)]
    twice = 'SELECT count(*) - count(DISTINCT (profile_id, event_id, date, "index")) FROM main.events_order_product'
    assert room.rows(twice) == [(0,)]
    last = (
        'SELECT bool_and(n = most + 1) FROM (SELECT count(*) AS n, max("index") AS most'
        " FROM main.events_order_product GROUP BY profile_id, event_id, date)"
    )
    assert room.rows(last) == [(True,)]


def test_events_of_profiles_that_become_one_are_its_own_and_the_last_of_two_stays(tmp_path):
    both = [{"column": name, "property": name} for name in ("email", "city")]
    room = Lab(tmp_path, deployment(PROPERTIES, [events_goal(STORE, identifiers=both)], merging={}))
    header = "email,city,order,day,total,coupons,sku,qty\n"
    land(room, "a@x.com,,1,2026-01-01,1,,s1,2\n,Ede,1,2026-01-01,2,,s2,1\n,Ede,2,2026-01-01,3,,s1,5\n", header=header)
    land(room, "a@x.com,Ede,3,2026-01-01,4,,s3,1\n", 2, header=header)
    room.fold()
    assert room.rows("SELECT count(*) FROM main.profiles") == [(1,)]
    assert orders(room, "event_id, total_revenue::INT") == [("1", 2), ("2", 3), ("3", 4)]
    assert items(room) == [("1", 0, "s2", 1), ("2", 0, "s1", 5), ("3", 0, "s3", 1)]
    assert room.rows("SELECT product_id, ordered FROM main.products ORDER BY 1") == [("s1", 5), ("s2", 1), ("s3", 1)]
    assert room.rows("SELECT count(*) FROM main.events_order ANTI JOIN main.profiles USING (profile_id)") == [(0,)]
    before = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == before
