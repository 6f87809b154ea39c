"""Event types in plugin files: what they become, and every mistake with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_assets.__main__ import main
from cdp_assets.components.loading import find_problems, load_deployment
from cdp_assets.config.events import EventField, EventType, ItemField
from cdp_assets_tests.components.folders import MODEL, SHOP, changed, write

PLUGIN = """\
<?xml version="1.0" encoding="UTF-8"?>
<plugin>
  <id>eventtype_booking</id><version>1.0.0</version><type>timelineeventtype</type>
  <name><label locale="en_US">Booking</label></name>
  <description><label locale="en_US">Hotel booking</label></description>
  <timelineeventtype id="booking" priority="LOW" retention="365">
    <property id="total" type="DECIMAL"><name><label locale="en_US">Total</label></name></property>
    <property id="tags" type="TEXT" multiple="true" sensitivity="PII"/>
    <property id="room" nested="true">
      <property id="id" type="TEXT" identifier="true"/>
      <property id="nights" type="NUMBER"/>
    </property>
  </timelineeventtype>
</plugin>
"""
BOOKING = EventType(
    id="booking",
    name="Booking",
    description="Hotel booking",
    priority="LOW",
    retention_days=365,
    fields=(
        EventField(key="total", type="decimal", name="Total"),
        EventField(key="tags", multiple=True, pii=True),
        EventField(key="room", fields=(ItemField(key="id", identifier=True), ItemField(key="nights", type="number"))),
    ),
)
WITH_FILE = MODEL + "  event_type_files: [booking.xml]\n"


@pytest.fixture
def defs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(defs: Path, plugin: str | None, model: str = WITH_FILE, shop: str = SHOP) -> list[str]:
    if plugin is not None:
        Path("booking.xml").write_text(plugin)
    return [str(problem) for problem in find_problems(write(defs, model=model, shop=shop))]


def test_a_plugin_file_is_an_event_type_like_those_of_the_yaml(defs: Path) -> None:
    assert told(defs, PLUGIN) == []
    assert load_deployment(defs).model.event_types == (BOOKING,)


BROKEN = [
    ("<?xml version", "<!-- x --><?xml version", "booking.xml:1: this is no well-formed XML"),
    ("</plugin>", "", "booking.xml:15: this is no well-formed XML: no element found"),
    (
        "<plugin>",
        '<!DOCTYPE plugin SYSTEM "x.dtd"><plugin>',
        "booking.xml:2: a document type (DOCTYPE) or entity is not",
    ),
    ("<plugin>", '<!DOCTYPE p [<!ENTITY a "b">]><plugin>', "booking.xml:2: a document type (DOCTYPE) or entity is not"),
    (">timelineeventtype<", ">listener<", "booking.xml:3: <type> must be timelineeventtype: only event types are read"),
    (
        'type="DECIMAL"',
        'type="MONEY"',
        "booking.xml:7: Unknown property type 'MONEY'; accepted: TEXT, NUMBER, DECIMAL,",
    ),
    ('id="nights"', 'id="ID"', "booking.xml:11: property 'ID' stands here twice (case does not count)"),
    ('id="tags"', 'id="two tags"', "booking.xml:8: <property> needs an id of letters, digits, _ and -, not 'two tags'"),
    ('type="NUMBER"/>', 'kind="NUMBER"/>', "booking.xml:11: unknown attribute 'kind' of <property>; accepted: id,"),
    ('retention="365"', 'retention="366"', "booking.xml:6: retention is a number of days from 1 to 365, not '366'"),
    ('priority="LOW"', 'priority="low"', "booking.xml:6: priority of <timelineeventtype> 'low'; accepted: HIGH, LOW"),
    ("<version>", "<versoin/><version>", "booking.xml:3: unknown element <versoin> in <plugin>; accepted: backend,"),
    ('id="room" nested="true"', 'id="room"', "booking.xml:10: a property within 'room' needs nested=\"true\" there"),
    (
        '<property id="nights" type="NUMBER"/>',
        '<property id="nights" nested="true"/>',
        "booking.xml:11: property 'nights' is nested in a nested one; one level is allowed",
    ),
    ('id="tags"', 'id="Date"', "booking.xml:6: field key 'Date' is reserved; take another one than: profile_id,"),
    ('type="TEXT" identifier', 'type="TEXT" multiple="true" identifier', "booking.xml:6: field 'id' identifies and so"),
]


@pytest.mark.parametrize(("old", "new", "expected"), BROKEN)
def test_every_mistake_in_a_plugin_file_names_its_line(defs: Path, old: str, new: str, expected: str) -> None:
    (problem,) = told(defs, changed(PLUGIN, (old, new)))
    assert problem.startswith(expected)


def test_an_entity_is_never_expanded_however_small_the_file(defs: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><plugin><id>&b;</id></plugin>'
    (problem,) = told(defs, bomb)
    assert "DOCTYPE" in problem


def test_a_file_that_is_not_there_is_told_at_the_line_that_names_it(defs: Path) -> None:
    expected = "model/defs.yaml:10: there is no file 'booking.xml'; a path is relative to the working directory"
    assert told(defs, None) == [expected]


def test_a_type_is_defined_once_wherever_it_stands(defs: Path) -> None:
    (problem,) = told(defs, PLUGIN, WITH_FILE + "  event_types: [{id: booking}]\n")
    assert "event type 'booking' stands in the list already" in problem


EVENTS = """\
      events:
        - type: order
          date: Day
          mappings: [{column: Total, property: total_revenue}]
          nested:
            - property: product
              mappings: [{column: SKU, property: id}]
    - type: export_profiles
