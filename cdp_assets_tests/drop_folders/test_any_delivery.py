"""However files of drop folders are split, named, repeated and ordered, the same rows make the same warehouse."""

from __future__ import annotations

import re
from itertools import pairwise

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
        bring(room, number, goal, rows)
        if number == 2:
            room.fold()
    room.fold()
    return room


def bring(room, number, goal, rows):
    header = PROFILES if goal == "profiles" else EVENTS
    drop(room, header + "".join(rows), number, name=f"file{number}.csv", goal=goal)


def undated(dump):
    """Without the files that made and last changed a profile: they are others."""
    return dump | {"profiles": sorted(re.sub('"(created|modified)_in":[0-9]+,', "", row) for row in dump["profiles"])}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What all rows make that come in one file of each kind."""
    room = delivered(tmp_path_factory.mktemp("whole"), [("profiles", PROFILE_ROWS), ("events", EVENT_ROWS)])
    return undated(room.dump())


@pytest.mark.slow
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 2))
def test_any_delivery_of_the_same_rows_makes_the_same_warehouse(tmp_path_factory, whole, random, parts):
    files = []
    for goal, rows in (("profiles", PROFILE_ROWS), ("events", EVENT_ROWS)):
        mixed = random.sample(rows, len(rows))
        files += [(goal, mixed[part::parts]) for part in range(parts)]
    again = random.choice(files)
    random.shuffle(files)
    room = delivered(tmp_path_factory.mktemp("split"), [*files[:-1], again, files[-1]])
    assert undated(room.dump()) == whole
    # In a pass of its own: the rows of a profile that changes in a pass count as modified, whichever changed it.
    bring(room, len(files) + 2, *again)
    room.fold()
    assert undated(room.dump()) == whole
    last = room.rows(
        "SELECT rows_created, rows_modified, events_created FROM ops.batches ORDER BY position DESC LIMIT 1"
    )
    assert last == [(0, 0, 0)]


WHO = st.sampled_from(["a@x.com,", ",+31600000001", ",+31600000002", "a@x.com,+31600000001", "b@x.com,+31600000002"])
CELL = st.sampled_from(["", "1", "x"])
DATED = {"profiles": ("", ""), "events": ("Metric name,Time,Unique ID,", "Seen,2022-01-01,")}


def cut(root, kind, rows, places):
    """The warehouse after these rows in as many files as they are cut into, each folded by itself."""
    room, names = drop_lab(root), ("Email", "PhoneNumber", "First Name", "A", "B.c", "B.d")
    prefix = "Profile." if kind == "events" else ""
    header = DATED[kind][0] + ",".join(prefix + name for name in names) + "\n"
    for number, (start, end) in enumerate(pairwise([0, *sorted(places), len(rows)]), start=1):
        drop(room, header + "".join(rows[start:end]), number, goal=kind)
        room.fold()
    return undated(room.dump())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["profiles", "events"])
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_cut_in_any_way_makes_the_same_warehouse(tmp_path_factory, kind, data):
    cells = data.draw(st.lists(st.tuples(st.sampled_from("kl"), WHO, CELL, CELL, CELL, CELL), min_size=2, max_size=8))
    lead = DATED[kind][1]
    rows = [f"{lead}{key},{','.join(rest)}\n" if lead else f"{','.join(rest)}\n" for key, *rest in cells]
    places = data.draw(st.sets(st.integers(1, len(rows) - 1)))
    whole = cut(tmp_path_factory.mktemp("whole"), kind, rows, ())
    assert cut(tmp_path_factory.mktemp("cut"), kind, rows, places) == whole
