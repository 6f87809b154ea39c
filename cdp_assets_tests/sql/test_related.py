"""Conditions on events and groups, held against the same rule in plain Python over people made by chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_assets.config.events import whole_types
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.segments import Segment
from cdp_assets.sql.conditions import Moment, predicate
from cdp_assets.sql.event_tables import event_tables
from cdp_assets.sql.members import members_view
from cdp_assets.sql.schema import create_table
from cdp_assets.sql.tables import groups_table, profiles_table
from cdp_assets.sql.text import Sql, sql
from cdp_assets_tests.oracle.selecting import meets
from cdp_assets_tests.sql.rows import MANY

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
MODEL = CustomerModelConfig.model_validate(
    {
        "properties": [{"name": "home", "group_type": "household"}, {"name": "homes", "group_type": "household",
                        "multiple": True}],
        "event_types": [{"id": "order"}],
        "group_types": [{"id": "household", "properties": [{"name": "size", "type": "number"}, {"name": "town"}]}],
    }
)  # fmt: skip
ITEM = {"id": "text", "category": "text", "netprice": "decimal", "quantity": "number"}
TYPES = {
    "events": {"date": "datetime", "event_id": "text", "affiliation": "text", "total_revenue": "decimal",
               "quantity": "number", "coupon": "text", "product": ITEM},
    "groups": {"group_id": "text", "size": "number", "town": "text"},
}  # fmt: skip
WORDS = st.sampled_from(["web", "Web", "shop"])
AMOUNTS = st.none() | st.sampled_from([Decimal(text) for text in ("-5", "0", "0.0001", "49.9999", "50", "100")])
NUMBERS = st.none() | st.integers(-1, 3)
ITEMS = st.fixed_dictionaries(
    {"id": WORDS, "category": st.none() | WORDS, "netprice": AMOUNTS, "quantity": NUMBERS}
)  # fmt: skip
EVENTS = st.fixed_dictionaries(
    {
        "date": st.integers(-50, 10).map(lambda hours: NOW + timedelta(hours=hours)),
        "event_id": st.sampled_from(["a", "b"]),
        "affiliation": st.none() | WORDS,
        "total_revenue": AMOUNTS,
        "quantity": NUMBERS,
        "coupon": st.none() | st.lists(WORDS, max_size=2, unique=True),
        "product": st.lists(ITEMS, max_size=3),
    }
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "events": st.lists(EVENTS, max_size=4, unique_by=lambda event: (event["event_id"], event["date"])),
            "home": st.none() | st.sampled_from("123"),
            "homes": st.none() | st.lists(st.sampled_from("123"), max_size=2, unique=True),
        }
    ),
    min_size=1,
    max_size=5,
)
HOUSEHOLDS = st.fixed_dictionaries(
    {number: st.fixed_dictionaries({"size": NUMBERS, "town": st.none() | WORDS}) for number in "12"}
)
TEXT = st.sampled_from([{"contains_any": ["WEB"]}, {"not_contains_any": ["web"]}, {"is_empty": True}])
NUMBER = st.sampled_from([{"in_range": {"min": 1}}, {"not_in_range": {"max": 2}}, {"not_is_empty": True}])
WHEN = st.sampled_from([{"in_last_days": 1}, {"not_in_last_hours": 3}, {"in_range": {"max": NOW.isoformat()}}])


def asked(key, fields):
    """Questions about the fields of one kind of row."""
    return st.lists(
        st.one_of(*(kind.map(lambda one, name=name: {key: name, **one}) for name, kind in fields.items())), max_size=2
    )


LIMITS = st.sampled_from(
    [{"at_least": 0}, {"at_least": 1}, {"at_least": 2}, {"at_most": 0}, {"at_most": 1}, {"at_least": 1, "at_most": 2}]
)
TOTALS = st.sampled_from([{"at_least": "50"}, {"at_most": "49.99995"}, {"at_least": "0.00005"}, {"at_most": 0}])


@st.composite
def event_tests(draw):
    test = {"type": "order"}
    fields = {"affiliation": TEXT, "total_revenue": NUMBER, "coupon": TEXT, "date": WHEN, "event_id": TEXT}
    test["where"] = draw(asked("field", fields))
    inside = draw(asked("field", {"category": TEXT, "netprice": NUMBER, "quantity": NUMBER}))
    if inside:
        test["items"] = [{"of": "product", "where": inside}]
    test |= draw(st.just({}) | WHEN.filter(lambda one: "not_in_last_hours" not in one))
    if draw(st.booleans()):
        test["count"] = draw(LIMITS)
    if draw(st.booleans()):
        field = draw(
            st.sampled_from(
                [
                    {"field": "total_revenue"},
                    {"field": "quantity"},
                    {"field": "quantity", "of": "product"},
                    {"field": "netprice", "of": "product"},
                ]
            )
        )
        test["sum"] = {**field, **draw(TOTALS)}
    return {"event": test}  # fmt: skip


@st.composite
def group_tests(draw):
    test = {"type": "household", "where": draw(asked("property", {"size": NUMBER, "town": TEXT, "group_id": TEXT}))}
    return {"group": test | ({"count": draw(LIMITS)} if draw(st.booleans()) else {})}


def person(number):
    return f"00000000-0000-0000-0000-{number:012d}"


@pytest.fixture(scope="module")
def select(engine):
    """Who meets a condition."""
    household = MODEL.group_types[0]
    own = [profiles_table(MODEL.properties), groups_table("household", household.properties)]
    tables = [*own, *event_tables(whole_types(MODEL.event_types))]
    for statement in [line for table in tables for line in create_table(table, replace=True)]:
        engine.run(statement)
    for statement in members_view("household", MODEL.properties):
        engine.run(statement)
    there = {table.name for table in tables} | {"groups_household_members"}

    def run(condition, people, households, known=there):
        for table in tables:
            engine.run(sql("DELETE FROM {table}", table=table.path))
        for number, one in enumerate(people):
            engine.insert(
                tables[0].path, ["profile_id", "home", "homes"], [[person(number), one["home"], one["homes"]]]
            )
            for event in one["events"]:
                add_event(number, event)
        engine.insert(
            own[1].path,
            ["group_id", "size", "town"],
            [[key, one["size"], one["town"]] for key, one in households.items()],
        )
        where = Segment.model_validate({"name": "s", "where": condition}).where
        test = predicate(where, Moment(MODEL, NOW, tables=known))
        return [met for _, met in engine.rows(sql("SELECT profile_id, {t} FROM main.profiles ORDER BY ALL", t=test))]

    def add_event(number, event):
        fields = {key: value for key, value in event.items() if key != "product"}
        engine.insert(Sql("main.events_order"), ["profile_id", *fields], [[person(number), *fields.values()]])
        for index, item in enumerate(event["product"]):
            keys = {"profile_id": person(number), "event_id": event["event_id"], "date": event["date"], "index": index}
            row = keys | item
            engine.insert(Sql("main.events_order_product"), list(row), [list(row.values())])

    return run


def expected(condition, people, households):
    found = []
    for one in people:
        ids = {*(one["homes"] or []), *([one["home"]] if one["home"] else [])}
        groups = [{"group_id": number, **households[number]} for number in ids if number in households]
        found.append(meets(condition, one | {"groups": groups}, TYPES, NOW, {}))
    return found


@settings(MANY, max_examples=60)
@given(condition=event_tests(), people=PEOPLE)
def test_events_agree_with_the_plain_python_rule(select, condition, people):
    assert select(condition, people, {}) == expected(condition, people, {})


@settings(MANY, max_examples=60)
@given(condition=group_tests(), people=PEOPLE, households=HOUSEHOLDS)
def test_groups_agree_with_the_plain_python_rule(select, condition, people, households):
    assert select(condition, people, households) == expected(condition, people, households)


ORDER = {"date": NOW - timedelta(hours=30), "event_id": "a", "affiliation": "web", "total_revenue": Decimal(60),
         "quantity": 2, "coupon": None, "product": []}  # fmt: skip
BOOK = {"id": "1", "category": "Books", "netprice": Decimal(20), "quantity": 2}
PEN = {"id": "2", "category": "Pens", "netprice": Decimal(1), "quantity": None}


@pytest.mark.parametrize(
    ("test", "met"),
    [
        ({}, True),
        ({"in_last_days": 1}, False),
        ({"in_last_days": 2}, True),
        ({"in_last_days": 1, "count": {"at_most": 0}}, True),
        ({"count": {"at_least": 2}}, False),
        ({"sum": {"field": "total_revenue", "at_least": 60}}, True),
        ({"sum": {"field": "total_revenue", "at_least": "60.0001"}}, False),
        ({"items": [{"of": "product", "where": [{"field": "category", "values": ["books"]}]}]}, True),
        ({"items": [{"of": "product", "where": [{"field": "category", "values": ["pens"]},
                                                {"field": "netprice", "in_range": {"min": 5}}]}]}, False),
        ({"items": [{"of": "product", "where": [{"field": "category", "values": ["books"]}]}],
          "sum": {"field": "quantity", "of": "product", "at_most": 2}}, True),
        ({"sum": {"field": "netprice", "of": "product", "at_least": 22}}, False),
    ],
    ids=str,
)  # fmt: skip
def test_one_condition(select, test, met):
    condition = {"event": {"type": "order", **test}}
    people = [{"events": [ORDER | {"product": [BOOK, PEN]}], "home": None, "homes": None}]
    assert select(condition, people, {}) == expected(condition, people, {}) == [met]


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ({"event": {"type": "order"}}, False),
        ({"event": {"type": "order", "count": {"at_most": 3}}}, True),
        ({"event": {"type": "abandoned_basket", "count": {"at_least": 0}, "sum": {"field": "quantity", "at_least": 1}}},
         False),
        ({"group": {"type": "household"}}, False),
        ({"group": {"type": "household", "count": {"at_most": 0}}}, True),
    ],
    ids=str,
)  # fmt: skip
def test_before_anything_of_a_type_came_there_is_none(select, condition, met):
    people = [{"events": [], "home": "1", "homes": None}]
    assert select(condition, people, {}, known={"profiles"}) == [met]