"""
LINKED = """\
      files:
        root: "customers_*.csv"
        linked:
          - {name: orders, file: "orders_*.csv", parent_column: id, column: customer}
          - {name: visits, file: "visits_*.csv", parent_column: id, column: customer}
"""
WITH_EVENTS = changed(
    SHOP, ("    - type: export_profiles\n", EVENTS), ('      files: {root: "customers_*.csv"}\n', LINKED)
)
GOAL_MISTAKES = [
    ("type: order\n", "type: ordr\n", "unknown event type 'ordr'; known, nearest first: order, abandoned_basket"),
    (
        "date: Day\n",
        "date: Day\n          source: order\n",
        "unknown source 'order'; linked files of this goal, nearest",
    ),
    ("property: total_revenue", "property: total", "unknown field 'total'; known, nearest first: total_revenue"),
    ("property: total_revenue", "property: product", "field 'product' holds items; bring them by an entry of `nested`"),
    ("property: product\n", "property: coupon\n", "event type 'order' has no nested field 'coupon'; accepted: product"),
    ("property: id}]", "property: ids}]", "unknown field 'ids'; known, nearest first: id"),
    ("property: id}]", "property: id}, {column: x, property: id}]", "field 'id' is brought by an earlier mapping"),
]


@pytest.mark.parametrize(("old", "new", "expected"), GOAL_MISTAKES)
def test_every_mistake_in_the_events_of_a_goal_is_told_at_its_line(
    defs: Path, old: str, new: str, expected: str
) -> None:
    assert told(defs, None, MODEL, WITH_EVENTS) == []
    shop = changed(WITH_EVENTS, (old, new))
    (problem,) = told(defs, None, MODEL, shop)
    where, _, message = problem.partition(": ")
    assert message.startswith(expected)
    at = shop.splitlines()[int(where.partition(":")[2]) - 1]
    assert at not in WITH_EVENTS.splitlines()


@pytest.mark.parametrize(
    ("old", "key", "fields"),
    [
        ("property: total_revenue", "status", "[{key: status}]"),
        ("property: id}]", "colour", "[{key: product, fields: [{key: colour}]}]"),
    ],
)
def test_an_unknown_field_is_told_with_what_adds_it_to_the_model(defs: Path, old: str, key: str, fields: str) -> None:
    shop = changed(WITH_EVENTS, (old, old.replace(old.partition(": ")[2].rstrip("}]"), key)))
    (problem,) = told(defs, None, MODEL, shop)
    added = f"event_types: [{{id: order, fields: {fields}}}]"
    assert problem.endswith(f"; or add it to the customer model: {added}")
    model = f"{MODEL.rstrip()}\n  {added}\n"
    assert told(defs, None, model, shop) == []


def test_items_come_from_rows_below_those_of_the_event(defs: Path) -> None:
    shop = changed(
        WITH_EVENTS,
        ("date: Day\n", "date: orders.day\n          source: orders\n"),
        ("property: product\n", "property: product\n              source: visits\n"),
        ("column: SKU", "column: visits.SKU"),
    )
    (problem,) = told(defs, None, MODEL, shop)
    assert "the rows of 'visits' belong to no row of linked file 'orders', whose events these are" in problem


MODEL_MISTAKES = [
    ("{id: order, fields: [{key: total_revenue}]}", "'total_revenue' is a standard field of event type 'order', which"),
    ("{id: order, fields: [{key: product}]}", "'product' is a standard field of event type 'order', which can be"),
    (
        "{id: order, fields: [{key: product, fields: [{key: SKU}]}]}",
        "'product.SKU' is a standard field of event type 'order', which can be extended but not changed",
    ),
    (
        "{id: a, fields: [{key: b, fields: [{key: c}]}]}, {id: a_b}",
        "event type 'a_b' would share the table 'events_a_b'",
    ),
    ("{id: a}, {id: A}", "event type 'A' stands in the list already (case does not count); put both into one"),
]


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        ("date: Day\n", "date: visit.day\n          source: visits\n", "visits.day"),
        ("{column: SKU, property: id}", "{column: order.sku, property: id}", "orders.sku"),
        ("      mappings:\n", "      mappings:\n        - {column: orderz.city, property: city}\n", "orders.city"),
    ],
)
def test_a_linked_file_is_called_by_its_name(defs: Path, old: str, new: str, meant: str) -> None:
    (problem,) = told(defs, None, MODEL, changed(WITH_EVENTS, (old, new)))
    assert f"did you mean '{meant}'?" in problem
    assert problem.count("no linked file is called") == 1


def test_items_of_a_linked_file_without_its_source_are_warned_of(
    defs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_lines = ("{column: SKU, property: id}", "{column: orders.sku, property: id}")
    assert told(defs, None, MODEL, changed(WITH_EVENTS, of_lines)) == []
    assert main(["check", "--defs", str(defs)]) == 0
    warning = (
        "product of order takes one item, of the last row of linked file orders, as it has no source;"
        " source: orders makes one of each row"
    )
    assert f"warning: connection shop: goal customers: {warning}\n" in capsys.readouterr().out
    told(
        defs,
        None,
        MODEL,
        changed(WITH_EVENTS, of_lines, ("property: product\n", "property: product\n              source: orders\n")),
    )
    assert main(["check", "--defs", str(defs)]) == 0
    assert "no source" not in capsys.readouterr().out


def test_a_column_is_of_the_source_below_it_or_of_the_root(defs: Path) -> None:
    shop = changed(WITH_EVENTS, ("date: Day\n", "date: visits.day\n          source: orders\n"))
    (problem,) = told(defs, None, MODEL, shop)
    assert "column 'visits.day' is of linked file 'visits', but these are rows of linked file 'orders'" in problem


@pytest.mark.parametrize(("types", "expected"), MODEL_MISTAKES)
def test_every_mistake_between_event_types_is_told(defs: Path, types: str, expected: str) -> None:
    (problem,) = told(defs, None, MODEL + f"  event_types: [{types}]\n")
    assert problem.startswith("model/defs.yaml:10: ")
    assert problem.partition(": ")[2].startswith(expected)


def test_a_goal_brings_mappings_or_events(defs: Path) -> None:
    lines = [
        line for line in SHOP.splitlines(keepends=True) if "column: City" not in line and "column: Spend" not in line
    ]
    (problem,) = told(defs, None, MODEL, "".join(lines).replace("      mappings:\n", ""))
    assert "an import needs mappings, events, interactions or several of them" in problem
