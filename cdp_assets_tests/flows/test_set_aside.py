"""Files that land and do not count, orphans and identifiers that are not taken: the summary of a run tells of each."""

from __future__ import annotations

from datetime import timedelta

from cdp_assets.commands import dry_run as command
from cdp_assets.flows.dry_run import dry_run
from cdp_assets_tests.flows import test_interactions as viewed
from cdp_assets_tests.flows import test_linked_rows as linked
from cdp_assets_tests.flows.test_about_nobody import summary, warnings
from cdp_assets_tests.flows.test_fold import PROPERTIES, goal
from cdp_assets_tests.support.connected import Shop, import_goal
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

ANNA, BERT = "a@x.com,Rome\n", "b@x.com,Oslo\n"
HEADER = "email,city\n"
NUMBERED = [{"name": "email", "type": "email"}, {"name": "number"}]
BOTH = [{"column": name, "property": name} for name in ("email", "number")]


def test_orphans_of_each_linked_file_are_told(tmp_path):
    room = linked.lab(tmp_path)
    linked.land(room)
    room.fold()
    told = summary(room)
    tail = "belong to no row of the file that it is linked to, and are left out."
    assert f"orders_1.csv (orders): 2 of 5 rows {tail}" in told
    assert "lines_1.csv (lines): 1 of 5 rows belongs to no row of the file that it is linked to, and is left" in told
    ((message,),) = room.rows("SELECT message FROM ops.import_history")
    assert message.endswith(" 3 rows of linked files belonging to no row of their file.")


def test_a_file_without_orphans_says_nothing_of_them(tmp_path):
    room = linked.lab(tmp_path)
    rows = {"orders": ("orders_1.csv", "no,customer,shop\n10,1,Rome\n"), "lines": ("lines_1.csv", "order,sku,amount\n")}
    linked.land(room, linked=rows)
    room.fold()
    assert "belong" not in summary(room)
    assert "linked files" not in room.rows("SELECT message FROM ops.import_history")[0][0]


def test_the_same_content_under_another_date_is_warned_of(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, [goal(mappings=[{"column": "city", "property": "city"}])]))
    room.land("customers", "customers_20261120.csv", HEADER + ANNA)
    room.fold()
    room.land("customers", "customers_20261121.csv", HEADER + ANNA)
    room.fold()
    assert warnings(room) == [
        "WARNING customers_20261121.csv: same content as customers_20261120.csv; both count",
    ]


def test_an_address_that_several_profiles_hold_is_told_where_it_finds_one_alone(tmp_path):
    members = import_goal("members", identifiers=[{"column": "number", "property": "number"}], mappings=BOTH)
    city = [{"column": "city", "property": "city"}]
    gone = import_goal("gone", files={"root": "gone_*.csv", "delta": True}, allow_create=False, mappings=city)
    room = Lab(tmp_path, deployment([*NUMBERED, {"name": "city"}], [members, gone]))
    room.land("members", "members_1.csv", "number,email\n1,a@x.com\n2,a@x.com\n3,b@x.com\n")
    room.fold()
    room.land("gone", "gone_1.csv", HEADER + ANNA + BERT)
    room.fold()
    told = (
        "gone_1.csv: 1 value of email is held by several profiles; a row goes to the one of its holders that was made"
        " first, and to no other."
    )
    assert told in summary(room)
    assert room.rows("SELECT number, city FROM main.profiles ORDER BY 1") == [("1", "Rome"), ("2", None), ("3", "Oslo")]


def test_a_file_with_a_header_alone_is_told(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, [goal(mappings=[{"column": "city", "property": "city"}])]))
    room.land("customers", "customers_1.csv", HEADER)
    room.land("customers", "customers_2.csv", HEADER + ANNA)
    room.fold()
    assert summary(room).count("has no rows") == 1
    assert "customers_1.csv has no rows, only its header." in summary(room)


def test_groups_do_not_count_among_the_profiles_of_the_total(tmp_path):
    households = {"id": "household", "properties": [{"name": "size", "type": "number"}]}
    groups = {
        "type": "import_groups",
        "name": "households",
        "group_type": "household",
        "files": {"root": "households.csv", "delta": True},
        "identifiers": [{"column": "id"}],
        "mappings": [{"column": "size", "property": "size"}],
    }
    people = goal(mappings=[{"column": "city", "property": "city"}])
    room = Lab(tmp_path, deployment(PROPERTIES, [people, groups], group_types=[households]))
    room.land("customers", "customers_1.csv", HEADER + ANNA + BERT)
    room.fold()
    assert "total without groups" not in summary(room)
    room.land("households", "households.csv", "id,size\nH1,2\n")
    room.fold()
    (total,) = (line.split() for line in summary(room).splitlines() if line.startswith("total"))
    assert total[:5] == ["total", "without", "groups", "2", "2"]


