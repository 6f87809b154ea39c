"""An object after patches is the same object whether its keys had to be put in order or not."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cdp_assets.config.files import Format
from cdp_assets.config.properties import Property
from cdp_assets.sql.dialect import patched
from cdp_assets.sql.text import Sql, sql
from cdp_assets.sql.values import object_in_order, typed

MANY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
OBJECT = Property(name="o", type="json")
KEYS = st.sampled_from(["b", "a", "a!", 'a"', "é"])
values = st.recursive(
    st.sampled_from([1, 2, "x", "{", True, [], [{"b": 1, "a": 2}]]),
    lambda inner: st.dictionaries(KEYS, inner),
    max_leaves=6,
)
objects = st.dictionaries(KEYS, values, max_size=4)
FULL, TURNED = {"a": {"b": 1, "a": 2}, "b": 3}, {"b": 4, "a": {"a": 5, "b": 6}}


def in_order(value):
    return {key: in_order(value[key]) for key in sorted(value)} if isinstance(value, dict) else value


def merged(old, patch):
    if not isinstance(patch, dict):
        return patch
    kept = old if isinstance(old, dict) else {}
    return kept | {key: merged(kept.get(key), one) for key, one in patch.items()}


def as_read(text: Sql) -> Sql:
    return typed(OBJECT, text, Format())


def after_patches(text: Sql) -> Sql:
    old = as_read(sql("({text}::JSON -> 'old')::VARCHAR", text=text))
    patches = sql(
        "list_transform(json_extract({text}::JSON, '$.patches[*]'), lambda p: {one})",
        text=text,
        one=as_read(Sql("p::VARCHAR")),
    )
    return patched(old, patches)


@MANY
@example([(FULL, [TURNED]), (FULL, [{"b": 1}]), (FULL, [{"a": {"a": 1}, "b": 2}]), (FULL, [{"0": 1}, TURNED])])
@example([(None, [TURNED]), (None, [TURNED, FULL]), ({}, [TURNED]), (FULL, [{}]), ({"c": 1}, [TURNED, {"c": 2}])])
@given(st.lists(st.tuples(st.none() | objects, st.lists(objects, min_size=1, max_size=3)), min_size=1, max_size=20))
def test_an_object_is_patched_field_by_field_and_its_keys_are_in_order(evaluate, cases):
    texts = [json.dumps({"old": old, "patches": patches}) for old, patches in cases]
    expected = []
    for old, patches in cases:
        whole = old
        for patch in patches:
            whole = merged(whole, patch)
        expected.append(json.dumps(in_order(whole), ensure_ascii=False, separators=(",", ":")))
    assert evaluate(after_patches, texts) == expected


@MANY
@example(
    ["{}", "[]", "null", "x", '{"a":1', '{"a":null}', '{"a":{"b":null},"b":[{"d":null,"c":1}]}', '{"a":1e5,"b":1.50}']
)
@example(['{"\\u0009":"\\u00e9","a":{"b":{"b":{"b":{"b":{"b":{"a":1,"b":2}}}}}},"\\u20ac":12345678901234567890123}'])
@given(st.lists(objects.map(in_order).map(json.dumps), min_size=1, max_size=20))
def test_an_object_whose_keys_are_in_order_is_read_as_any(evaluate, texts):
    assert evaluate(object_in_order, texts) == evaluate(as_read, texts)


def test_an_object_that_names_a_key_twice_is_none(evaluate):
    twice = ['{"a":1,"a":1}', '{"b":{"a":1,"a":2}}', '\n {"b":{"c":{"d":{"e":1,"x":2,"e":3}}}}', '{"a":1,"a":null}']
    once = ['{"a":{"b":1},"a.b":2}', '{"a":{"b":1},"b":{"a":1}}', '{"":1,"*":2}', '{"A":1,"a":{}}']
    assert evaluate(as_read, twice) == [None] * len(twice)
    assert evaluate(as_read, once) == once
