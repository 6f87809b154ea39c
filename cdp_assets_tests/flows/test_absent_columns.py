"""Columns that are mapped and not in the file: nothing is changed by them, and a warning says so (spec.md 6.3)."""

from __future__ import annotations

import pytest

from cdp_assets.errors import FileError
from cdp_assets.flows.required_columns import nearly_called
from cdp_assets_tests.support.lab import Lab, deployment

PROPERTIES = [{"name": "email", "type": "email"}, {"name": "phone"}, {"name": "city"}]
GOAL = {
    "type": "import_profiles",
    "name": "people",
    "files": {"root": "people_*.csv", "delta": True},
    "identifiers": [{"column": "mail", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "Phone", "property": "phone"}, {"column": "City", "property": "city"}],
}
EVENTS = [{"type": "order", "date": "Day", "mappings": [{"column": "Total", "property": "total_revenue"}]}]


@pytest.mark.parametrize(
    ("header", "changes", "warnings"),
    [
        ("mail,Phone,City", {}, []),
        ("mail,Fone,City", {}, ["the file has no column Phone; what is mapped from there stays as it is"]),
        ("mail", {}, ["the file has no columns Phone, City; what is mapped from there stays as it is"]),
        ("mail,Phone,City,Day", {"events": EVENTS},
         [("the file has no column Total; its events have no order.total_revenue, also those that were there and"
          " had one")]),
        ("mail,Phone,City,Total", {"events": EVENTS},
         ["the file has no column Day; no order has a date, and every one is left out"]),
        ("mail,Phone,City,Total", {"events": [EVENTS[0] | {"on_missing_date": "now"}]},
         ["the file has no column Day; no order has a date of its own, and each is dated by when the file was seen"]),
        ("mail,Phone", {"processors": [{"fixed_value": {"field": "City", "value": "Ede"}}]}, []),
        ("mail,Phone,City", {"identifiers": [*GOAL["identifiers"], {"column": "Nr", "property": "phone"}]},
         ["the file has no column Nr, which finds people: they are found by mail alone"]),
        ("mail,Phone,City", {"mappings": [{"column": "Citty", "property": "city"}]},
         ["the file has no column Citty; what is mapped from there stays as it is; did you mean City?"]),
    ],
)  # fmt: skip
def test_they_are_warned_of(tmp_path, header, changes, warnings):
    room = Lab(tmp_path, deployment(PROPERTIES, [GOAL | changes]))
    landed = room.land("people", "people_1.csv", f"{header}\na@x.com{',2026-11-20' * header.count(',')}\n")
    assert list(landed.manifest.warnings) == warnings


def test_what_is_there_stays(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, [GOAL]))
    room.land("people", "people_1.csv", "mail,Phone,City\na@x.com,0123,Ede\n")
    room.land("people", "people_2.csv", "mail,Fone,City\na@x.com,,Goes\n")
    room.fold()
    assert room.rows("SELECT phone, city FROM main.profiles") == [("0123", "Goes")]


def test_a_rejected_event_names_the_column_that_would_date_it(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, [GOAL | {"events": EVENTS}]))
    room.land("people", "people_1.csv", "mail,Phone,City,Total\na@x.com,0123,Ede,2\n")
    room.fold()
    assert room.rows("SELECT level, column_name, raw_text, reason FROM ops.rejects") == [
        ("event", "Day", None, "Missing event date")
    ]


def test_history_tells_of_the_column_and_of_events_written_anew(tmp_path):
    order = EVENTS[0] | {"id": "No"}
    room = Lab(tmp_path, deployment(PROPERTIES, [GOAL | {"events": [order]}]))
    room.land("people", "people_1.csv", "mail,Phone,City,No,Day,Total\na@x.com,0123,Ede,B1,2026-11-20,2\n")
    room.fold()
    room.land("people", "people_2.csv", "mail,Phone,City,No,Day\na@x.com,0123,Ede,B1,2026-11-20\n")
    room.fold()
    assert room.rows("SELECT total_revenue FROM main.events_order") == [(None,)]
    first, second = (text for (text,) in room.rows("SELECT message FROM ops.import_history ORDER BY file"))
    assert "Warning" not in first
    assert second.endswith(
        " 1 timeline event written anew. Warning: the file has no column Total; its events have no"
        " order.total_revenue, also those that were there and had one."
    )


def test_a_header_with_another_separator_is_known(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, [GOAL]))
    with pytest.raises(FileError, match=r"it has ';' between its names, but format.separator is ','"):
        room.land("people", "people_1.csv", "mail;Phone;City\na@x.com;0123;Ede\n")


@pytest.mark.parametrize(
    ("header", "meant"),
    [("Mail", "Mail"), ("mail_", "mail_"), ("e-mail", "e-mail"), ("address", "")],
)
def test_a_column_that_is_called_nearly_like_the_one_that_finds_people_is_named(tmp_path, header, meant):
    room = Lab(tmp_path, deployment(PROPERTIES, [GOAL]))
    with pytest.raises(FileError) as refused:
        room.land("people", "people_1.csv", f"{header},City\na@x.com,Ede\n")
    assert str(refused.value).endswith(f"{header}, City" + (f"; did you mean {meant}?" if meant else ""))


def test_words_in_another_order_are_the_same_name():
    assert nearly_called(["customer_id", "Zip"], ["Id-Customer", "City", "zip code"]) == ["Id-Customer"]


def test_a_file_without_the_ids_of_its_events_is_refused(tmp_path):
    """Made-up ids would bring every event that is there a second time."""
    order = EVENTS[0] | {"id": "No"}
    room = Lab(tmp_path, deployment(PROPERTIES, [GOAL | {"events": [order]}]))
    with pytest.raises(FileError, match='Column "No" not found; the file has: mail, Phone, City, Nr, Day, Total'):
        room.land("people", "people_1.csv", "mail,Phone,City,Nr,Day,Total\na@x.com,0123,Ede,B1,2026-11-20,2\n")


def test_a_column_of_a_linked_file_is_meant_by_its_own_name(tmp_path):
    links = [{"name": "lines", "file": "lines_*.csv", "parent_column": "mail", "column": "who"}]
    goal = GOAL | {"files": {"root": "people_*.csv", "delta": True, "linked": links}}
    room = Lab(tmp_path, deployment(PROPERTIES, [goal]))
    landed = room.land(
        "people",
        "people_1.csv",
        "mail,Phone\na@x.com,1\n",
        linked={"lines": ("lines_1.csv", "who,City\na@x.com,Ede\n")},
    )
    (told,) = landed.manifest.warnings
    assert told == "the file has no column City; what is mapped from there stays as it is; did you mean lines.City?"