def test_files_that_land_and_do_not_count_are_told(tmp_path):
    """A late older version of a day, and a file that the goal refuses as a twin."""
    files = {"duplicate_content": "skip"}
    room = Lab(tmp_path, deployment(PROPERTIES, [goal(mappings=[], files=files)]))
    room.land("customers", "customers_20261120.csv", HEADER + ANNA + BERT, modified_at=EPOCH + timedelta(2))
    room.land("customers", "customers_20261120.csv", HEADER + ANNA, modified_at=EPOCH + timedelta(1))
    room.land("customers", "customers_20261121.csv", HEADER + ANNA + BERT)
    room.fold()
    told = summary(room)
    took = "a newer version of partition '20261120' took its place"
    assert f"customers_20261120.csv landed and does not count: {took}." in told
    same = "same content as customers_20261120.csv; refused by duplicate_content"
    assert f"customers_20261121.csv landed and does not count: {same}." in told


def test_identifiers_that_another_profile_holds_are_told(tmp_path):
    room = Lab(tmp_path, deployment(NUMBERED, [goal(identifiers=BOTH, mappings=BOTH)]))
    room.land("customers", "customers_1.csv", "email,number\na@x.com,1\nb@x.com,2\n")
    room.fold()
    assert "identifier" not in summary(room)
    room.land("customers", "customers_2.csv", "email,number\na@x.com,2\n")
    room.fold()
    assert (
        "customers_2.csv: 1 identifier of its rows belongs to another profile than the one that the row was applied to,"
        " and stays there (`ops.identity_conflicts` lists both sides)."
    ) in summary(room)
    messages = [message for (message,) in room.rows("SELECT message FROM ops.import_history ORDER BY file")]
    assert [message.endswith(" 1 identifier not taken, listed in ops.identity_conflicts.") for message in messages] == [
        False,
        True,
    ]


def test_a_dry_run_tells_of_them_at_the_file(sshd, tmp_path, capsys):
    shop = Shop(sshd, tmp_path / "data", [import_goal(identifiers=BOTH, mappings=BOTH)], NUMBERED)
    shop.put("customers_1.csv", "email,number\na@x.com,1\nb@x.com,2\n")
    shop.put("customers_2.csv", "email,number\na@x.com,2\n", written=shop.now)
    for item in dry_run(shop.deployment, shop.connection, shop.folders, shop.now).files:
        command._tell(item)
    told = capsys.readouterr().out
    assert told.count("customers_2.csv: 1 identifier of its rows belongs to another profile") == 1


def test_an_event_that_comes_with_another_time_is_told_as_a_second_one(tmp_path):
    event = {"type": "order", "id": "no", "date": "day", "mappings": [{"column": "sum", "property": "total_revenue"}]}
    room = Lab(tmp_path, deployment(PROPERTIES, [goal(mappings=[], events=[event])]))
    head = "email,no,day,sum\n"
    room.land("customers", "customers_20261120.csv", f"{head}a@x.com,1,2026-11-20 10:00,5\nb@x.com,1,2026-11-20,5\n")
    room.fold()
    assert "at another time too" not in summary(room)
    room.land("customers", "customers_20261121.csv", f"{head}a@x.com,1,2026-11-20 10:05,6\na@x.com,2,2026-11-21,5\n")
    room.fold()
    assert (
        "customers_20261121.csv: 1 event of type order has the id that the same person has at another time too:"
        " time and id tell events apart, so both are there; to correct an event, send it with its first time"
    ) in summary(room)


def test_files_that_are_imported_anew_are_told_with_the_reason(tmp_path):
    room = Lab(tmp_path, deployment(PROPERTIES, [goal(mappings=[{"column": "city", "property": "city"}])]))
    for day in range(20, 25):
        room.land("customers", f"customers_202611{day}.csv", f"{HEADER}p{day}@x.com,Rome\n")
    room.fold()
    assert "anew" not in summary(room)
    room.deployment = deployment(PROPERTIES, [goal(mappings=[])])
    room.reland("customers")
    room.fold()
    first = ", ".join(f"customers_202611{day}.csv" for day in (20, 21, 22))
    assert f"{first} and 2 more files were imported anew, as the settings they are imported by changed." in summary(
        room
    )


def test_what_somebody_sees_twice_is_no_second_event(tmp_path):
    room = viewed.lab(tmp_path)
    viewed.land(room, "a@x.com,banner,view,2026-01-01 10:00,\na@x.com,banner,view,2026-01-02 10:00,\n")
    room.fold()
    assert len(viewed.seen(room)) == 2
    assert "at another time too" not in summary(room)
