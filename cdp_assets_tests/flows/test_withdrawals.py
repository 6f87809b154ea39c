"""A batch that is withdrawn leaves a warehouse as if it had never come; put back, as if it had never gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets.errors import ConfigError
from cdp_assets.flows.withdrawals import reinstate, versions_of, withdraw
from cdp_assets_tests.flows.test_fold import goal, lab, people
from cdp_assets_tests.support.driven import driver
from cdp_assets_tests.support.lab import EPOCH

FILES = {
    "20260101": "email,city,points\na@x.com,Rome,1\nb@x.com,Oslo,10\n",
    "20260102": "email,city,points\na@x.com,Bonn,2\nc@x.com,Kiel,20\n",
    "20260103": "email,city,points\na@x.com,,4\n",
}


def delivered(folder, *keys):
    room = lab(folder, goal())
    for hour, key in enumerate(keys):
        room.land("customers", f"customers_{key}.csv", FILES[key], look_at=EPOCH + timedelta(hours=hour))
    room.fold()
    return room


def states(room):
    return dict(room.rows("SELECT partition_key, state FROM ops.batches"))


@pytest.mark.parametrize("key", FILES)
def test_without_a_batch_the_warehouse_is_as_if_it_had_never_come_and_with_it_as_before(tmp_path, key):
    room = delivered(tmp_path / "all", *FILES)
    before = room.dump()
    others = delivered(tmp_path / "others", *(other for other in FILES if other != key))
    versions = versions_of(room.folders, "shop", room.config("customers").goal, [key])
    assert withdraw(room.folders, versions, EPOCH, "wrong file") == versions
    room.fold()
    assert people(room, "email, city, points") == people(others, "email, city, points")
    assert states(room)[key] == "withdrawn"
    assert room.rows("SELECT note FROM ops.batches WHERE state = 'withdrawn'") == [
        ("withdrawn on 2026-01-01 00:00: wrong file",)
    ]
    assert withdraw(room.folders, versions, EPOCH) == []
    assert reinstate(room.folders, versions) == versions
    room.fold()
    assert room.dump() == before
    assert set(states(room).values()) == {"folded"}


def test_a_newer_version_of_a_withdrawn_partition_counts(tmp_path):
    room = delivered(tmp_path, "20260101")
    withdraw(room.folders, versions_of(room.folders, "shop", room.config("customers").goal, ["20260101"]), EPOCH)
    room.fold()
    assert people(room, "email") == []
    later = EPOCH + timedelta(days=1)
    room.land("customers", "customers_20260101.csv", FILES["20260102"], look_at=later, modified_at=later)
    room.fold()
    assert people(room, "email") == [("a@x.com",), ("c@x.com",)]


def test_a_withdrawn_version_that_is_landed_anew_stays_out(tmp_path):
    room = delivered(tmp_path, *FILES)
    withdraw(room.folders, versions_of(room.folders, "shop", room.config("customers").goal, ["20260102"]), EPOCH)
    room.deployment = lab(tmp_path / "other", goal(mappings=[{"column": "city", "property": "city"}])).deployment
    assert all(landed.is_new for landed in room.reland("customers"))
    room.fold()
    assert people(room, "email, city, points") == [("a@x.com", "Rome", None), ("b@x.com", "Oslo", None)]


def test_one_batch_can_be_named_by_the_beginning_of_its_id(tmp_path):
    room = delivered(tmp_path, *FILES)
    ((batch_id,),) = room.rows("SELECT batch_id FROM ops.batches WHERE partition_key = '20260103'")
    (version,) = versions_of(room.folders, "shop", room.config("customers").goal, [], batch_id[:8])
    assert version.partition_key == "20260103"
    with pytest.raises(
        ConfigError, match=r"3 batches of shop/customers begin with : .*\(customers_20260101.csv, landed "
    ):
        versions_of(room.folders, "shop", room.config("customers").goal, [], "")
    with pytest.raises(ConfigError, match="has no partition 1999; it has '20260101', '20260102'"):
        versions_of(room.folders, "shop", room.config("customers").goal, ["1999"])


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killer")
    with driver(folder, {}, folder) as process:
        yield process


@pytest.mark.parametrize("died_at", range(1, 9))
def test_nothing_is_left_of_events_whose_only_batch_was_withdrawn_after_a_fold_died(tmp_path, killer, died_at):
    """Tables of types are made before the pass; a later fold without such batches leaves none behind."""
    visits = {"type": "order", "id": "id", "date": "day"}
    room = lab(tmp_path / "data", goal(events=[visits]))
    room.land("customers", "customers_1.csv", "email,id,day\na@x.com,1,2026-01-01\n", look_at=EPOCH)
    setup = room.deployment.model_dump(mode="json", exclude_none=True)
    killer.run(EPOCH, ["fold"], kill_at=died_at, deployment=setup, data=tmp_path / "data")
    withdraw(room.folders, versions_of(room.folders, "shop", room.config("customers").goal, ["1"]), EPOCH)
    room.fold()
    assert room.rows("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'events_%'") == []


def test_a_goal_without_partitions_goes_by_the_name_of_its_file(tmp_path):
    room = lab(tmp_path, goal(files={"root": "customers.csv"}))
    settings = room.config("customers").goal
    with pytest.raises(ConfigError, match=r"^customers\.csv was not imported by shop/customers yet$"):
        versions_of(room.folders, "shop", settings, ["customers.csv"])
    room.land("customers", "customers.csv", FILES["20260101"])
    room.fold()
    (version,) = versions_of(room.folders, "shop", settings, ["customers.csv"])
    assert version.name == "customers.csv"
    assert versions_of(room.folders, "shop", settings, [], version.batch_id) == [version]
    with pytest.raises(
        ConfigError, match=r"^shop/customers has no partitions, only the file customers\.csv, not 2026$"
    ):
        versions_of(room.folders, "shop", settings, ["2026"])
