"""Rows of a drop folder that find several profiles (spec.md K4, test vector 11)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cdp_assets_tests.drop_folders.dropping import deliver, drop, drop_lab, people, rejects

HEADER = "Email,PhoneNumber,ExternalID,City\n"
CLASH = "A profile already exists with one of these identifiers."


def test_a_row_with_the_identifiers_of_two_profiles_makes_them_one(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, HEADER + "a@x.com,,,Delft\n,+31600000001,,\n")
    batch = deliver(room, HEADER + "a@x.com,+31600000001,,\n", 2)
    assert people(room, "email, phone_number") == [("a@x.com", "+31600000001")]
    assert (batch["rows_modified"], batch["rows_not_found"]) == (1, 0)


def test_profiles_with_different_addresses_stay_apart_and_the_row_is_skipped(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, HEADER + "a@x.com,,,\nb@x.com,+31600000001,,\n")
    batch = deliver(room, HEADER + "a@x.com,+31600000001,,Delft\nc@x.com,,,\n", 2)
    assert people(room, "email, phone_number, custom") == [
        ("a@x.com", None, None),
        ("b@x.com", "+31600000001", None),
        ("c@x.com", None, None),
    ]
    assert rejects(room) == [(2, None, CLASH)]
    assert (batch["rows_created"], batch["rows_modified"], batch["rows_not_found"]) == (1, 0, 0)
    assert batch["rows_rejected"] == 1
    room.fold(rebuild=True)
    assert room.rows("SELECT replayed_rejected, replayed_not_found FROM ops.batches ORDER BY position") == [
        (0, 0),
        (1, 0),
    ]


def test_profiles_with_different_external_ids_stay_apart_too(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, HEADER + "a@x.com,,1,\n,+31600000001,2,\n")
    deliver(room, HEADER + "a@x.com,+31600000001,,\n", 2)
    assert len(people(room, "email")) == 2
    assert rejects(room) == [(2, None, CLASH)]


def test_consents_and_lists_follow_profiles_that_become_one(tmp_path):
    room = drop_lab(tmp_path)
    header = "Email,PhoneNumber,List ID,Email Marketing Consent,Email Marketing Consent Timestamp\n"
    deliver(room, header + "a@x.com,,XyZ123,SUBSCRIBE,2020-01-01\n,+31600000001,,UNSUBSCRIBED,2021-01-01\n")
    deliver(room, header + "a@x.com,+31600000001,Abc789,NEVER SUBSCRIBED,\n", 2)
    found = "FROM main.{} JOIN main.profiles USING (profile_id) ORDER BY ALL"
    assert room.rows(f"SELECT status {found.format('consents')}") == [("UNSUBSCRIBED",)]
    assert room.rows(f"SELECT list_name {found.format('list_memberships')}") == [("Members",), ("Newsletter",)]


def test_a_replay_merges_and_skips_alike(tmp_path):
    room = drop_lab(tmp_path)
    for number, row in enumerate(
        [
            "a@x.com,,,",
            ",+31600000001,,",
            "a@x.com,+31600000001,,x",
            "b@x.com,+31600000002,,",
            "a@x.com,+31600000002,,y",
        ],
        start=1,
    ):
        drop(room, f"{HEADER}{row}\n", number)
        room.fold()
    appended = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == appended
    assert rejects(room) == [(2, None, CLASH)]


PATCHES = [
    ",+31600000001,1,x,\n",
    ",+31600000001,,,y\n",
    "a@x.com,,2,z,\n",
    "a@x.com,+31600000001,,,\n",
    "a@x.com,,,q,\n",
]


@pytest.mark.parametrize("cuts", [[0, 5], [0, 3, 5], [0, 1, 2, 3, 4, 5]])
def test_objects_are_patched_row_by_row_also_where_profiles_become_one(tmp_path, cuts):
    room = drop_lab(tmp_path)
    for number, (start, end) in enumerate(pairwise(cuts), start=1):
        deliver(room, "Email,PhoneNumber,A,B.c,B.d\n" + "".join(PATCHES[start:end]), number)
    assert people(room, "email, phone_number, custom") == [("a@x.com", "+31600000001", '{"A":1,"B":{"c":"q","d":"y"}}')]
