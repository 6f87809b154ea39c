import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_assets.errors import FileError
from cdp_assets.sql.processing import MissingFieldError, processing_steps
from cdp_assets.sql.text import Sql, Step, chain, ident, sql
from cdp_assets_tests.sql.rows import AT, CELLS, MANY, cells, read

HOSTILE = 'a"; DROP TABLE x; --{source}'


def test_fields_are_made_from_others(process):
    row = {"first": "Jan", "between": None, "last": "Vos", "tags": " x ||y|z"}
    (found,) = process(
        [row],
        {"concatenate": {"fields": ["first", "between", "last"], "separator": " ", "into": "name"}},
        {"concatenate": {"fields": ["between"], "into": "first"}},
        {"split": {"field": "tags", "into": ["one", "two", "last"]}},
        {"split": {"field": "tags", "count": 5}},
        {"fixed_value": {"field": "source", "value": "shop"}},
    )
    assert found == {
        "line_no": 2, "first": None, "between": None, "last": "y", "tags": " x ||y|z", "name": "Jan Vos", "one": "x",
        "two": None, "tags_1": "x", "tags_2": None, "tags_3": "y", "tags_4": "z", "tags_5": None, "source": "shop",
    }  # fmt: skip


def test_null_words_go_from_all_fields_also_new_ones(process):
    (found,) = process(
        [{"a": "null", "b": "NULL"}], {"fixed_value": {"field": "c", "value": "null"}}, {"remove_null": None}
    )
    assert found == {"line_no": 2, "a": None, "b": None, "c": None}


ROWS = ["x", "y", None, "x", None, "y", "z"]


