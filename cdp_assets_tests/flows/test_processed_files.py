"""Processors and dates on their way through landing and fold: counts, lines and values."""

from __future__ import annotations

import pytest

from cdp_assets.errors import ConfigError, FileError
from cdp_assets_tests.flows.test_fold import goal, lab, people

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "city"},
    {"name": "seen", "type": "datetime"},
    {"name": "days", "type": "datetime", "multiple": True},
]
CITY = [{"column": "city", "property": "city"}]


def shout(texts):
    return [text.upper() if text else text for text in texts]


def forget(texts):
    return texts[1:]


def room_with(tmp_path, *processors, mappings=CITY, **settings):
    return lab(tmp_path, goal(mappings=mappings, processors=list(processors), **settings), properties=PROPERTIES)


def test_a_field_that_a_processor_adds_can_be_mapped_and_find_profiles(tmp_path):
    joined = {"concatenate": {"fields": ["name", "domain"], "separator": "@", "into": "address"}}
    room = room_with(tmp_path, joined, identifiers=[{"column": "address", "property": "email"}])
    room.land("customers", "customers_1.csv", "name,domain,city\nann,x.com,Rome\n")
    room.fold()
    assert people(room, "email, city") == [("ann@x.com", "Rome")]


def test_filtered_rows_are_counted_and_the_others_keep_their_lines(tmp_path):
    keep = {"filter": {"field": "city", "pattern": "^R", "keep": "matching"}}
    room = room_with(tmp_path, keep)
    room.land("customers", "customers_1.csv", "email,city\na@x.com,Oslo\nb@x.com,Rome\nbad,Riga\nc@x.com,Bonn\n")
    (batch,) = room.fold().folded
    counts = [batch[f"rows_{name}"] for name in ("received", "created", "filtered", "rejected")]
    assert counts == [4, 1, 2, 1]
    assert room.rows("SELECT line_no, raw_text FROM ops.rejects") == [(4, "bad")]


def test_lines_stay_true_where_the_file_needs_the_careful_way(tmp_path):
    keep = {"filter": {"field": "city", "pattern": "^R", "keep": "matching"}}
    room = room_with(tmp_path, keep)
    room.land("customers", "customers_1.csv", 'email,city\na@x.com,"Os\nlo"\n\nbad,Riga\nb@x.com,Rome,3\n')
    (batch,) = room.fold().folded
    assert [batch[f"rows_{name}"] for name in ("received", "filtered", "rejected")] == [3, 1, 2]
    assert room.rows("SELECT line_no FROM ops.rejects ORDER BY line_no") == [(5,), (6,)]


def test_processors_run_in_their_order(tmp_path):
    pairs = {"convert_value": {"field": "city", "values": {"rome": "Roma"}}}
    room = room_with(tmp_path, {"casing": {"fields": ["city"], "to": "lower"}}, pairs)
    room.land("customers", "customers_1.csv", "email,city\na@x.com,ROME\n")
    room.fold()
    assert people(room, "city") == [("Roma",)]


def test_a_missing_field_names_processor_and_field(tmp_path):
    room = room_with(tmp_path, {"trim": {"fields": ["town"]}})
    with pytest.raises(FileError, match=r'Processor 1 \(trim\): field "town" not found'):
        room.land("customers", "customers_1.csv", "email,city\na@x.com,Rome\n")


def test_a_python_function_sees_each_text_once_and_answers_in_order(tmp_path):
    room = room_with(tmp_path, {"python": {"field": "city", "callable": f"{__name__}:shout"}})
    room.land("customers", "customers_1.csv", "email,city\na@x.com,Rome\nb@x.com,Rome\nc@x.com,\n")
    room.fold()
    assert people(room, "city") == [("ROME",), ("ROME",), (None,)]


@pytest.mark.parametrize(("function", "message"), [("forget", "in their order"), ("nothing", "cannot be imported")])
def test_a_python_function_that_breaks_its_contract_is_named(tmp_path, function, message):
    room = room_with(tmp_path, {"python": {"field": "city", "callable": f"{__name__}:{function}"}})
    with pytest.raises(ConfigError, match=message):
        room.land("customers", "customers_1.csv", "email,city\na@x.com,Rome\n")


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["03/04/2021", "25/04/2021"], ["2021-04-03", "2021-04-25"]),
        (["03/04/2021", "05/06/2021"], ["2021-03-04", "2021-05-06"]),
        (["2021-04-03", "2021-04-25"], ["2021-04-03", "2021-04-25"]),
        (["14-Mar-21", ""], ["2021-03-14", None]),
        (["2021-04-03", "03/04/2021"], ["2021-04-03", None]),
    ],
)
def test_the_format_of_dates_is_decided_for_the_whole_column(tmp_path, texts, days):
    room = room_with(tmp_path, mappings=[{"column": "seen", "property": "seen"}])
    rows = "".join(f"p{number}@x.com,{text}\n" for number, text in enumerate(texts))
    room.land("customers", "customers_1.csv", f"email,seen\n{rows}")
    room.fold()
    assert [day for (day,) in people_by_mail(room)] == days


def people_by_mail(room):
    return room.rows("SELECT strftime(seen, '%Y-%m-%d') FROM main.profiles ORDER BY email")


def test_several_dates_in_one_cell_are_read_by_one_format(tmp_path):
    room = room_with(tmp_path, mappings=[{"column": "days", "property": "days", "rule": "add"}])
    room.land("customers", "customers_1.csv", "email,days\na@x.com,03/04/2021|25/04/2021\n")
    room.fold()
    assert room.rows("SELECT [strftime(d, '%m-%d') FOR d IN days] FROM main.profiles") == [(["04-03", "04-25"],)]


def test_a_date_in_a_gap_of_the_clock_moves_forward(tmp_path):
    zone = {"timezone": "Europe/Amsterdam", "date_format": "YYYY-MM-DD HH:mm"}
    room = room_with(tmp_path, mappings=[{"column": "seen", "property": "seen"}], format=zone)
    room.land("customers", "customers_1.csv", "email,seen\na@x.com,2023-03-27 12:36\nb@x.com,2023-03-26 02:30\n")
    room.fold()
    moments = room.rows("SELECT epoch_ms(seen) FROM main.profiles ORDER BY email")
    assert moments == [(1679913360000,), (1679794200000,)]
