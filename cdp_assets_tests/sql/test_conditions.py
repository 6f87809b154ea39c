"""Every operator of a segment, held against the same rule in plain Python over profiles made by chance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.questions import Operator, operators_of
from cdp_assets.config.segments import Segment
from cdp_assets.sql.conditions import Moment, predicate
from cdp_assets.sql.schema import create_table
from cdp_assets.sql.tables import SEGMENT_MEMBERS, profiles_table
from cdp_assets.sql.text import Sql, sql
from cdp_assets_tests.oracle.selecting import meets
from cdp_assets_tests.sql.rows import MANY

SOME = settings(MANY, max_examples=25)
NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
TYPES = {
    "city": "text", "tags": "text", "mail": "email", "points": "number", "scores": "number",
    "spend": "decimal", "paid": "currency", "born": "datetime", "visits": "datetime",
    "creation_date": "datetime", "last_modified_date": "datetime", "domain_group": "text",
}  # fmt: skip
SEVERAL = {"tags", "scores", "visits"}
OWN = {"creation_date", "last_modified_date", "domain_group"}
MODEL = CustomerModelConfig.model_validate(
    {
        "properties": [
            {"name": name, "type": kind, "multiple": name in SEVERAL}
            | ({"precision": 2} if kind == "decimal" else {})
            | ({"currency": "EUR"} if kind == "currency" else {})
            for name, kind in TYPES.items()
            if name not in OWN
        ]
    }
)
TEXTS = st.sampled_from([
    "Ede", "EDE", "ede", "ede ", "Straße", "STRASSE", "STRAẞE", "ΟΔΟΣ", "οδος", "οδοσ", "İzmir", "izmir", "\u0131znik",
    "IZNIK", "\u017f", "S", "\u212a", "k", "ﬁ", "FI", "é", "É", "e\u0301", "it's", "a{b}", "%", "", "京", "\U0001f600",
    "a\nb",
])  # fmt: skip
MOMENTS = st.builds(
    lambda days, seconds: NOW + timedelta(days=days, microseconds=seconds),
    st.integers(-3, 3),
    st.sampled_from([0, 1, -1, 3_600_000_000, -3_600_000_000, 3_600_000_001]),
)
NUMBERS = {
    "number": st.sampled_from([0, 1, -1, 2, 3, 2**63 - 1, -(2**63) + 1]),
    "decimal": st.sampled_from([Decimal(text) for text in ("0", "0.01", "-0.01", "1.5", "2", "9999999999999999.99")]),
    "currency": st.sampled_from([Decimal(text) for text in ("0", "0.01", "-0.01", "1.50", "2")]),
}
ASKED = st.sampled_from(
    [0, 1, 2, "1.50", "0.005", "-0.005", "1.5", "0.011", "2.0", 2**63 - 1, 2**63, "-1e19", "1e16", "99999999999999999"]
)


def values_of(kind):
    return NUMBERS.get(kind, MOMENTS if kind == "datetime" else TEXTS)


def asked_of(kind):
    return ASKED if kind in NUMBERS else MOMENTS.map(datetime.isoformat) if kind == "datetime" else TEXTS


@st.composite
def profiles(draw):
    found = {}
    for name, kind in TYPES.items():
        one = values_of(kind)
        found[name] = draw(st.none() | (st.lists(one, max_size=3, unique=True) if name in SEVERAL else one))
    return found


@st.composite
def ranges(draw, kind):
    low, high = sorted(draw(st.lists(asked_of(kind), min_size=2, max_size=2)), key=lambda one: _sortable(one, kind))
    return draw(st.sampled_from([{"min": low, "max": high}, {"min": low}, {"max": high}]))


def _sortable(value, kind):
    return Decimal(str(value)) if kind in NUMBERS else value


@st.composite
def questions(draw, name=None):
    name = name or draw(st.sampled_from(sorted(TYPES)))
    kind = TYPES[name]
    operator = draw(st.sampled_from(sorted(operators_of(kind))))
    is_long = draw(st.booleans())
    if "contains" in operator:
        values = draw(st.lists(asked_of(kind), min_size=1, max_size=3))
        return {"property": name} | ({"operator": operator, "values": values} if is_long else {operator: values})
    if operator.endswith("in_range"):
        found = draw(ranges(kind))
        return {"property": name} | ({"operator": operator, **found} if is_long else {operator: found})
    if operator.endswith("empty"):
        return {"property": name} | ({"operator": operator} if is_long else {operator: True})
    unit, number = operator.split("_")[-1], draw(st.integers(1, 72))
    return {"property": name} | ({"operator": operator, unit: number} if is_long else {operator: number})


MEMBERSHIPS = st.sampled_from([{"segment": "vip"}, {"inverse_of": "vip"}, {"segment": "old"}])
TREES = st.recursive(
    questions() | MEMBERSHIPS,
    lambda below: (
        st.builds(lambda parts: {"all": parts}, st.lists(below, min_size=1, max_size=3))
        | st.builds(lambda parts: {"any": parts}, st.lists(below, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, below)
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def select(engine):
    """The numbers of the profiles that meet a condition."""
    table = profiles_table(MODEL.properties)
    for statement in (*create_table(table, replace=True), *create_table(SEGMENT_MEMBERS, replace=True)):
        engine.run(statement)

    def run(condition, found, members):
        where = Segment.model_validate({"name": "s", "where": condition}).where
        engine.run(Sql("DELETE FROM main.profiles"))
        engine.run(Sql("DELETE FROM main.segment_members"))
        columns = ["profile_id", *TYPES]
        ids = [f"00000000-0000-0000-0000-{number:012d}" for number in range(len(found))]
        rows = [[one, *(profile[name] for name in TYPES)] for one, profile in zip(ids, found, strict=True)]
        engine.insert(Sql("main.profiles"), columns, rows)
        engine.insert(Sql("main.segment_members"), ["segment", "profile_id"], [
            [segment, one] for one, member in zip(ids, members, strict=True) for segment in member if member[segment]
        ])  # fmt: skip
        test = predicate(where, Moment(MODEL, NOW))
        rows = engine.rows(sql("SELECT profile_id, {test} FROM main.profiles ORDER BY profile_id", test=test))
        return [answer for _, answer in rows]

    return run


PEOPLE = st.lists(profiles(), min_size=1, max_size=8)
MEMBERS = st.fixed_dictionaries({"vip": st.booleans(), "old": st.booleans()})


@pytest.mark.parametrize("name", sorted(TYPES))
@SOME
@given(data=st.data(), people=PEOPLE)
def test_an_operator_agrees_with_the_plain_python_rule(select, name, data, people):
    condition = data.draw(questions(name))
    members = [{"vip": False, "old": False} for _ in people]
    expected = [meets(condition, profile, TYPES, NOW, {}) for profile in people]
    assert select(condition, people, members) == expected


@MANY
@given(condition=TREES, people=PEOPLE, data=st.data())
def test_a_tree_agrees_with_the_plain_python_rule(select, condition, people, data):
    members = data.draw(st.lists(MEMBERS, min_size=len(people), max_size=len(people)))
    pairs = zip(people, members, strict=True)
    expected = [meets(condition, profile, TYPES, NOW, member) for profile, member in pairs]
    assert select(condition, people, members) == expected


EMPTY = dict.fromkeys(TYPES)
VIP = [{"vip": True, "old": False}]


@pytest.mark.parametrize("operator", sorted(Operator))
def test_not_forms_are_true_for_an_empty_property_and_the_others_are_not(select, operator):
    operand = ["2026-01-01"] if "contains" in operator else {"min": "2026-01-01"} if "range" in operator else 1
    question = {"property": "born", operator: True if "empty" in operator else operand}
    true = operator in {"is_empty"} or (operator.startswith("not_") and operator != "not_is_empty")
    assert select(question, [EMPTY], VIP) == [true]
    assert select(question | {"property": "visits"}, [EMPTY | {"visits": []}], VIP) == [true]


@pytest.mark.parametrize(
    ("question", "held", "true"),
    [
        ({"property": "city", "values": ["EDE"]}, {"city": "ede"}, True),
        ({"property": "city", "contains_any": ["οδοσ"]}, {"city": "ΟΔΟΣ"}, True),
        ({"property": "city", "contains_any": ["οδος"]}, {"city": "ΟΔΟΣ"}, True),
        ({"property": "city", "contains_all": ["Ede", "EDE"]}, {"city": "ede"}, True),
        ({"property": "city", "contains_all": ["Ede", "Epe"]}, {"city": "ede"}, False),
        ({"property": "tags", "contains_all": ["B", "a"]}, {"tags": ["a", "b", "c"]}, True),
        ({"property": "points", "in_range": {"max": "1.5"}}, {"points": 2}, False),
        ({"property": "points", "contains_any": ["1.5"]}, {"points": 2}, False),
        ({"property": "spend", "in_range": {"max": "0.005"}}, {"spend": Decimal("0.01")}, False),
        ({"property": "scores", "in_range": {"min": 4, "max": 6}}, {"scores": [1, 5, 9]}, True),
        ({"property": "scores", "not_in_range": {"min": 4, "max": 6}}, {"scores": [1, 5, 9]}, False),
        ({"property": "born", "in_last_hours": 1}, {"born": NOW}, True),
        ({"property": "born", "in_last_hours": 1}, {"born": NOW - timedelta(hours=1)}, True),
        ({"property": "born", "in_last_days": 1}, {"born": NOW - timedelta(days=1, microseconds=1)}, False),
        ({"property": "born", "in_next_days": 1}, {"born": NOW + timedelta(days=1)}, True),
        ({"property": "born", "in_next_days": 1}, {"born": NOW - timedelta(seconds=1)}, False),
        ({"property": "born", "contains_any": ["2026-03-29T03:30+02:00"]}, {"born": NOW}, True),
        ({"property": "domain_group", "contains_any": ["default"]}, {"domain_group": "DEFAULT"}, True),
        ({"property": "creation_date", "in_last_days": 7}, {"creation_date": NOW - timedelta(days=2)}, True),
    ],
    ids=str,
)  # fmt: skip
def test_one_question(select, question, held, true):
    assert select(question, [EMPTY | held], VIP) == [true]
    assert meets(question, EMPTY | held, TYPES, NOW, {}) is true
