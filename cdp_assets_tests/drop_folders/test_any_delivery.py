"""However files of drop folders are split, named, repeated and ordered, the same rows make the same warehouse."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp_assets_tests.drop_folders.dropping import drop, drop_lab

PROFILES = "Email,First Name,City,List ID,Email Marketing Consent,Email Marketing Consent Timestamp\n"
EVENTS = "Metric name,Time,Profile.Email,Unique ID,Item\n"
PROFILE_ROWS = [
    f"{who}@x.com,{who.upper()},Town of {who},{joins},{status},{year}-01-01\n"
    for who in "ab"
    for joins, status, year in (("XyZ123", "SUBSCRIBE", 2020), ("", "UNSUBSCRIBED", 2021), ("", "SUBSCRIBE", 2021))
]
EVENT_ROWS = [f"Seen,2022-01-0{day},{who}@x.com,{key},Cup {key}\n" for who in "ac" for day, key in ((1, "k1"), (2, ""))]


def delivered(root, files):
    room = drop_lab(root)
    for number, (goal, rows) in enumerate(files, start=1):
        header = PROFILES if goal == "profiles" else EVENTS
        drop(room, header + "".join(rows), number, name=f"file{number}.csv", goal=goal)
        if number == 2:
            room.fold()
    room.fold()
    return room


def undated(dump):
    """Without the files that made and last changed a profile: they are others."""
    return dump | {"profiles": sorted(re.sub('"(created|modified)_in":[0-9]+,', "", row) for row in dump["profiles"])}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What all rows make that come in one file of each kind."""
    room = delivered(tmp_path_factory.mktemp("whole"), [("profiles", PROFILE_ROWS), ("events", EVENT_ROWS)])
    return undated(room.dump())


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 2))
def test_any_delivery_of_the_same_rows_makes_the_same_warehouse(tmp_path_factory, whole, random, parts):
    files = []
    for goal, rows in (("profiles", PROFILE_ROWS), ("events", EVENT_ROWS)):
        mixed = random.sample(rows, len(rows))
        files += [(goal, mixed[part::parts]) for part in range(parts)]
    again = random.choice(files)
    random.shuffle(files)
    room = delivered(tmp_path_factory.mktemp("split"), [*files, again])
    assert undated(room.dump()) == whole
    last = room.rows(
        "SELECT rows_created, rows_modified, events_created FROM ops.batches ORDER BY position DESC LIMIT 1"
    )
    assert last == [(0, 0, 0)]
