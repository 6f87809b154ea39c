"""An erased person is gone from every file here, and does not come back with any file that names them."""

import stat
from datetime import timedelta

import pytest

from cdp_assets.errors import ConfigError
from cdp_assets.flows.erase_profiles import erase, lift
from cdp_assets.flows.find_erased import Asked
from cdp_assets.flows.publish import publish
from cdp_assets_tests.privacy.searching import traces
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment, with_snapshots

JANE = "jane@x.com"
HEADER = "email,crm,city,points\n"
PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "crm"},
    {"name": "city"},
    {"name": "points", "type": "number"},
]


def goal(name, *, full=False, **more):
    return {
        "type": "import_profiles",
        "name": name,
        "files": {"root": f"{name}*.csv", "delta": not full},
        "identifiers": [{"column": "email", "property": "email"}],
        "allow_create": True,
        "mappings": [
            {"column": "crm", "property": "crm"},
            {"column": "city", "property": "city"},
            {"column": "points", "property": "points", "rule": "sum"},
        ],
    } | more


def setup():
    goals = [
        goal("changes"),
        goal("everything", full=True),
        goal("points", allow_create=False),
        goal("both", identifiers=[{"column": "email", "property": "email"}, {"column": "crm", "property": "crm"}]),
    ]
    return deployment(PROPERTIES, goals, merging={})


@pytest.fixture
def room(tmp_path):
    return Lab(tmp_path, setup())


def day(number):
    return EPOCH + timedelta(days=number)


def land(room, name, text, number, **more):
    return room.land(name.partition("_")[0], f"{name}.csv", HEADER + text, look_at=day(number), **more)


def erased(room, *values, several=False, name=None):
    asked = [Asked(value, name) for value in values]
    return erase(room.model, room.folders, asked, day(99), more=frozenset({"crm"}), several=several)


def fill(room):
    land(room, "changes_1", "jane@x.com,7,Rome,1\nbob@x.com,8,Oslo,2\n", 1)
    land(room, "changes_2", "JANE@x.com,7,Bonn,5\nann@x.com,9,Kiel,1\n", 2)
    land(room, "everything_1", "jane@x.com,7,Bonn,1\nbob@x.com,8,Oslo,2\n", 3)
    room.fold()
    publish(room.folders)


def emails(room):
    return [email for (email,) in room.rows("SELECT email FROM main.profiles ORDER BY email")]


def accounted(room):
    return room.rows(
        "SELECT sum(rows_received - replayed_created - replayed_modified - replayed_unchanged - replayed_not_found"
        " - replayed_erased - rows_no_identifier - rows_filtered - replayed_rejected) FROM ops.batches"
    )


def test_nothing_of_the_person_is_left_in_any_file(room):
    room.deployment = room.deployment.model_copy(update={"model": with_snapshots(room.model)})
    fill(room)
    assert traces(room.folders.root, JANE)
    told = erased(room, " Jane@X.com ")
    assert traces(room.folders.root, JANE) == []
    assert (told.people, told.rows, told.batches, told.originals) == (1, 3, 3, 3)
    assert told.snapshots == 2
    assert emails(room) == ["ann@x.com", "bob@x.com"]
    assert room.rows("SELECT sum(replayed_erased) FROM ops.batches") == [(3,)]
    assert accounted(room) == [(0,)]


def test_the_warehouse_is_what_it_is_without_the_rows(room, tmp_path):
    fill(room)
    erased(room, JANE)
    other = Lab(tmp_path / "other", setup())
    land(other, "changes_1", ",,,\nbob@x.com,8,Oslo,2\n", 1)
    land(other, "changes_2", "ann@x.com,9,Kiel,1\n", 2)
    land(other, "everything_1", "bob@x.com,8,Oslo,2\n", 3)
    other.fold()
    assert room.dump() == other.dump()


