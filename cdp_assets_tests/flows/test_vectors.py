"""Test vectors of the specification's section 15 that concern imports, each under its own number.

Vector 3 (linked files by wildcard value) stands in `scenarios/test_file_sets.py`.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets_tests.flows.test_fold import goal, people
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "city"},
    {"name": "points", "type": "number"},
    {"name": "seen_at", "type": "datetime"},
]
SEEN = [{"column": "seen", "property": "seen_at"}]
MILLIS = "epoch_ms(seen_at)"


def lab(tmp_path, **settings):
    return Lab(tmp_path, deployment(PROPERTIES, [goal(**settings)]))


@pytest.mark.parametrize("pattern", ["YYYY-MM-DD", "yyyy-MM-dd"])
@pytest.mark.parametrize(("text", "millis"), [("2019-11-30", 1_575_072_000_000), ("2019-12-30", 1_577_664_000_000)])
def test_vector_1_moment_and_java_patterns_mean_the_same_day(tmp_path, pattern, text, millis):
    room = lab(tmp_path, mappings=SEEN, format={"date_format": pattern})
    room.land("customers", "customers_1.csv", f"email,seen\na@x.com,{text}\n")
    room.fold()
    assert people(room, MILLIS) == [(millis,)]


@pytest.mark.parametrize(
    ("text", "millis"),
    [("2023-03-27 12:36", 1_679_913_360_000), ("2023-03-26 02:30", 1_679_794_200_000)],
    ids=["summer time", "in the gap: shifted forward to 03:30"],
)
@pytest.mark.parametrize("pattern", ["auto", "YYYY-MM-DD HH:mm"])
def test_vector_2_a_wall_clock_in_its_zone(tmp_path, text, millis, pattern):
    room = lab(tmp_path, mappings=SEEN, format={"date_format": pattern, "timezone": "Europe/Amsterdam"})
    room.land("customers", "customers_1.csv", f"email,seen\na@x.com,{text}\n")
    room.fold()
    assert people(room, MILLIS) == [(millis,)]


def test_vector_4_a_full_file_under_a_new_name_adds_its_changed_row_only(tmp_path):
    mappings = [{"column": "points", "property": "points", "rule": "sum"}]
    room = lab(tmp_path, mappings=mappings, files={"delta": False})
    room.land("customers", "customers_1.csv", "email,points\na@x.com,1\nb@x.com,2\nc@x.com,3\n")
    room.fold()
    again = "email,points\na@x.com,1\nb@x.com,5\nc@x.com,3\n"
    room.land("customers", "customers_2.csv", again, look_at=EPOCH + timedelta(hours=1))
    (batch,) = room.fold().folded
    assert people(room, "email, points") == [("a@x.com", 1), ("b@x.com", 7), ("c@x.com", 3)]
    assert (batch["rows_modified"], batch["rows_unchanged"]) == (1, 2)


def test_vector_5_set_or_clear_clears_by_an_empty_cell_and_not_by_a_missing_column(tmp_path):
    room = lab(tmp_path, mappings=[{"column": "city", "property": "city", "rule": "set_or_clear"}])
    room.land("customers", "customers_1.csv", "email,city\na@x.com,Rome\n")
    room.fold()
    room.land("customers", "customers_2.csv", "email,other\na@x.com,x\n", look_at=EPOCH + timedelta(hours=1))
    room.fold()
    assert people(room, "email, city") == [("a@x.com", "Rome")]
    room.land("customers", "customers_3.csv", "email,city\na@x.com,\n", look_at=EPOCH + timedelta(hours=2))
    room.fold()
    assert people(room, "email, city") == [("a@x.com", None)]


@pytest.mark.parametrize(
    ("zone", "counts"), [("GDPR", (0, 1)), ("CCPA", (1, 0)), ("NONE", (1, 0))], ids=["opt-in", "opt-out", "not listed"]
)
def test_vector_6_the_consent_gate_of_a_connection(tmp_path, zone, counts):
    mappings = [{"column": "zone", "property": "privacy_legislation"}]
    served = [{"name": "shop", "objectives": ["m"], "goals": [goal(mappings=mappings)]}]
    objectives = [{"id": "m", "legislations": ["GDPR", "CCPA"]}]
    room = Lab(tmp_path, deployment(PROPERTIES, [], connections=served, objectives=objectives))
    room.land("customers", "customers_1.csv", f"email,zone\na@x.com,{zone}\n")
    (batch,) = room.fold().folded
    assert (batch["rows_created"], batch["rows_consent_mismatch"]) == counts


def test_vector_7_an_event_twice_is_set_and_a_bad_one_is_rejected_while_its_profile_is_modified(tmp_path):
    mappings = [{"column": "city", "property": "city"}]
    revenue = [{"column": "total", "property": "total_revenue"}]
    room = lab(tmp_path, mappings=mappings, events=[{"type": "order", "id": "no", "date": "day", "mappings": revenue}])
    header = "email,city,no,day,total\n"
    room.land("customers", "customers_1.csv", f"{header}a@x.com,Ede,1,2026-01-01,9.99\n")
    room.fold()
    again = f"{header}a@x.com,Oss,1,2026-01-01,10\na@x.com,Oss,2,2026-01-02,abc\n"
    room.land("customers", "customers_2.csv", again, look_at=EPOCH + timedelta(hours=1))
    (batch,) = room.fold().folded
    assert room.rows("SELECT event_id, total_revenue::INT FROM main.events_order") == [("1", 10)]
    assert (batch["events_created"], batch["events_set"], batch["events_rejected"]) == (0, 1, 1)
    assert (batch["rows_modified"], people(room, "city")) == (2, [("Oss",)])
    assert room.rows("SELECT level, row_no, reason FROM ops.rejects") == [
        ("event", 2, "#/total_revenue/0: expected type: Number, found: String")
    ]
