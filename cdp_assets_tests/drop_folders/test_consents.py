"""Consents and lists in drop folders (spec.md K5)."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp_assets_tests.drop_folders.dropping import deliver, drop, drop_lab
from cdp_assets_tests.support.lab import EPOCH

HEADER = "Email,PhoneNumber,Email Marketing Consent,Email Marketing Consent Timestamp,SMS Marketing Consent\n"


def consents(room):
    return room.rows(
        "SELECT coalesce(email, phone_number), channel, status, strftime(timestamp AT TIME ZONE 'UTC', '%Y-%m-%d %H')"
        " FROM main.consents JOIN main.profiles USING (profile_id) ORDER BY ALL"
    )


def test_a_statement_counts_from_its_time_or_from_when_the_file_was_seen(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, HEADER + "a@x.com,+31600000001,subscribed,2021-09-15 13:34:08,UNSUBSCRIBED\nb@x.com,,,,\n")
    assert consents(room) == [
        ("a@x.com", "email_marketing", "SUBSCRIBED", "2021-09-15 13"),
        ("a@x.com", "sms_marketing", "UNSUBSCRIBED", "2026-01-01 01"),
    ]
    assert room.rows("SELECT DISTINCT method, source_file FROM main.consents") == [("SFTP", "file1.csv")]


@pytest.mark.slow
def test_the_newest_statement_wins_in_whatever_order_files_come(tmp_path):
    rows = ["SUBSCRIBE,2020-01-01", "UNSUBSCRIBED,2021-01-01", "SUBSCRIBE,2021-01-01"]
    for number, order in enumerate(permutations(rows)):
        room = drop_lab(tmp_path / str(number))
        for place, row in enumerate(order, start=1):
            drop(room, f"{HEADER}a@x.com,,{row},\n", place)
            if place % 2:
                room.fold()
        room.fold()
        assert consents(room) == [("a@x.com", "email_marketing", "UNSUBSCRIBED", "2021-01-01 00")]


def test_who_says_nothing_keeps_the_status_and_a_change_counts_as_one(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, "Email,SMS Transactional Consent\na@x.com,SUBSCRIBE\nb@x.com,NEVER_SUBSCRIBED\n")
    same = deliver(room, "Email,SMS Transactional Consent\na@x.com,\nb@x.com,NEVER SUBSCRIBED\n", 2)
    other = deliver(room, "Email,SMS Transactional Consent\na@x.com,UNSUBSCRIBED\n", 3)
    assert (same["rows_modified"], same["rows_unchanged"], other["rows_modified"]) == (0, 2, 1)
    assert consents(room) == [("a@x.com", "sms_transactional", "UNSUBSCRIBED", "2026-01-01 03")]


def test_a_list_is_joined_once_and_subscribes_unless_the_row_says_otherwise(tmp_path):
    room = drop_lab(tmp_path)
    header = "Email,List ID,Email Marketing Consent\n"
    deliver(room, header + "a@x.com,XyZ123,\nb@x.com,XyZ123,UNSUBSCRIBED\nc@x.com,Abc789,NEVER SUBSCRIBED\nd@x.com,,\n")
    deliver(room, header + "a@x.com,XyZ123,\na@x.com,Abc789,\n", 2)
    joined = room.rows(
        "SELECT email, list_name, added_at FROM main.list_memberships JOIN main.profiles USING (profile_id)"
        " ORDER BY ALL"
    )
    first, second = EPOCH + timedelta(hours=1), EPOCH + timedelta(hours=2)
    assert joined == [
        ("a@x.com", "Members", second),
        ("a@x.com", "Newsletter", first),
        ("b@x.com", "Newsletter", first),
        ("c@x.com", "Members", first),
    ]
    assert [row[:3] for row in consents(room)] == [
        ("a@x.com", "email_marketing", "SUBSCRIBED"),
        ("b@x.com", "email_marketing", "UNSUBSCRIBED"),
    ]


STATEMENTS = st.tuples(
    st.sampled_from("ab"),
    st.sampled_from(["SUBSCRIBE", "UNSUBSCRIBED", "NEVER SUBSCRIBED", ""]),
    st.integers(2000, 2005),
)


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(STATEMENTS, min_size=1, max_size=4), min_size=1, max_size=4), st.randoms())
def test_consents_agree_with_the_plain_rule_however_rows_are_split_and_folded(tmp_path_factory, files, random):
    room = drop_lab(tmp_path_factory.mktemp("consents"))
    for number, rows in enumerate(files, start=1):
        text = "".join(f"{who}@x.com,,{status},{year}-01-01,\n" for who, status, year in rows)
        drop(room, HEADER + text, number)
        if random.random() < 0.5:
            room.fold()
    room.fold()
    found = {who: (int(at[:4]), status) for who, _, status, at in consents(room)}
    assert found == newest([row for rows in files for row in rows])
    appended = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == appended


def newest(rows):
    """Per person, the greatest of (year, status): UNSUBSCRIBED comes after SUBSCRIBED."""
    said = {}
    for who, status, year in rows:
        if status in {"SUBSCRIBE", "UNSUBSCRIBED"}:
            named = {"SUBSCRIBE": "SUBSCRIBED"}.get(status, status)
            said[f"{who}@x.com"] = max(said.get(f"{who}@x.com", (0, "")), (year, named))
    return said