@pytest.mark.parametrize(
    ("processor", "lines"),
    [
        ({"duplicate_check": {"fields": ["a"]}}, [4, 5, 6, 7, 8]),
        ({"duplicate_check": {"fields": ["a"], "keep": "first"}}, [2, 3, 4, 6, 8]),
        ({"filter": {"field": "a", "pattern": "[xz]"}}, [2, 5, 8]),
        ({"filter": {"field": "a", "pattern": "[xz]", "keep": "other"}}, [3, 4, 6, 7]),
        ({"filter": {"field": "a", "pattern": "^$", "keep": "other"}}, [2, 3, 5, 7, 8]),
        ({"first_rows": {"n": 2}}, [2, 3]),
        ({"first_rows": {"n": 200}}, [2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_which_rows_stay(process, processor, lines):
    assert [row["line_no"] for row in process([{"a": text} for text in ROWS], processor)] == lines


def test_duplicates_by_several_fields_and_processors_in_their_order(process):
    rows = [{"a": "x", "b": None}, {"a": "X", "b": "1"}, {"a": "X", "b": None}, {"a": None, "b": None}]
    check = {"duplicate_check": {"fields": ["a", "b"], "keep": "first"}}
    assert [row["line_no"] for row in process(rows, check)] == [2, 3, 4, 5]
    lower = {"casing": {"fields": ["a"], "to": "lower"}}
    assert [row["line_no"] for row in process(rows, lower, check)] == [2, 3, 5]
    assert [row["line_no"] for row in process(rows, lower, check, {"first_rows": {"n": 1}})] == [2]


@pytest.mark.parametrize(
    "processor",
    [
        {"email_cleansing": {"field": "b"}},
        {"convert_value": {"field": "b", "values": {"a": "b"}}},
        {"concatenate": {"fields": ["a", "b"], "into": "c"}},
        {"casing": {"fields": ["a", "b"], "to": "upper"}},
        {"date_format": {"field": "b", "from": "YYYY", "to": "YY"}},
        {"duplicate_check": {"fields": ["b"]}},
        {"filter": {"field": "b", "pattern": ""}},
        {"hash": {"fields": ["b"]}},
        {"split": {"field": "b", "count": 1}},
        {"phone_cleansing": {"field": "b"}},
        {"find_replace": {"field": "b", "pattern": "a"}},
        {"trim": {"fields": ["b"]}},
        {"python": {"field": "b", "callable": "a:b"}},
    ],
)
def test_a_missing_field(processor):
    name = next(iter(processor))
    with pytest.raises(MissingFieldError, match=rf'^Processor 2 \({name}\): field "b" not found$') as error:
        processing_steps(read({"remove_null": None}, processor), {"a": Sql("f0")}, "cells", AT)
    assert isinstance(error.value, FileError)


def test_nothing_to_do_takes_no_step():
    processed = processing_steps([], {"a": Sql("f0")}, "cells", AT)
    assert (processed.steps, processed.columns, processed.result) == ([], {"a": "f0"}, "cells")
    assert not processed.drops_rows


@pytest.mark.parametrize("name", ["duplicate_check", "filter", "first_rows", "trim"])
def test_who_drops_rows(name):
    given_settings = {"filter": {"field": "a", "pattern": "x"}, "first_rows": {"n": 1}}.get(name, {"fields": ["a"]})
    processed = processing_steps(read({name: given_settings}), {"a": Sql("f0")}, "cells", AT)
    assert processed.drops_rows is (name != "trim")


def test_names_of_fields_never_reach_the_engine(process):
    rows = [{HOSTILE: "x y", "{source}": "{cell}"}]
    (found,) = process(
        rows,
        {"split": {"field": HOSTILE, "separator": " ", "prefix": HOSTILE, "count": 2}},
        {"concatenate": {"fields": [HOSTILE, "{source}"], "separator": "'{x}", "into": "f0"}},
        {"fixed_value": {"field": "LINE_NO", "value": "{rows}"}},
    )
    assert found[HOSTILE + "_2"] == "y"
    assert (found["f0"], found["LINE_NO"], found["line_no"]) == ("x y'{x}{cell}", "{rows}", 2)
    processed = processing_steps(
        read({"split": {"field": HOSTILE, "count": 1}}), {HOSTILE: Sql("f0"), "{source}": Sql("f1")}, "cells", AT
    )
    assert "DROP" not in chain([Step("cells", Sql("SELECT 1")), *processed.steps])


def test_a_python_function_sees_the_distinct_values_where_it_stands(engine):
    rows = [{"a": text} for text in ("B ", "b", None, "a")]
    processors = read(
        {"trim": {"fields": ["a"]}},
        {"casing": {"fields": ["a"], "to": "lower"}},
        {"python": {"field": "a", "callable": "shop.names:double"}},
        {"filter": {"field": "a", "pattern": "^b"}},
    )
    processed = processing_steps(processors, {"a": Sql("f0")}, "cells", AT)
    (call,) = processed.calls
    steps = [cells(rows, ["a"]), *processed.steps]
    before = steps[: [step.name for step in steps].index(call.after) + 1]
    values = [value for (value,) in engine.rows(chain(before, call.values))]
    assert (call.callable, call.field, values) == ("shop.names:double", "a", ["a", "b", None])
    engine.run(sql("CREATE OR REPLACE TEMP TABLE {n} (value_in VARCHAR, value_out VARCHAR)", n=ident(call.answers)))
    engine.insert(ident(call.answers), ["value_in", "value_out"], [["a", ""], ["b", "bb"], [None, "b?"]])
    assert engine.rows(chain(steps)) == [(2, "bb"), (3, "bb"), (4, "b?")]


@MANY
@given(st.lists(CELLS, min_size=1, max_size=6), st.sampled_from(["|", ";", "; ", "a", "||", "'"]), st.integers(1, 4))
def test_split_agrees_with_the_plain_rule(process, texts, separator, count):
    rows = process([{"a": text} for text in texts], {"split": {"field": "a", "separator": separator, "count": count}})
    for row, text in zip(rows, texts, strict=True):
        parts = ((text or "").split(separator) + [""] * count)[:count]
        assert [row[f"a_{number}"] for number in range(1, count + 1)] == [part.strip() or None for part in parts]


@MANY
@given(
    st.lists(CELLS, min_size=1, max_size=8),
    st.sampled_from(["a", "^a", "b$", "[A1]", "a|b", "^$", r"\|", "é", "(?i)A", "^[^;]*$", ""]),
    st.sampled_from(["matching", "other"]),
)
def test_filter_agrees_with_the_plain_rule(process, texts, pattern, keep):
    rows = process([{"a": text} for text in texts], {"filter": {"field": "a", "pattern": pattern, "keep": keep}})
    wanted = [bool(re.search(pattern, text or "")) is (keep == "matching") for text in texts]
    assert [row["line_no"] for row in rows] == [line for line, stays in enumerate(wanted, start=2) if stays]


@MANY
@given(
    st.lists(st.tuples(*[st.sampled_from(["x", "X", "y", None])] * 2), min_size=1, max_size=12),
    st.sampled_from([["a"], ["b"], ["a", "b"]]),
    st.sampled_from(["first", "last"]),
)
def test_duplicate_check_agrees_with_the_plain_rule(process, pairs, fields, keep):
    rows = [{"a": a, "b": b} for a, b in pairs]
    found = process(rows, {"duplicate_check": {"fields": fields, "keep": keep}})
    kept = {}
    for line, row in enumerate(rows, start=2):
        key = tuple(row[field] for field in fields)
        key = key if any(key) else line
        kept[key] = kept[key] if keep == "first" and key in kept else line
    assert [row["line_no"] for row in found] == sorted(kept.values())
