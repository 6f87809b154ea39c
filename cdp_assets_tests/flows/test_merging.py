"""Profiles that one row finds become one: the rules that people read about, case by case."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from cdp_assets.flows.compute_members import compute_members
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

PROPERTIES = [
    {"name": "email", "type": "email", "multiple": True},
    {"name": "crm"},
    {"name": "city"},
    {"name": "tags", "multiple": True},
    {"name": "points", "type": "number"},
]
GOAL = {
    "type": "import_profiles",
    "name": "people",
    "files": {"root": "people_*.csv", "delta": True},
    "format": {"multi_value": "|"},
    "identifiers": [{"column": "email", "property": "email"}, {"column": "crm", "property": "crm"}],
    "allow_create": True,
    "mappings": [
        {"column": "city", "property": "city"},
        {"column": "tags", "property": "tags", "rule": "add"},
        {"column": "points", "property": "points", "rule": "sum"},
    ],
}
SEGMENTS = [{"name": "known", "where": {"property": "city", "operator": "not_is_empty"}}]
HEADER = "email,crm,city,tags,points\n"
TWO = HEADER + "a@x.com,,Ulm,vip,1\n,7,Bonn,new|vip,2\n"


def lab_with(tmp_path, limit=20, **strategies):
    properties = [prop | {"merge": strategies.get(prop["name"])} for prop in PROPERTIES]
    return Lab(tmp_path, deployment(properties, [GOAL], SEGMENTS, merging={"limit": limit}))


def folded(lab, *contents):
    for number, content in enumerate(contents):
        at = EPOCH + timedelta(days=number)
        lab.land("people", f"people_2026-01-{number + 1:02}.csv", content, look_at=at, modified_at=at)
    lab.fold()
    return lab


def people(lab):
    return lab.rows("SELECT email, crm, city, tags, points FROM main.profiles ORDER BY created_by_value")


@pytest.mark.parametrize("files", [[TWO, HEADER + "a@x.com,7,,last,4\n"], [TWO + "a@x.com,7,,last,4\n"]])
def test_a_row_that_finds_two_profiles_makes_them_one(tmp_path, files):
    lab = folded(lab_with(tmp_path), *files)
    assert people(lab) == [(["a@x.com"], "7", "Ulm", ["vip", "new", "last"], 5)]
    replaced = lab.rows(
        "SELECT replaced_by IN (SELECT profile_id FROM main.profiles), created_by_value FROM main.replaced_profiles"
    )
    assert replaced == [(True, "7")]
    assert sorted(lab.rows("SELECT property, value FROM main.identifiers")) == [("crm", "7"), ("email", "a@x.com")]
    assert lab.rows("SELECT count(*) FROM main.imported_profiles") == [(1,)]


@pytest.mark.parametrize(("between", "city"), [("a@x.com,,Kiel,,\n", "Kiel"), ("", "Bonn"), (",7,Graz,,\n", "Graz")])
def test_latest_keeps_what_was_written_last(tmp_path, between, city):
    lab = folded(lab_with(tmp_path, city="latest"), TWO, HEADER + between, HEADER + "a@x.com,7,,,\n")
    assert [row[2] for row in people(lab)] == [city]
    assert lab.rows("SELECT property FROM main.latest_writes") == [("city",)]


def test_both_needs_a_property_that_holds_several_values(tmp_path):
    with pytest.raises(ValidationError, match="merge: both needs multiple: true"):
        lab_with(tmp_path, city="both")


def test_merging_that_is_off_changes_no_config_hash(tmp_path):
    told = lab_with(tmp_path, city="latest").config("people")
    plain = Lab(tmp_path, deployment(PROPERTIES, [GOAL])).config("people")
    assert told.model_copy(update={"merging": None}).config_hash == plain.config_hash != told.config_hash


def test_without_merging_they_stay_two(tmp_path):
    lab = folded(Lab(tmp_path, deployment(PROPERTIES, [GOAL])), TWO, HEADER + "a@x.com,7,,last,4\n")
    assert [row[4] for row in people(lab)] == [2, 5]
    assert lab.rows("SELECT property, value, reason FROM ops.identity_conflicts") == [
        ("crm", "7", "another profile holds it")
    ]


def test_more_than_the_limit_stay_apart_and_are_told(tmp_path):
    three = HEADER + "a@x.com,,,,\nb@x.com,,,,\nc@x.com,,,,\n"
    lab = folded(lab_with(tmp_path, limit=2), three, HEADER + "a@x.com|b@x.com|c@x.com,,Ulm,,\n")
    assert [row[2] for row in people(lab)] == ["Ulm", None, None]
    told = lab.rows(
        "SELECT row_no, property, value FROM ops.identity_conflicts WHERE reason = 'more than 2 profiles found'"
    )
    assert told == [(1, "email", "a@x.com")]


def test_chains_of_merges_end_at_who_lives(tmp_path):
    files = [HEADER + "a@x.com,,,,\nb@x.com,,,,\nc@x.com,,,,\n", HEADER + "b@x.com|c@x.com,,,,\n"]
    lab = folded(lab_with(tmp_path), *files, HEADER + "a@x.com|b@x.com,,,,\n")
    assert people(lab) == [(["a@x.com", "b@x.com", "c@x.com"], None, None, None, None)]
    assert lab.rows("SELECT replaces[1] <> replaces[2], len(replaces) FROM main.replaces") == [(True, 2)]


def test_a_profile_made_after_merges_counts_those_that_were_replaced(tmp_path):
    """The crm id is overwritten when two merge, so its value can make a second profile."""
    lab = folded(lab_with(tmp_path), HEADER + "a@x.com,1,,,\n,7,,,\na@x.com,7,,,\n,7,,,\n")
    made = "SELECT created_by_number FROM {} WHERE created_by_value = '7'"
    assert lab.rows(made.format("main.profiles")) == [(2,)]
    assert lab.rows(made.format("main.replaced_profiles")) == [(1,)]


def test_a_segment_counts_one_person_once(tmp_path):
    lab = folded(lab_with(tmp_path), TWO)
    computed = []
    for day in range(2):
        with open_warehouse(lab.folders.warehouse) as database:
            at = EPOCH + timedelta(days=day)
            computed.append(compute_members(database, lab.model, at, segments=["known"]).segments["known"])
        folded(lab, TWO, HEADER + "a@x.com,7,,,\n")
    assert [(one.size, one.joined, one.left) for one in computed] == [(2, 2, 0), (1, 0, 1)]
    assert lab.rows("SELECT entered_at FROM main.segment_members") == [(EPOCH,)]


def test_a_file_of_replaced_numbers_makes_one_profile_that_either_finds(tmp_path):
    """As docs/identifying.md writes it."""
    clients = GOAL | {
        "name": "clients",
        "files": {"root": "clients_*.csv", "delta": True},
        "identifiers": [{"column": "no", "property": "client_no"}],
        "mappings": [{"column": "city", "property": "city"}],
    }
    replaced = GOAL | {
        "name": "replaced_numbers",
        "files": {"root": "replaced_*.csv", "delta": True},
        "processors": [{"concatenate": {"fields": ["new_no", "old_no"], "separator": "|", "into": "both"}}],
        "identifiers": [{"column": "both", "property": "client_no"}],
        "allow_create": False,
        "mappings": [{"column": "both", "property": "client_no", "rule": "add"}],
    }
    numbers = {"name": "client_no", "multiple": True}
    lab = Lab(tmp_path, deployment([*PROPERTIES, numbers], [clients, replaced], merging={"limit": 20}))
    lab.land("clients", "clients_20260101.csv", "no,city\n1,Rome\n2,Oslo\n3,Kiel\n")
    lab.land("replaced_numbers", "replaced_20260102.csv", "new_no,old_no\n2,1\n9,3\n")
    lab.land("clients", "clients_20260103.csv", "no,city\n9,Bonn\n1,Lyon\n")
    lab.fold()
    found = lab.rows("SELECT client_no, city FROM main.profiles ORDER BY ALL")
    assert found == [(["1", "2"], "Lyon"), (["3", "9"], "Bonn")]
