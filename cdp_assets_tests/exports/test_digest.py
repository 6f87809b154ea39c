"""The digest that tells whether a profile changed: equal for equal profiles, and for no others."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.sql import schema, tables
from cdp_assets.sql.exports import profile_digest
from cdp_assets.sql.text import sql
from cdp_assets.warehouse import scratch

PROPERTIES = [
    {"name": "a"},
    {"name": "a-b"},
    {"name": "b", "type": "number"},
    {"name": "c", "multiple": True},
    {"name": "d", "type": "decimal"},
    {"name": "e", "type": "datetime"},
    {"name": "f", "type": "json"},
]
texts = st.none() | st.lists(st.sampled_from(["", "a", "b", "1", " ", "\x1f", "\x1e", "a ", '"']), max_size=4).map(
    "".join
)
people = st.tuples(
    texts,
    texts,
    st.none() | st.integers(-1, 12),
    st.none() | st.lists(texts.map(str), max_size=2),
    st.none() | st.integers(-1, 12).map(Decimal),
    st.none() | st.integers(0, 2).map(lambda day: datetime(2026, 1, 1 + day, tzinfo=UTC)),
    st.none() | st.sampled_from(['{"a":1}', '{"a":"\\u001f"}']),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(rows=st.lists(people, min_size=30, max_size=60))
def test_equal_profiles_and_no_others_have_one_digest(rows):
    model = CustomerModelConfig.model_validate({"properties": PROPERTIES})
    wider = CustomerModelConfig.model_validate({"properties": [*PROPERTIES, {"name": "aa"}, {"name": "z"}]})
    with scratch() as engine:
        table = tables.profiles_table(wider.properties)
        for statement in schema.create_table(table):
            engine.run(statement)
        engine.insert(table.path, [prop["name"] for prop in PROPERTIES], rows)
        found = [
            [digest for (digest,) in engine.rows(sql("SELECT {d} FROM main.profiles", d=profile_digest(one)))]
            for one in (model, wider)
        ]
        stored = engine.rows(sql("SELECT to_json(COLUMNS(* EXCLUDE (profile_id)))::VARCHAR FROM main.profiles"))
    assert found[0] == found[1]
    assert len(set(found[0])) == len(set(stored))
    assert len(set(zip(found[0], stored, strict=True))) == len(set(stored))