def test_another_identifier_of_the_person_finds_all_their_rows(room):
    land(room, "both_1", "jane@x.com,7,Rome,1\n", 1)
    land(room, "both_2", "jane@work.com,7,Rome,1\nbob@x.com,8,,\n", 2)
    land(room, "both_3", ",7,Bonn,1\n", 3)
    room.fold()
    erased(room, "7", name="crm")
    assert traces(room.folders.root, JANE) == traces(room.folders.root, "jane@work.com") == []
    assert traces(room.folders.root, "Bonn") == []
    assert emails(room) == ["bob@x.com"]


def test_profiles_that_became_the_person_go_too(room):
    land(room, "both_1", "jane@x.com,,Rome,1\n,7,Bonn,\n", 1)
    land(room, "both_2", "jane@x.com,7,,\n", 2)
    land(room, "both_3", ",7,Kiel,\nbob@x.com,8,,\n", 3)
    room.fold()
    assert room.rows("SELECT count(*) FROM main.replaced_profiles") == [(1,)]
    told = erased(room, JANE)
    assert (told.people, told.rows) == (1, 4)
    assert traces(room.folders.root, "Bonn") == traces(room.folders.root, "Kiel") == []


@pytest.mark.parametrize("kind", ["changes", "everything", "both"])
def test_a_later_file_does_not_bring_the_person_back(room, kind):
    fill(room)
    erased(room, JANE)
    for number, points in enumerate((3, 4), start=10):
        land(room, f"{kind}_{number}", f"Jane@x.com,7,Rome,{points}\nbob@x.com,8,Oslo,2\n", number)
        assert traces(room.folders.root, JANE)
        (entry,) = room.fold().folded
        assert (entry["rows_erased"], entry["rows_created"], entry["rows_not_found"]) == (1, 0, 0)
        assert traces(room.folders.root, JANE) == []
    assert emails(room) == ["ann@x.com", "bob@x.com"]
    room.fold(rebuild=True)
    assert emails(room) == ["ann@x.com", "bob@x.com"]
    assert accounted(room) == [(0,)]


def test_an_old_batch_that_is_put_back_from_a_backup_is_emptied_again(room):
    landed = land(room, "changes_1", "jane@x.com,7,Rome,1\nbob@x.com,8,Oslo,2\n", 1)
    room.fold()
    backup = {path.name: path.read_bytes() for path in landed.folder.iterdir()}
    erased(room, JANE)
    for name, content in backup.items():
        (landed.folder / name).write_bytes(content)
    room.fold(rebuild=True)
    assert emails(room) == ["bob@x.com"]
    assert traces(room.folders.root, JANE) == []


def test_an_old_batch_that_did_not_count_holds_nothing_of_the_person(room):
    land(room, "changes_2026-01-02", "jane@x.com,7,Rome,1\nbob@x.com,8,Oslo,2\n", 1)
    land(room, "changes_2026-01-02", "bob@x.com,8,Oslo,3\n", 2, modified_at=day(2))
    land(room, "changes_2026-01-03", "jane@x.com,7,Rome,1\n", 3)
    room.fold()
    erased(room, JANE)
    assert traces(room.folders.root, JANE) == []


def test_rows_that_found_nobody_go_too(room):
    land(room, "points_1", "jane@x.com,7,Rome,1\n", 1)
    land(room, "changes_1", "jane@x.com,7,Rome,1\nbob@x.com,8,Oslo,2\n", 2)
    room.fold()
    assert erased(room, JANE).rows == 2
    assert traces(room.folders.root, JANE) == []


def test_somebody_unknown_is_kept_out_as_well(room):
    fill(room)
    told = erased(room, "new@x.com")
    assert (told.people, told.rows, told.identifiers) == (0, 0, 2)
    land(room, "changes_9", "new@x.com,,,\n", 9)
    room.fold()
    assert "new@x.com" not in emails(room)


