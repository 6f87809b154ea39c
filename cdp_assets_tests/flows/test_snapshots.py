"""Snapshots: a replay starts at the last one that still fits, and ends as one from the first batch does."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from cdp_assets.flows.fold_batches import fold_batches
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.mirror import mirrored
from cdp_assets.flows.snapshot_files import remove_snapshots
from cdp_assets.flows.snapshots import least_useful, only_used
from cdp_assets.flows.withdrawals import reinstate, versions_of, withdraw
from cdp_assets.sql.dialect import uuid5
from cdp_assets.sql.snapshots import MAKER
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.flows.test_fold import PROPERTIES, goal, lab, people
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment, with_snapshots

TEXT = "email,city,points,tags\na@x.com,c{n},{n},t{n}\n{n}@x.com,Rome,1,\n"
COUNTS = (
    "SELECT name, {0}created, {0}modified + {0}unchanged, {0}not_found FROM ops.batches"
    " WHERE position IS NOT NULL ORDER BY position"
)


def keeping(room: Lab, **settings: float) -> Lab:
    """The lab, with a snapshot after every pass."""
    model = with_snapshots(room.deployment.model, **settings)
    room.deployment = room.deployment.model_copy(update={"model": model})
    return room


def day(number: int) -> str:
    return f"202601{number:02d}"


def deliver(room: Lab, *days: int, name: str = "customers", text: str = TEXT, hour: int = 0) -> None:
    """Files dated so, each folded when it comes."""
    for number in days:
        at = EPOCH + timedelta(hours=hour)
        room.land(name, f"{name}_{day(number)}.csv", text.format(n=number), look_at=at, modified_at=at)
        room.fold()


def months(tmp_path, *days: int, **settings: float) -> Lab:
    room = keeping(lab(tmp_path), **({"keep": 50} | settings))
    deliver(room, *days)
    return room


def kept(room: Lab) -> list[int]:
    """How many batches each snapshot holds."""
    return sorted(int(path.name.split("-")[0]) for path in room.folders.snapshots.glob("[!.]*"))


def assert_as_replayed(room: Lab) -> None:
    """After a replay: all that it rebuilds, and what it counts, is as from the first batch."""
    before, counts = room.dump(), room.rows(COUNTS.format("replayed_"))
    room.fold(rebuild=True)
    assert room.dump() == before
    assert room.rows(COUNTS.format("replayed_")) == counts


def test_a_late_file_replays_only_what_comes_after_the_last_snapshot_before_it(tmp_path):
    room = months(tmp_path, 1, 2, 3, 5, 6)
    assert kept(room) == [1, 2, 3, 4, 5]
    room.land("customers", f"customers_{day(4)}.csv", TEXT.format(n=4))
    result = room.fold()
    assert (result.replayed, result.refolded, len(result.folded)) == (True, 3, 1)
    assert people(room, "email, points")[:3] == [("1@x.com", 1), ("2@x.com", 1), ("3@x.com", 1)]
    assert people(room, "city, points")[-1] == ("c6", 21)
    assert_as_replayed(room)


def test_a_correction_of_the_first_file_replays_everything_and_one_of_the_last_next_to_nothing(tmp_path):
    room = months(tmp_path, 1, 2, 3)
    for number, refolded in ((3, 1), (1, 3)):
        text = f"email,points\na@x.com,{number}00\n"
        room.land("customers", f"customers_{day(number)}.csv", text, modified_at=EPOCH + timedelta(days=9))
        assert room.fold().refolded == refolded
        assert_as_replayed(room)
    assert ("a@x.com", 402) in people(room, "email, points")


def test_a_withdrawn_last_batch_is_a_mere_return_to_the_snapshot_before_it(tmp_path):
    room = months(tmp_path, 1, 2, 3)
    before = room.dump()
    versions = versions_of(room.folders, "shop", room.config("customers").goal, [day(3)])
    withdraw(room.folders, versions, EPOCH)
    result = room.fold()
    assert (result.replayed, result.refolded) == (True, 0)
    assert_as_replayed(room)
    reinstate(room.folders, versions)
    room.fold()
    assert room.dump() == before
    assert_as_replayed(room)


def test_full_files_and_refused_identifiers_are_as_from_the_first_batch(tmp_path):
    both = [{"column": "mail", "property": "email"}, {"column": "crm", "property": "crm"}]
    points = {"column": "points", "property": "points", "rule": "sum"}
    full = goal(files={"delta": False}, mappings=[points], identifiers=both)
    room = keeping(lab(tmp_path, full), keep=50)
    files = ["a@x.com,1,5\nb@x.com,2,5\n", "a@x.com,1,5\nb@x.com,2,6\n", "a@x.com,2,5\nb@x.com,2,6\n"]
    for number, rows in zip((1, 2, 4), files, strict=True):
        deliver(room, number, text=f"mail,crm,points\n{rows}")
    deliver(room, 5, text="mail,crm,points\nc@x.com,3,5\n")
    conflicts = "SELECT row_no, property, value, profile_id FROM ops.identity_conflicts"
    found = room.rows(conflicts)
    assert found
    deliver(room, 5, text="mail,crm,points\nc@x.com,3,6\n", hour=2)
    assert room.rows(conflicts) == found
    deliver(room, 3, text="mail,crm,points\na@x.com,1,5\n")
    assert_as_replayed(room)
    assert room.rows(conflicts) == found


def test_what_counts_of_a_first_fold_stays_and_what_counts_of_a_replay_follows(tmp_path):
    room = months(tmp_path, 1, 3, 4)
    first = room.rows(COUNTS.format("rows_"))
    room.land("customers", f"customers_{day(2)}.csv", "email,points\n4@x.com,1\n")
    room.fold()
    assert [row for row in room.rows(COUNTS.format("rows_")) if day(2) not in row[0]] == first
    assert [row[1] for row in room.rows(COUNTS.format("replayed_"))] == [2, 1, 1, 0]
    assert_as_replayed(room)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["profiles.parquet", "outcomes.parquet", "snapshot.json"])
@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_a_damaged_snapshot_is_not_used(tmp_path, name, how):
    room = months(tmp_path, 1, 2, 4)
    for path in room.folders.snapshots.glob(f"0000000[23]*/{name}"):
        content = path.read_bytes()
        path.unlink()
        if how == "damaged":
            path.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    room.land("customers", f"customers_{day(3)}.csv", TEXT.format(n=3))
    result = room.fold()
    assert result.refolded == 3
    assert bool(result.problems) == (name != "snapshot.json")
    assert_as_replayed(room)


def test_a_snapshot_of_another_warehouse_is_not_used(tmp_path):
    other = months(tmp_path / "other", 1, 2, 3)
    room = months(tmp_path / "own", 1)
    room.land("customers", f"customers_{day(2)}.csv", "email,points\nz@x.com,1\n")
    shutil.rmtree(room.folders.snapshots)
    shutil.copytree(other.folders.snapshots, room.folders.snapshots)
    withdraw(room.folders, versions_of(room.folders, "shop", room.config("customers").goal, [day(1)]), EPOCH)
    assert room.fold().refolded == 1
    assert people(room, "email") == [("z@x.com",)]


@pytest.mark.parametrize("replays", [False, True])
def test_a_fold_goes_on_where_no_snapshot_can_be_written(tmp_path, replays):
    room = months(tmp_path, 2, keep=0)
    room.folders.snapshots.write_text("a file where the folder should be")
    room.land("customers", f"customers_{day(1 if replays else 3)}.csv", TEXT.format(n=3))
    (problem,) = keeping(room, keep=4).fold().problems
    assert "a snapshot cannot be written" in problem
    assert len(people(room)) == 3
    assert kept(room) == []


def test_a_new_property_does_not_put_snapshots_out_of_use_but_one_that_comes_back_does(tmp_path):
    def with_properties(*properties, mappings=None):
        room.deployment = deployment(list(properties), [goal(mappings=mappings)])
        return keeping(room, keep=50)

    note = [{"column": "n", "property": "note"}]
    room = months(tmp_path, 1, 2)
    with_properties(*PROPERTIES, {"name": "note"}, mappings=note)
    deliver(room, 4, text="email,n\na@x.com,hello\n")
    room.land("customers", f"customers_{day(3)}.csv", "email,n\na@x.com,good morning\n")
    assert room.fold().refolded == 2
    assert ("a@x.com", "c2", "hello") in people(room, "email, city, note")
    without_city = [prop for prop in PROPERTIES if prop["name"] != "city"]
    with_properties(*without_city, {"name": "note"}, mappings=note)
    assert not room.fold().replayed
    room.fold(rebuild=True)
    with_properties(*PROPERTIES, {"name": "note"}, mappings=note)
    assert room.fold().refolded == 4
    assert ("a@x.com", "c2", "hello") in people(room, "email, city, note")


def test_a_property_that_nothing_was_written_to_can_change_its_type(tmp_path):
    room = months(tmp_path, 1)
    changed = [prop | ({"type": "number"} if prop["name"] == "crm" else {}) for prop in PROPERTIES]
    room.deployment = deployment(changed, [goal(mappings=[{"column": "crm", "property": "crm"}])])
    deliver(keeping(room), 2, text="email,crm\na@x.com,7\n")
    assert ("a@x.com", "c1", 7) in people(room, "email, city, crm")


def comings_and_goings(room: Lab) -> list[object]:
    """Ids after each fold, while the file whose row makes a profile is withdrawn and comes back."""
    deliver(room, 2, 4, text="email,crm\n{n}@x.com,{n}\n")
    deliver(room, 3, name="crm", text="crm,email\n2,\n")
    told = [people(room, "email, profile_id")]
    deliver(room, 1, name="crm", text="crm,email\n2,2@x.com\n", hour=1)
    versions = versions_of(room.folders, "shop", room.config("crm").goal, [day(1)])
    for number in (5, 6):
        told.append(people(room, "email, profile_id, created_by_property"))
        withdraw(room.folders, versions, EPOCH)
        deliver(room, number, text="email,crm\n{n}@x.com,{n}\n", hour=2)
        told.append(people(room, "email, profile_id, created_by_property"))
        reinstate(room.folders, versions)
        room.fold()
    held = room.rows("SELECT DISTINCT profile_id FROM main.identifiers ORDER BY ALL")
    assert held == room.rows("SELECT profile_id FROM main.profiles ORDER BY ALL")
    return told


@pytest.mark.slow
def test_published_ids_stay_while_the_row_that_makes_a_profile_comes_and_goes(tmp_path):
    by_crm = goal("crm", identifier=("crm", "crm"), mappings=[{"column": "email", "property": "email"}])
    by_mail = goal(mappings=[{"column": "crm", "property": "crm"}])
    told = comings_and_goings(keeping(lab(tmp_path / "with", by_mail, by_crm), keep=50))
    assert told == comings_and_goings(keeping(lab(tmp_path / "without", by_mail, by_crm), keep=0))
    first = dict(told[0])
    assert [(ids[0][:2], ids[0][2]) for ids in told[1:]] == [
        (("2@x.com", first["2@x.com"]), maker) for maker in ("crm", "email", "crm", "email")
    ]


def test_the_id_of_a_profile_is_made_of_the_row_that_made_it(tmp_path):
    """A snapshot works ids out anew where published ones have changed; it must know how they are made."""
    room = months(tmp_path, 1, 2)
    assert room.rows(f"SELECT count(*) FROM main.profiles WHERE profile_id <> {uuid5(MAKER)}") == [(0,)]


@pytest.mark.slow
def test_as_many_stay_as_are_wanted_the_denser_the_younger(tmp_path):
    room = months(tmp_path, *range(1, 13), keep=4)
    assert len(kept(room)) == 4
    assert kept(room)[-2:] == [11, 12]
    assert kept(room)[0] <= 6


def test_the_least_useful_is_where_the_gaps_are_small_for_its_age():
    assert least_useful({1: 100, 2: 200, 9: 900, 10: 1000}, 1000) == 1
    assert least_useful({1: 500, 2: 510, 3: 900, 4: 1000}, 1000) == 2
    assert least_useful({3: 10}, 1000) == 3


def test_none_stays_that_takes_more_room_than_there_is(tmp_path):
    assert kept(months(tmp_path, 1, 2, max_gb=1e-6)) == []


def test_none_is_taken_unless_enough_was_folded(tmp_path):
    assert kept(months(tmp_path / "by default", 1, 2, after=2)) == []
    room = months(tmp_path / "after three passes", after=1.1)
    deliver(room, 1, 2)
    assert kept(room) == []
    room.land("customers", f"customers_{day(3)}.csv", "email,city\n" + "a@x.com,Rome\n" * 18_000)
    room.fold()
    assert kept(room) == [3]


def test_all_can_be_removed(tmp_path):
    room = months(tmp_path, 1, 2, 3)
    (room.folders.snapshots / ".half").mkdir()
    remove_snapshots(room.folders)
    assert list(room.folders.snapshots.iterdir()) == []
    remove_snapshots(DataFolders(tmp_path / "nothing"))


def test_a_replay_from_the_first_batch_is_what_a_person_gets_who_asks_for_one(tmp_path):
    room = months(tmp_path, 1, 2, 3)
    result = room.fold(rebuild=True)
    assert (result.refolded, kept(room)) == (3, [3])


def test_a_fold_that_is_thrown_away_uses_snapshots_and_leaves_them_alone(tmp_path):
    room = months(tmp_path, 1, 2, 4)
    room.land("customers", f"customers_{day(3)}.csv", TEXT.format(n=3))
    before = sorted(room.folders.snapshots.rglob("*"))
    with mirrored(room.folders) as mirror, open_warehouse(mirror.warehouse) as database:
        assert fold_batches(database, only_used(room.model), mirror, EPOCH).refolded == 2
        remove_snapshots(mirror)
    assert sorted(room.folders.snapshots.rglob("*")) == before


def test_a_replay_that_dies_is_taken_up_where_its_last_snapshot_stands(tmp_path):
    """What a snapshot holds may have been rolled back: batches then count as folded there for the first time."""
    room = months(tmp_path / "one", 1, 2, 4, 5)
    room.land("customers", f"customers_{day(3)}.csv", TEXT.format(n=3))
    shutil.copytree(room.folders.root, tmp_path / "two")
    finished = room.fold()
    again = Lab(tmp_path / "two", room.deployment)
    shutil.rmtree(again.folders.snapshots)
    shutil.copytree(room.folders.snapshots, again.folders.snapshots)
    result = again.fold()
    assert (finished.refolded, result.refolded) == (3, 0)
    assert again.dump() == room.dump()
    everything = "SELECT * FROM ops.batches ORDER BY batch_id"
    assert again.rows(everything) == room.rows(everything)
    assert [row["name"] for row in result.folded] == [f"customers_{day(3)}.csv"]
