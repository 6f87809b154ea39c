"""Files in time windows: which of them count, and which windows have none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cdp_assets.flows.manifests import Attempt, write_attempt
from cdp_assets.flows.missing_partitions import missing_partitions
from cdp_assets.flows.plan_order import plan_order
from cdp_assets.flows.withdrawals import reinstate, versions_of, withdraw
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

DAYS = {"by": "day", "start": "2026-01-01"}
HOURLY_NAMES = {"root": r"orders_(\d{8})\d\d\.csv", "match": "regex"}
NOON = datetime(2026, 1, 8, 12, tzinfo=UTC)


def setup(**files):
    goal = {
        "type": "import_profiles",
        "name": "orders",
        "allow_create": True,
        "files": {"root": "orders_*.csv", "delta": True, "partitions": DAYS} | files,
        "identifiers": [{"column": "email", "property": "email"}],
        "mappings": [{"column": "spend", "property": "spend", "rule": "sum"}],
    }
    return deployment(
        [{"name": "email", "type": "email"}, {"name": "spend", "type": "decimal", "precision": 2}], [goal]
    )


@pytest.fixture
def room(tmp_path):
    return Lab(tmp_path, setup())


def land(room, key, amount=1, minute=0):
    at = EPOCH + timedelta(minutes=minute)
    return room.land("orders", f"orders_{key}.csv", f"email,spend\na@b.nl,{amount}\n", look_at=at, modified_at=at)


def spend(room):
    room.fold()
    return int(room.rows("SELECT spend FROM main.profiles")[0][0])


def told(room, now=NOON):
    return [str(gap) for gap in missing_partitions("shop", room.config("orders").goal, room.folders, now).gaps]


def test_files_of_two_names_in_one_window_both_count(room):
    land(room, "20260103_08", 1)
    land(room, "20260103_20", 10)
    assert spend(room) == 11


def test_a_newer_file_of_the_same_name_takes_the_place_of_the_older(room):
    land(room, "20260103_08", 1)
    land(room, "20260103_20", 10)
    land(room, "20260103_08", 100, minute=1)
    assert spend(room) == 110


def test_names_that_share_a_wildcard_value_are_different_files_in_a_window(tmp_path):
    """Without windows the same names are versions of one partition, of which the last counts."""
    room = Lab(tmp_path / "windows", setup(**HOURLY_NAMES))
    plain = Lab(tmp_path / "plain", setup(**HOURLY_NAMES, partitions=None))
    stated = Lab(tmp_path / "stated", setup(**HOURLY_NAMES, redelivery="supersede"))
    for place in (room, plain, stated):
        land(place, "2026010308", 1)
        land(place, "2026010320", 10, minute=1)
        land(place, "2026010308", 100, minute=2)
    assert [spend(place) for place in (room, plain, stated)] == [110, 100, 100]


def test_when_a_goal_gets_windows_its_files_are_told_apart_by_name_after_landing_anew(tmp_path):
    room = Lab(tmp_path, setup(**HOURLY_NAMES, partitions=None))
    land(room, "2026010308", 1)
    land(room, "2026010320", 10, minute=1)
    assert spend(room) == 10
    room.deployment = setup(**HOURLY_NAMES)
    assert [landed.is_new for landed in room.reland("orders")] == [True, True]
    assert spend(room) == 11


def test_a_goal_that_gets_windows_keeps_the_batches_it_has(tmp_path):
    room = Lab(tmp_path, setup(partitions=None))
    land(room, "20260103")
    room.deployment = setup()
    assert [landed.is_new for landed in room.reland("orders")] == [False]
    assert "2026-01-03" not in " ".join(told(room, datetime(2026, 1, 4, tzinfo=UTC)))


def test_equal_bytes_under_another_name_count_with_a_word_unless_they_are_refused(tmp_path):
    for name, settings, current in (("both", {}, 2), ("skip", {"duplicate_content": "skip"}, 1)):
        room = Lab(tmp_path / name, setup(**HOURLY_NAMES, **settings))
        landed = [land(room, f"20260103{hour}", minute=number) for number, hour in enumerate(("08", "20"))]
        plan = plan_order([item.manifest for item in landed])
        assert len(plan.current) == current
        assert len(plan.warnings) + len(plan.left_out) == 1


def test_windows_without_a_file_are_told_as_gaps(room):
    for day in (2, 3, 6):
        land(room, f"2026010{day}")
    missing = missing_partitions("shop", room.config("orders").goal, room.folders, NOON)
    assert (missing.expected, missing.windows) == (7, 4)
    assert told(room) == ["2026-01-01", "2026-01-04 to 2026-01-05 (2)", "2026-01-07"]


def test_a_window_is_missing_only_once_it_is_due(tmp_path):
    room = Lab(tmp_path, setup(partitions=DAYS | {"due_after_s": 13 * 3600}))
    assert told(room) == ["2026-01-01 to 2026-01-06 (6)"]
    assert told(room, NOON + timedelta(hours=2)) == ["2026-01-01 to 2026-01-07 (7)"]


def test_a_window_whose_file_was_refused_says_so_until_another_comes(room):
    for day in range(1, 8):
        if day != 5:
            land(room, f"2026010{day}")
    facts = {"connection": "shop", "goal": "orders", "partition_key": "20260105", "path": "in/orders_20260105.csv"}
    times = dict.fromkeys(("modified_at", "look_at", "failed_at"), EPOCH)
    write_attempt(
        room.folders, Attempt(attempt_id="a" * 64, seen_id="b" * 64, size_bytes=1, error="no header", **facts, **times)
    )
    assert told(room) == ["2026-01-05: its file was refused: no header"]
    land(room, "20260105")
    assert told(room) == []


def test_a_window_whose_file_was_withdrawn_is_missing(room):
    for day in range(1, 8):
        land(room, f"2026010{day}")
    goal = room.config("orders").goal
    versions = versions_of(room.folders, "shop", goal, ["2026-01-04"])
    withdraw(room.folders, versions, EPOCH, "of another shop")
    assert told(room) == ["2026-01-04: withdrawn on 2026-01-01 00:00: of another shop"]
    reinstate(room.folders, versions)
    assert told(room) == []