def test_what_other_people_have_too_stays_theirs(room):
    land(room, "both_1", "jane@x.com,7,Rome,1\n", 1)
    land(room, "changes_2", "bob@x.com,7,Oslo,2\n", 2)
    room.fold()
    assert erased(room, JANE).shared == 1
    land(room, "changes_3", "bob@x.com,7,Bonn,2\n", 3)
    room.fold()
    assert room.rows("SELECT email, crm, city FROM main.profiles") == [("bob@x.com", "7", "Bonn")]


def test_an_identifier_of_several_profiles_must_be_meant(room):
    land(room, "changes_1", "jane@x.com,7,Rome,1\nbob@x.com,7,Oslo,2\n", 1)
    land(room, "both_2", "ann@x.com,9,,\n", 2)
    room.fold()
    with pytest.raises(ConfigError, match="identifier 1 of those given is held by 2 profiles") as refused:
        erased(room, "7", name="crm")
    assert "7" not in str(refused.value)
    assert len(emails(room)) == 3
    erased(room, "7", name="crm", several=True)
    assert emails(room) == ["ann@x.com"]


def test_rejected_texts_of_the_person_go(room):
    text = 'jane@x.com,7,Rome,many\nbob@x.com,8,Oslo,few\n"jane@x.com" broken,7\n"bob@x.com" broken,8\n'
    land(room, "changes_1", text, 1)
    room.fold()
    assert erased(room, JANE).rejects == 2
    assert traces(room.folders.root, JANE) == []
    kept = room.rows("SELECT line_no, raw_text FROM ops.rejects ORDER BY line_no")
    assert kept == [(2, "(erased)"), (3, "few"), (4, "(erased)"), (5, '"bob@x.com" broken,8')]
    land(room, "changes_2", text.replace("Rome", "Kiel"), 2)
    room.fold()
    assert traces(room.folders.root, JANE) == []


def test_only_keyed_hashes_are_kept(room):
    fill(room)
    erased(room, JANE)
    hashes = room.rows("SELECT property, value_hash FROM ops.erasures ORDER BY property")
    assert [name for name, _ in hashes] == ["crm", "crm", "email"]
    assert all(len(value) == 64 for _, value in hashes)
    key = room.folders.erasures / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert list(room.folders.erasures.iterdir()) == [key]


def test_a_person_may_come_in_again_when_it_is_lifted(room):
    fill(room)
    erased(room, JANE)
    assert lift(room.folders, [Asked("7", "crm")]) == 1
    assert room.rows("SELECT count(*) FROM ops.erasures") == [(0,)]
    land(room, "changes_9", "jane@x.com,7,Wien,4\n", 9)
    room.fold()
    assert room.rows("SELECT city, points FROM main.profiles WHERE email = 'jane@x.com'") == [("Wien", 4)]


def test_a_second_time_changes_nothing(room):
    fill(room)
    erased(room, JANE)
    dump = room.dump()
    told = erased(room, JANE)
    assert (told.people, told.rows, told.identifiers) == (0, 0, 0)
    assert room.dump() == dump


def test_a_batch_that_was_replaced_under_another_type_keeps_nobody_from_being_erased(tmp_path):
    def of(kind):
        held = [{"name": "email", "type": "email"}, {"name": "amount", **kind}]
        entry = goal("sales", mappings=[{"column": "amount", "property": "amount"}])
        return deployment(held, [entry])

    room = Lab(tmp_path, of({}))
    room.land("sales", "sales_20261101.csv", f"email,amount\n{JANE},10.50\nb@x.com,20.00\n")
    room.fold()
    room.deployment = of({"type": "decimal", "precision": 2})
    room.reland("sales")
    room.fold()
    told = erase(room.model, room.folders, [Asked(JANE)], day(99))
    assert (told.people, told.batches) == (1, 2)
    assert room.rows("SELECT email, amount::VARCHAR FROM main.profiles") == [("b@x.com", "20.00")]
    assert traces(room.folders.root, JANE) == []
