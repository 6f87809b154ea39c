"""Mistakes in the conditions of segments, as `check` tells them: line, what is wrong, what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_assets.components.loading import find_problems, load_deployment
from cdp_assets_tests.components.folders import SHOP, write

MODEL = """\
type: cdp_assets.CustomerModel
attributes:
  properties:
    - {name: email, type: email}
    - {name: city}
    - {name: points, type: number}
    - {name: seen, type: datetime}
    - {name: tags, multiple: true}
    - {name: home, group_type: household}
    - {name: tier, choices: [Gold, Silver]}
  group_types:
    - {id: household, properties: [{name: size, type: number}]}
  lifecycles:
    - id: club
      entrance: {segment: vip}
      stages: [{id: first, where: {segment: vip}}, {id: second, where: {property: city, values: [Ede]}}]
  segments:
    - {name: vip, where: {property: points, in_range: {min: 5}}}
"""
LINE = MODEL.count("\n") + 1


@pytest.fixture
def defs(tmp_path: Path) -> Path:
    return tmp_path / "defs"


def with_segments(defs: Path, *conditions: str) -> Path:
    lines = [f"    - {{name: s{number}, where: {where}}}\n" for number, where in enumerate(conditions)]
    return write(defs, model=MODEL + "".join(lines), shop=SHOP.replace("property: spend", "property: points"))


GOOD = [
    "{property: city, values: [Ede]}",
    "{property: city, operator: contains_any, values: [Ede]}",
    "{property: points, operator: in_range, min: 5, max: 5}",
    "{property: seen, operator: not_in_last_days, days: 5}",
    "{property: seen, in_next_hours: 5}",
    "{property: seen, in_range: {min: 2026-01-31, max: 2026-01-31T12:00:00+02:00}}",
    "{property: seen, contains_any: [2026-01-31]}",
    "{property: tags, not_contains_all: [a, 5, 1.5]}",
    "{property: tier, values: [gold, Silver]}",
    "{property: creation_date, in_last_days: 7}",
    "{property: domain_group, values: [DEFAULT]}",
    "{not: {any: [{segment: vip}, {all: [{inverse_of: s0}, {property: email, not_is_empty: true}]}]}}",
    (
        "{event: {type: order, where: [{field: affiliation, values: [web]}, {field: date, not_in_last_hours: 2}],"
        " items: [{of: product, where: [{field: category, values: [books]}]}], in_last_days: 30,"
        " count: {at_least: 2}, sum: {field: netprice, of: product, at_least: 99.5}}}"
    ),
    "{event: {type: abandoned_basket, in_range: {min: 2026-01-01}, count: {at_most: 0}}}",
    "{group: {type: household, where: [{property: size, in_range: {min: 3}}], count: {at_most: 2}}}",
    "{all: [{lifecycle: club}, {lifecycle: club, state: not_in_no_stage}, {lifecycle: club, in_stage: [first]}]}",
    "{any: [{lifecycle: club, state: completed}, {lifecycle: club, not_in_stage: [first, second]}]}",
    "{sql: SELECT profile_id FROM events_order JOIN groups_household_members USING (profile_id)}",
    "{sql: \"seen > $now - INTERVAL 1 DAY AND 'a' IN tags\"}",
    "{all: [{sql: \"SELECT profile_id FROM segment_members WHERE segment = 'vip'\"}, {segment: s9}]}",
]
BAD = [
    ("{property: city, in_range: {min: 5}}",
     "in_range needs a property of type currency, datetime, decimal, number; 'city' is text; accepted: contains_all, "),
    ("{property: points, not_in_next_days: 5}", "not_in_next_days needs a property of type datetime; 'points' is num"),
    ("{property: seen, in_last_days: 0}", "segments[1].where.in_last_days must be greater than or equal to 1"),
    ("{property: seen, in_last_dayz: 5}",
     "unknown key 'in_last_dayz' in segments[1].where (property); did you mean 'in_last_days'? accepted: contains_al"),
    ("{property: city, contains_any: [yes]}", "segments[1].where.contains_any[0]: put it in quotes: YAML reads yes, "),
    ("{property: city, contains_any: [a], is_empty: true}",
     "segments[1].where: give one operator, not contains_any and is_empty; join two conditions with all or any"),
    ("{property: city}", "segments[1].where: asks nothing; add an operator, such as contains_any: [red, blue], or "),
    ("{property: seen, operator: in_last_days}", "segments[1].where: in_last_days needs days"),
    ("{property: seen, operator: in_last_days, days: 5, hours: 1}", "segments[1].where: in_last_days takes no hours"),
    ("{property: seen, in_last_days: 5, days: 5}", "segments[1].where: in_last_days has its own operand; remove days"),
    ("{property: points, in_range: {min: 6, max: 5}}", "segments[1].where.in_range: min 6 is above max 5: nothing fit"),
    ("{property: points, in_range: {}}", "segments[1].where.in_range: needs min, max or both"),
    ("{property: points, in_range: {min: 2026-01-31}}", "min must be a number such as 100; 'points' is number"),
    ("{property: points, contains_any: [1.5, lots]}", "'lots' is no number; 'points' is number"),
    ("{property: tier, contains_any: [gold, Gould]}", "'tier' is never 'Gould'; its choices: Gold, Silver"),
    ("{property: seen, contains_any: [soon]}", "'soon' is not a date and time such as 2026-01-31T00:00:00Z; 'seen' is"),
    ("{property: creation_dat, in_last_days: 3}",
     "unknown property 'creation_dat'; known, nearest first: creation_date, "),
    ("{not: {segment: vop}}", "unknown segment 'vop'; known, nearest first: vip, s0"),
    ("{}", "missing what segments[1].where asks for; accepted: all, any, not, segment, inverse_of, sql, event, "),
    ("{inverse_of: vop}", "unknown segment 'vop'; known, nearest first: vip, s0"),
    ("{all: [{segment: s0}]}", "a segment cannot need itself: 's0' needs 's0'; take one of them out"),
    ("{event: {type: ordr}}", "unknown event type 'ordr'; known, nearest first: order, abandoned_basket"),
    ("{event: {type: order, where: [{field: afiliation, values: [web]}]}}",
     "unknown field 'afiliation' of event type 'order'; known, nearest first: affiliation, "),
    ("{event: {type: order, where: [{field: product, values: [web]}]}}",
     "field 'product' of event type 'order' holds items; write items: [{of: product, where: […]}] instead"),
    ("{event: {type: order, where: [{field: affiliation, in_last_days: 2}]}}", "in_last_days needs a property of type"),
    ("{event: {type: order, in_range: {min: 5}}}", "min must be a date and time such as 2026-01-31T00:00:00Z; 'date' "),
    ("{event: {type: order, items: [{of: products, where: [{field: id, is_empty: true}]}]}}",
     "event type 'order' has no nested field 'products'; accepted: product"),
    ("{event: {type: order, items: [{of: product, where: [{field: color, is_empty: true}]}]}}",
     "unknown field 'color' of event type 'order'; known, nearest first: "),
    ("{event: {type: order, sum: {field: affiliation, at_least: 5}}}",
     "'affiliation' is no single number, so it has no sum; accepted: "),
    ("{event: {type: order, sum: {field: revenue}}}", "segments[1].where.event.sum: needs at_least, at_most or both"),
    ("{event: {type: order, count: {at_least: 3, at_most: 2}}}",
     "segments[1].where.event.count: at_least 3 is above at_most 2: nothing fits"),
    ("{event: {type: order, within: 3}}", "unknown key 'within' in segments[1].where.event"),
    ("{group: {type: home}}", "unknown group type 'home'; known, nearest first: household"),
    ("{group: {type: household, where: [{property: sise, is_empty: true}]}}", "unknown property 'sise'; known, near"),
    ("{group: {type: household, where: [{property: size, in_last_days: 2}]}}", "in_last_days needs a property of type"),
    ("{lifecycle: clubs}", "unknown lifecycle 'clubs'; known, nearest first: club"),
    ("{lifecycle: club, in_stage: [first, secnd]}",
     "lifecycle 'club' has no stage 'secnd'; it has, nearest first: second, first"),
    ("{lifecycle: club, not_in_stage: [third]}", "lifecycle 'club' has no stage 'third'; it has, nearest first: "),
    ("{lifecycle: club, in_stage: []}", "segments[1].where.in_stage"),
    ("{lifecycle: club, state: inside}", "segments[1].where.state: 'inside' is not accepted; "),
    ("{lifecycle: club, state: in, in_stage: [first]}",
     "segments[1].where: give one of state, in_stage; join two conditions with all or any"),
    ("{sql: \"citty = 'Ede'\"}", 'sql does not fit the tables: Binder Error: Referenced column "citty" not found'),
    ("{sql: city}", "sql must be true or false for each profile; it is varchar"),
    ("{sql: SELECT city FROM profiles}", "sql must give one column, profile_id; it gives varchar"),
    ("{sql: \"SELECT profile_id, city FROM profiles\"}", "sql must give one column, profile_id; it gives uuid, varch"),
    ("{sql: count(*) > 5}", "sql does not fit the tables: Binder Error: column \"profile_id\" must appear in the GRO"),
    ("{sql: seen > now()}", "sql may not use now(), which changes by itself; write $now for the start of the run"),
    ("{sql: \"SELECT profile_id FROM people\"}", "sql does not fit the tables: Catalog Error: Table with name people"),
    ("{sql: DROP TABLE profiles}", "sql can only read, by a SELECT or an expression"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "expected"), BAD)
def test_a_mistake_is_told_with_its_line(defs: Path, where: str, expected: str) -> None:
    [problem] = find_problems(with_segments(defs, where))
    assert problem.line == LINE
    assert problem.message.startswith(expected)


@pytest.mark.parametrize(("where", "added"), [
    ("where: [{field: waist, is_empty: true}]", "fields: [{key: waist}]"),
    ("items: [{of: product, where: [{field: waist, is_empty: true}]}]",
     "fields: [{key: product, fields: [{key: waist}]}]"),
])  # fmt: skip
def test_a_field_that_none_resembles_is_told_with_how_to_add_it(defs: Path, where: str, added: str) -> None:
    [problem] = find_problems(with_segments(defs, f"{{event: {{type: order, {where}}}}}"))
    assert problem.message.endswith(f"; or add it to the customer model: event_types: [{{id: order, {added}}}]")


def test_what_fits_is_accepted(defs: Path) -> None:
    assert len(load_deployment(with_segments(defs, *GOOD)).model.segments) == len(GOOD) + 1


def test_a_circle_is_told_once_with_the_names(defs: Path) -> None:
    with_segments(defs, "{segment: s1}", "{any: [{inverse_of: vip}, {segment: s0}]}", "{segment: s0}")
    [problem] = find_problems(defs)
    assert problem.line == LINE
    assert problem.message.startswith("a segment cannot need itself: 's0' needs 's1' needs 's0'; take")


def test_a_circle_through_a_lifecycle_is_told_with_both_names(defs: Path) -> None:
    around = MODEL.replace("values: [Ede]", "operator: not_is_empty").replace(
        "entrance: {segment: vip}", "entrance: {segment: s0}"
    )
    line = "    - {name: s0, where: {all: [{segment: vip}, {lifecycle: club, state: completed}]}}\n"
    write(defs, model=around + line, shop=SHOP.replace("property: spend", "property: points"))
    [problem] = find_problems(defs)
    assert problem.line == LINE
    assert (
        problem.message == "a segment cannot need itself: 's0' needs lifecycle 'club' needs 's0'; take one of them out"
    )


def test_a_lifecycle_cannot_ask_for_itself(defs: Path) -> None:
    around = MODEL.replace("{property: city, values: [Ede]}", "{lifecycle: club, in_stage: [first]}")
    write(defs, model=around, shop=SHOP.replace("property: spend", "property: points"))
    [problem] = find_problems(defs)
    assert problem.line == around[: around.index("stages:")].count("\n") + 1
    assert problem.message.startswith("a lifecycle cannot need itself: lifecycle 'club' needs lifecycle 'club'; take")


def test_sql_is_held_against_the_columns_only_where_all_of_them_are_known(defs: Path) -> None:
    broken = MODEL.replace("{name: city}", "{name: city, type: txt}")
    write(
        defs, model=broken + "    - {name: a, where: {sql: city = ''}}\n    - {name: b, where: {sql: now() = seen}}\n"
    )
    messages = [problem.message for problem in find_problems(defs)]
    assert [message[:24] for message in messages if "properties" in message or "sql" in message] == [
        "properties[1].type: 'txt",
        "sql may not use now(), w",
    ]
