from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_assets.sql.dialect import LONG_LIST, appended, distinct_in_order
from cdp_assets.sql.text import Sql, sql
from cdp_assets.warehouse import scratch

LISTS = st.lists(st.sampled_from("abcdef"), max_size=4)
LONG = st.integers(1, 400).flatmap(lambda kinds: st.lists(st.integers(0, kinds), min_size=LONG_LIST, max_size=300))


@pytest.fixture(scope="module")
def database():
    with scratch() as opened:
        yield opened


def each_once(values):
    return list(dict.fromkeys(values))


@settings(deadline=None, max_examples=60)
@given(st.one_of(LISTS, LONG.map(lambda numbers: [str(number) for number in numbers])))
def test_a_list_of_any_length_keeps_each_value_at_its_first_place(database, values):
    query = sql("SELECT {once} FROM (SELECT ?::VARCHAR[] AS v)", once=distinct_in_order(Sql("v")))
    assert database.row(query, [values]) == (each_once(values),)


@settings(deadline=None, max_examples=60)
@given(st.one_of(st.tuples(LISTS, LISTS), st.tuples(LONG, LONG)))
def test_values_are_put_behind_a_list_of_any_length_that_lacks_them(database, lists):
    old, new = (each_once([str(value) for value in values]) for values in lists)
    query = sql("SELECT {both} FROM (SELECT ?::VARCHAR[] AS o, ?::VARCHAR[] AS n)", both=appended(Sql("o"), Sql("n")))
    assert database.row(query, [old, new]) == (each_once(old + new),)
