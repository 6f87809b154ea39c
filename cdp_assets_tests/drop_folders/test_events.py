"""Files of events in a drop folder (spec.md K6)."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from cdp_assets.errors import FileError
from cdp_assets_tests.drop_folders.dropping import custom, deliver, drop, drop_lab, people, rejects

HEADER = "Metric name,Time,Profile.Email,Value,Unique ID,Profile.Location.Zip,Item\n"
EXAMPLE = HEADER + "Placed Order,2022-11-08T10:00:00Z,a@x.com,9.99,ord-1,02111,Mug\n"


def events(room):
    found = room.rows(
        "SELECT email, metric, strftime(date AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S'), value::VARCHAR, properties"
        " FROM main.events_klaviyo JOIN main.profiles USING (profile_id) ORDER BY ALL"
    )
    return [(*row[:4], json.loads(row[4]) if row[4] else None) for row in found]


def counts(batch):
    """Events made; rows that made a profile, changed one, changed none; rows refused."""
    return tuple(
        batch[name] for name in ("events_created", "rows_created", "rows_modified", "rows_unchanged", "rows_rejected")
    )


def test_the_example_of_the_documents_makes_an_event_and_a_profile(tmp_path):
    room = drop_lab(tmp_path)
    batch = deliver(room, EXAMPLE, goal="events")
    assert events(room) == [("a@x.com", "Placed Order", "2022-11-08 10:00:00", "9.9900", {"Item": "Mug"})]
    assert custom(room) == [{"Location": {"Zip": "02111"}}]
    assert counts(batch) == (1, 1, 0, 0, 0)


def test_the_first_event_of_an_id_counts_and_a_repeat_changes_nothing(tmp_path):
    room = drop_lab(tmp_path)
    again = "Placed Order,2023-01-01T00:00:00Z,a@x.com,5,ord-1,99999,Cup\n"
    batch = deliver(room, EXAMPLE + again, goal="events")
    later = deliver(room, HEADER + again, 2, goal="events")
    assert [row[3:] for row in events(room)] == [("9.9900", {"Item": "Mug"})]
    assert custom(room) == [{"Location": {"Zip": "02111"}}]
    assert (counts(batch), counts(later)) == ((1, 1, 0, 1, 0), (0, 0, 0, 1, 0))


def test_of_two_events_with_one_id_that_a_merge_brings_together_the_first_stays(tmp_path):
    room = drop_lab(tmp_path)
    header = "Metric name,Time,Profile.Email,Profile.PhoneNumber,Unique ID,Item\n"
    by_phone = "Seen,2023-01-02,,+31600000001,1,first\nSeen,2023-01-02,,+31600000001,2,theirs\n"
    deliver(room, header + by_phone, goal="events")
    deliver(room, header + "Seen,2022-01-01,a@x.com,,1,second\nSeen,2023-01-02,a@x.com,,3,mine\n", 2, "events")
    deliver(room, "Email,PhoneNumber\na@x.com,+31600000001\n", 3)
    assert [(who, what["Item"]) for who, *_, what in events(room)] == [
        ("a@x.com", "first"), ("a@x.com", "mine"), ("a@x.com", "theirs")
    ]  # fmt: skip
    merged = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == merged


BOTH = "Metric name,Time,Profile.Email,Profile.PhoneNumber,Unique ID,Profile.First Name,Item\n"
MEETING = [
    "Seen,2023-01-02,,+31600000001,1,,first\n",
    "Seen,2023-01-01,a@x.com,,1,Bea,second\n",
    "Seen,2023-01-03,a@x.com,,1,Cas,no more\n",
    "Seen,2023-01-04,a@x.com,+31600000001,2,,mine\n",
    "Seen,2023-01-05,,+31600000001,1,Dora,again\n",
]


@pytest.mark.parametrize("cuts", [[0, 5], [0, 2, 5], [0, 3, 5], [0, 1, 2, 3, 4, 5]])
def test_an_event_is_first_for_whom_its_row_was_about_though_a_later_row_makes_them_one(tmp_path, cuts):
    room = drop_lab(tmp_path)
    batches = [
        deliver(room, BOTH + "".join(MEETING[start:end]), number, "events")
        for number, (start, end) in enumerate(pairwise(cuts), start=1)
    ]
    assert [(who, what["Item"]) for who, *_, what in events(room)] == [("a@x.com", "first"), ("a@x.com", "mine")]
    assert people(room, "email, phone_number, first_name") == [("a@x.com", "+31600000001", "Bea")]
    assert [sum(batch[name] for batch in batches) for name in ("events_created", "rows_created")] == [3, 2]
    before = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == before


def test_another_metric_or_person_with_the_same_id_is_another_event(tmp_path):
    room = drop_lab(tmp_path)
    rows = "Refunded,2022-11-08T10:00:00Z,a@x.com,,ord-1,,\nPlaced Order,2022-11-08T10:00:00Z,b@x.com,,ord-1,,\n"
    assert deliver(room, EXAMPLE + rows, goal="events")["events_created"] == 3


def test_without_an_id_the_second_tells_events_apart(tmp_path):
    room = drop_lab(tmp_path)
    rows = ["2022-11-08T10:00:00.100Z", "2022-11-08 10:00:00.9", "11/08/2022 10:00:00", "2022-11-08T10:00:01Z"]
    text = "metric_name,TIME,Profile.Email\n" + "".join(f"Seen,{time},a@x.com\n" for time in rows)
    assert deliver(room, text, goal="events")["events_created"] == 2
    assert [row[2] for row in events(room)] == ["2022-11-08 10:00:00", "2022-11-08 10:00:01"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (",2022-11-08,a@x.com,", ("Metric name", "Missing metric name")),
        (f"{'m' * 128},2022-11-08,a@x.com,", ("Metric name", "Metric name must have fewer than 128 characters")),
        ("Seen,,a@x.com,", ("Time", "Missing event date")),
        ("Seen,1989-12-31,a@x.com,", ("Time", "Event time must be after 1990 and at most 1 year in the future")),
        ("Seen,2027-01-03,a@x.com,", ("Time", "Event time must be after 1990 and at most 1 year in the future")),
        ("Seen,08-11-2022,a@x.com,", ("Time", "Event time must be after 1990 and at most 1 year in the future")),
        ("Seen,2022-11-08,a@x.com,9 EUR", ("Value", "Invalid number format")),
        ("Seen,2022-11-08,nobody,", ("Profile.Email", "Invalid email format")),
        ("Seen,2022-11-08,,", (None, "No identifier: Email, PhoneNumber or ExternalID")),
    ],
)
def test_an_event_that_is_none_is_skipped_with_its_profile(tmp_path, row, told):
    room = drop_lab(tmp_path)
    header = "Metric name,Time,Profile.Email,Value\n"
    batch = deliver(room, f"{header}Seen,2022-11-08,good@x.com,1\n{row}\n", goal="events")
    assert rejects(room) == [(3, *told)]
    assert counts(batch) == (1, 1, 0, 0, 1)
    assert people(room, "email") == [("good@x.com",)]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Time,Profile.Email", "Missing required header: Metric name"),
        ("Metric name,Profile.Email", "Missing required header: Time"),
        ("Metric name,Time,Email", "At least one identifying header is required"),
        ("Metric name,Time,Profile.PhoneNumber", "SMS must be enabled"),
        ("Metric name,Time,time,Profile.Email", 'Duplicate column "time"'),
        ("Metric name,Time,Profile.Email,A,A.B", "exclude each other"),
    ],
)
def test_a_header_of_events_must_have_what_makes_one(tmp_path, header, message):
    with pytest.raises(FileError, match=message):
        drop(drop_lab(tmp_path), f"{header}\n", goal="events")


def test_one_metric_too_many_is_skipped_and_known_ones_still_work(tmp_path):
    room = drop_lab(tmp_path, metric_limit=2)
    header = "Metric name,Time,Profile.Email\n"
    deliver(room, header + "A,2022-01-01,a@x.com\n", goal="events")
    batch = deliver(room, header + "B,2022-01-01,a@x.com\nC,2022-01-01,c@x.com\nA,2022-01-02,a@x.com\n", 2, "events")
    assert [row[1] for row in events(room)] == ["A", "A", "B"]
    assert people(room, "email") == [("a@x.com",)]
    assert rejects(room) == [(3, "Metric name", "Metric limit of 2 reached")]
    assert (batch["events_created"], batch["rows_not_found"], batch["rows_rejected"]) == (2, 0, 1)
    appended = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == appended
    assert len(rejects(room)) == 1


def test_first_means_order_and_not_arrival(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, HEADER + "Seen,2022-01-01,a@x.com,2,x,,\n", 5, goal="events")
    deliver(room, HEADER + "Seen,2022-01-02,a@x.com,1,x,,\n", 2, goal="events")
    assert [row[3] for row in events(room)] == ["1.0000"]
