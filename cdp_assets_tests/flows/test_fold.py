"""The fold: rules, order, versions, full files, config changes and replay."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from cdp_assets.errors import ConfigError
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "crm", "type": "text"},
    {"name": "city"},
    {"name": "points", "type": "number"},
    {"name": "spend", "type": "decimal", "precision": 2},
    {"name": "tags", "multiple": True},
]


def goal(name="customers", *, mappings=None, identifier=("email", "email"), files=None, **settings):
    column, prop = identifier
    return {
        "type": "import_profiles",
        "name": name,
        "allow_create": True,
        "files": {"root": f"{name}_*.csv", "delta": True} | (files or {}),
        "identifiers": [{"column": column, "property": prop}],
        "mappings": mappings
        or [
            {"column": "city", "property": "city"},
            {"column": "points", "property": "points", "rule": "sum"},
            {"column": "tags", "property": "tags", "rule": "add"},
        ],
    } | settings


def lab(tmp_path, *goals, properties=PROPERTIES):
    return Lab(tmp_path, deployment(properties, list(goals) or [goal()]))


def people(room, columns="email, city, points, tags"):
    return room.rows(f"SELECT {columns} FROM main.profiles ORDER BY ALL")


def test_the_example_of_the_specification(tmp_path):
    room = lab(tmp_path)
    room.land("customers", "customers_1.csv", "email,city,points,tags\na@x.com,Ann,10,vip\n")
    room.fold()
    text = "email,city,points,tags\na@x.com,,5,vip|new\nb@x.com,Bob,x,\n,Eve,1,\n"
    room.land("customers", "customers_2.csv", text, look_at=EPOCH + timedelta(hours=1))
    (batch,) = room.fold().folded
    assert people(room) == [("a@x.com", "Ann", 15, ["vip", "new"]), ("b@x.com", "Bob", None, None)]
    counts = {name: batch[f"rows_{name}"] for name in ("received", "created", "modified", "no_identifier")}
    assert counts == {"received": 3, "created": 1, "modified": 1, "no_identifier": 1}
    assert batch["cells_rejected"] == 1


def test_a_second_fold_changes_nothing(tmp_path):
    room = lab(tmp_path)
    room.land("customers", "customers_1.csv", "email,points\na@x.com,10\n")
    room.fold()
    before = room.dump()
    assert room.fold().folded == ()
    assert room.dump() == before


def test_the_same_version_is_landed_once(tmp_path):
    room = lab(tmp_path)
    first = room.land("customers", "customers_1.csv", "email,points\na@x.com,10\n")
    second = room.land("customers", "customers_1.csv", "email,points\na@x.com,10\n")
    assert (first.is_new, second.is_new) == (True, False)
    room.fold()
    assert people(room, "points") == [(10,)]


def test_an_undated_partition_sent_again_counts_once_and_a_b_a_applies_three_times(tmp_path):
    room = lab(tmp_path)
    for hour, points in enumerate([1, 1, 5, 1]):
        at = EPOCH + timedelta(hours=hour)
        room.land("customers", "customers_eu.csv", f"email,points\na@x.com,{points}\n", look_at=at, modified_at=at)
    room.fold()
    assert people(room, "points") == [(7,)]
    states = [state for (state,) in room.rows("SELECT state FROM ops.batches ORDER BY look_at")]
    assert states == ["folded", "duplicate", "folded", "folded"]


def test_a_correction_takes_the_place_of_the_dated_file_it_corrects(tmp_path):
    room = lab(tmp_path)
    for day, city, hour in (("20260101", "Rome", 0), ("20260102", "Oslo", 1), ("20260101", "Bonn", 2)):
        at = EPOCH + timedelta(hours=hour)
        text = f"email,city,points\na@x.com,{city},10\n"
        room.land("customers", f"customers_{day}.csv", text, look_at=at, modified_at=at)
        result = room.fold()
    assert result.replayed
    assert people(room, "city, points") == [("Oslo", 20)]
    assert room.rows("SELECT count(*) FROM ops.batches WHERE state = 'superseded'") == [(1,)]


def test_a_late_file_ends_in_the_same_warehouse_as_a_punctual_one(tmp_path):
    files = {day: f"email,city,points,tags\na@x.com,c{day},{day},t{day}\n" for day in (20260101, 20260102, 20260103)}
    dumps = []
    for number, order in enumerate([(20260101, 20260102, 20260103), (20260103, 20260101, 20260102)]):
        room = lab(tmp_path / str(number))
        for hour, day in enumerate(order):
            room.land("customers", f"customers_{day}.csv", files[day], look_at=EPOCH + timedelta(hours=hour))
            room.fold()
        dumps.append(room.dump())
    assert dumps[0] == dumps[1]


def test_a_full_file_sent_again_with_one_row_changed_adds_only_that_row(tmp_path):
    room = lab(tmp_path, goal(files={"delta": False}))
    rows = ["a@x.com,1", "b@x.com,2", "c@x.com,3"]
    room.land("customers", "customers_1.csv", "email,points\n" + "\n".join(rows))
    room.fold()
    rows[1] = "b@x.com,20"
    room.land("customers", "customers_2.csv", "email,points\n" + "\n".join(rows), look_at=EPOCH + timedelta(hours=1))
    (batch,) = room.fold().folded
    assert people(room, "points") == [(1,), (3,), (22,)]
    assert (batch["rows_unchanged"], batch["rows_modified"]) == (2, 1)


def test_equal_rows_of_one_full_file_all_count_and_compare_as_a_multiset(tmp_path):
    room = lab(tmp_path, goal(files={"delta": False}))
    room.land("customers", "customers_1.csv", "email,points\na@x.com,1\na@x.com,1\n")
    room.land(
        "customers",
        "customers_2.csv",
        "email,points\na@x.com,1\na@x.com,1\na@x.com,1\n",
        look_at=EPOCH + timedelta(hours=1),
    )
    room.fold()
    assert people(room, "points") == [(3,)]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        pytest.param("Rome,1|Oslo,2", "Rome,1", ("Rome", 3), id="the last row is gone"),
        pytest.param("Oslo,2", "Rome,1|Oslo,2", ("Oslo", 3), id="a row came before it"),
        pytest.param("Rome,1|Oslo,2", "Oslo,2|Rome,1", ("Rome", 3), id="the rows changed places"),
        pytest.param("Rome,1|Oslo,2|Oslo,2", "Rome,1|Oslo,2", ("Oslo", 5), id="one of two equal rows is gone"),
    ],
)
def test_of_several_rows_of_one_person_the_last_of_the_newest_full_file_holds(tmp_path, first, second, found):
    room = lab(tmp_path, goal(files={"delta": False}))
    for hour, told in enumerate((first, second, second)):
        rows = "".join(f"a@x.com,{row}\n" for row in told.split("|"))
        at = EPOCH + timedelta(hours=hour)
        room.land("customers", f"customers_{hour}.csv", f"email,city,points\n{rows}", look_at=at)
        batches = room.fold().folded
        if hour:
            assert people(room, "city, points") == [found]
    assert batches[-1]["rows_unchanged"] == len(second.split("|"))


def test_a_row_behind_those_of_the_earlier_file_is_the_only_one_that_applies(tmp_path):
    room = lab(tmp_path, goal(files={"delta": False}))
    for hour, rows in enumerate(("a@x.com,Rome,1\n", "a@x.com,Rome,1\na@x.com,Oslo,2\n", "a@x.com,Rome,1\n" * 3)):
        at = EPOCH + timedelta(hours=hour)
        room.land("customers", f"customers_{hour}.csv", f"email,city,points\n{rows}", look_at=at)
        (*_, batch) = room.fold().folded
        if hour == 1:
            assert (batch["rows_unchanged"], batch["rows_modified"]) == (1, 1)
            assert people(room, "city, points") == [("Oslo", 3)]
    assert people(room, "city, points") == [("Rome", 5)]


def test_rows_that_a_full_file_tells_again_as_they_were_do_not_undo_a_delta(tmp_path):
    room = lab(tmp_path, goal(files={"delta": False}), goal("changes"))
    told = "email,city\na@x.com,Rome\na@x.com,Oslo\n"
    for hour, (name, text) in enumerate(
        (("customers", told), ("changes", "email,city\na@x.com,Bern\n"), ("customers", told))
    ):
        room.land(name, f"{name}_{hour}.csv", text, look_at=EPOCH + timedelta(hours=hour))
        room.fold()
    assert people(room, "city") == [("Bern",)]


def test_a_row_not_found_today_is_tried_again_with_the_next_full_file(tmp_path):
    loyal = goal(
        "loyalty",
        allow_create=False,
        files={"delta": False},
        mappings=[{"column": "points", "property": "points", "rule": "sum"}],
    )
    room = lab(tmp_path, goal(), loyal)
    room.land("loyalty", "loyalty_1.csv", "email,points\na@x.com,5\n")
    room.land("customers", "customers_1.csv", "email,city\na@x.com,Rome\n", look_at=EPOCH + timedelta(hours=1))
    room.land("loyalty", "loyalty_2.csv", "email,points\na@x.com,5\n", look_at=EPOCH + timedelta(hours=2))
    outcomes = [(b["name"], b["rows_not_found"], b["rows_modified"]) for b in room.fold().folded]
    assert outcomes == [("loyalty_1.csv", 1, 0), ("customers_1.csv", 0, 0), ("loyalty_2.csv", 0, 1)]
    assert people(room, "points") == [(5,)]


def test_goals_fold_in_their_listed_order_on_what_one_look_found(tmp_path):
    loyal = goal("loyalty", allow_create=False, mappings=[{"column": "points", "property": "points", "rule": "sum"}])
    room = lab(tmp_path, goal(), loyal)
    room.land("loyalty", "loyalty_1.csv", "email,points\na@x.com,5\n", modified_at=EPOCH)
    room.land("customers", "customers_1.csv", "email,city\na@x.com,Rome\n", modified_at=EPOCH + timedelta(hours=1))
    assert [batch["rows_not_found"] for batch in room.fold().folded] == [0, 0]


def test_editing_a_mapping_changes_nothing_already_folded_until_it_is_landed_anew(tmp_path):
    room = lab(tmp_path)
    room.land("customers", "customers_1.csv", "email,city,town\na@x.com,Rome,Roma\n")
    room.fold()
    before = room.dump()
    room.deployment = deployment(PROPERTIES, [goal(mappings=[{"column": "town", "property": "city"}])])
    room.fold()
    room.fold(rebuild=True)
    assert room.dump() == before
    assert [landed.is_new for landed in room.reland("customers")] == [True]
    assert room.fold().replayed
    assert people(room, "city") == [("Roma",)]
    assert [landed.is_new for landed in room.reland("customers")] == [False]


def test_a_new_mapping_of_a_full_file_applies_without_counting_sums_again(tmp_path):
    points = {"column": "points", "property": "points", "rule": "sum"}
    room = lab(tmp_path, goal(files={"delta": False}, mappings=[points]))
    text = "email,points,city\na@x.com,5,Rome\nb@x.com,7,Oslo\n"
    room.land("customers", "customers_1.csv", text)
    room.fold()
    city = {"column": "city", "property": "city"}
    room.deployment = deployment(PROPERTIES, [goal(files={"delta": False}, mappings=[city, points])])
    changed = text.replace("7,Oslo", "8,Oslo")
    room.land("customers", "customers_2.csv", changed, look_at=EPOCH + timedelta(hours=1))
    room.fold()
    assert people(room, "email, city, points") == [("a@x.com", "Rome", 5), ("b@x.com", "Oslo", 15)]
    before = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == before


def test_a_changed_type_is_refused_with_the_command_that_mends_it(tmp_path):
    room = lab(tmp_path)
    room.land("customers", "customers_1.csv", "email,points\na@x.com,5\n")
    room.fold()
    changed = [prop | ({"type": "text"} if prop["name"] == "points" else {}) for prop in PROPERTIES]
    kept = [{"column": "points", "property": "points"}]
    room.deployment = deployment(changed, [goal(mappings=kept)])
    with pytest.raises(ConfigError, match="reland shop customers"):
        room.fold()
    room.reland("customers")
    room.fold()
    assert people(room, "points") == [("5",)]


def test_a_new_property_gets_a_column_and_a_removed_one_goes_with_the_next_replay(tmp_path):
    room = lab(tmp_path)
    room.land("customers", "customers_1.csv", "email,city\na@x.com,Rome\n")
    room.fold()
    changed = [prop for prop in PROPERTIES if prop["name"] != "city"] + [{"name": "note"}]
    room.deployment = deployment(changed, [goal(mappings=[{"column": "n", "property": "note"}])])
    room.land("customers", "customers_2.csv", "email,n\na@x.com,hello\n", look_at=EPOCH + timedelta(hours=1))
    room.fold()
    assert people(room, "city, note") == [("Rome", "hello")]
    room.fold(rebuild=True)
    columns = [name for (name,) in room.rows("SELECT name FROM pragma_table_info('main.profiles')")]
    assert "note" in columns
    assert "city" not in columns


def test_a_published_id_survives_a_late_file_that_makes_the_profile_by_another_identifier(tmp_path):
    by_crm = goal("crm", identifier=("crm", "crm"), mappings=[{"column": "email", "property": "email"}])
    by_mail = goal(mappings=[{"column": "crm", "property": "crm"}])
    room = lab(tmp_path, by_mail, by_crm)
    room.land("customers", "customers_20260102.csv", "email,crm\na@x.com,7\n")
    room.fold()
    ((before,),) = people(room, "profile_id")
    room.land("crm", "crm_20260101.csv", "crm,email\n7,a@x.com\n", look_at=EPOCH + timedelta(hours=1))
    assert room.fold().replayed
    assert people(room, "profile_id, created_by_property") == [(before, "crm")]
    assert room.rows("SELECT profile_id FROM ops.profile_ids") == [(before,)]
    room.fold(rebuild=True)
    assert people(room, "profile_id") == [(before,)]


def test_set_or_clear_clears_on_an_empty_cell_but_not_on_a_missing_column_or_a_bad_value(tmp_path):
    rule = [{"column": "spend", "property": "spend", "rule": "set_or_clear"}, {"column": "city", "property": "city"}]
    room = lab(tmp_path, goal(mappings=rule))
    steps = [
        ("spend", "a@x.com,5", Decimal(5)),
        ("city", "a@x.com,Rome", Decimal(5)),
        ("spend", "a@x.com,x", Decimal(5)),
        ("spend", "a@x.com,", None),
    ]
    for hour, (column, row, expected) in enumerate(steps):
        room.land(
            "customers", f"customers_{hour}.csv", f"email,{column}\n{row}\n", look_at=EPOCH + timedelta(hours=hour)
        )
        room.fold()
        assert people(room, "spend") == [(expected,)]


def test_several_mappings_into_one_property_apply_in_their_order(tmp_path):
    both = [{"column": "a", "property": "points", "rule": "set"}, {"column": "b", "property": "points", "rule": "sum"}]
    room = lab(tmp_path, goal(mappings=both))
    room.land("customers", "customers_1.csv", "email,a,b\nx@x.com,10,1\nx@x.com,,2\nx@x.com,5,4\nx@x.com,,8\n")
    room.fold()
    assert people(room, "points") == [(17,)]


def test_rejected_rows_keep_line_text_and_reason(tmp_path):
    room = lab(tmp_path)
    text = 'email,points\na@x.com,1\nb@x.com,1,2\n"c@x.com"x,1\nnot-an-address,1\nd@x.com,"1\n2"\n'
    room.land("customers", "customers_1.csv", text)
    (batch,) = room.fold().folded
    assert (batch["rows_received"], batch["rows_rejected"], batch["cells_rejected"]) == (5, 3, 1)
    found = room.rows("SELECT level, line_no, column_name, raw_text FROM ops.rejects ORDER BY line_no")
    assert found == [
        ("row", 3, None, "b@x.com,1,2"),
        ("row", 4, None, '"c@x.com"x,1'),
        ("row", 5, "email", "not-an-address"),
        ("cell", 6, "points", "1\n2"),
    ]


def test_hostile_names_stay_names(tmp_path):
    column = 'x"; DROP TABLE profiles; --'
    room = lab(tmp_path, goal(mappings=[{"column": column, "property": "city"}]))
    quoted = '"' + column.replace('"', '""') + '"'
    room.land("customers", "customers_'; DROP TABLE x; --.csv", f"email,{quoted}\na@x.com,{{}}'\n")
    room.fold()
    assert people(room, "city") == [("{}'",)]


@pytest.mark.parametrize(
    "name", ["value", "ordinal", "is_new", "changed", "old", "key", "m0", "position", "line", "select"]
)
def test_a_property_may_have_any_name(tmp_path, name):
    rules = [{"column": "c", "property": name, "rule": "set_if_empty"}, {"column": "d", "property": name}]
    room = lab(tmp_path, goal(mappings=rules), properties=[*PROPERTIES, {"name": name}])
    room.land("customers", "customers_1.csv", "email,c,d\na@x.com,1,2\n")
    room.fold()
    assert people(room, f'"{name}"') == [("2",)]


def test_history_tells_one_of_a_thing_and_several_and_what_of_a_full_file_came_in(tmp_path):
    room = lab(tmp_path, goal(files={"delta": False}))
    room.land("customers", "customers_1.csv", "email,city,points,tags\na@x.com,Rome,1,\nb@x.com,Rome,1,\n")
    room.fold()
    later = EPOCH + timedelta(days=1)
    rows = "email,city,points,tags\na@x.com,Rome,1,\nb@x.com,Pisa,1,\nno mail,Rome,1,\n"
    room.land("customers", "customers_2.csv", rows, look_at=later)
    room.fold()
    end = "the delta file is used."
    assert room.rows("SELECT message FROM ops.import_history ORDER BY file") == [
        ("Received 0 updates, created 2 profiles, 0 profiles unchanged, checked 2.",),
        (f"Received 1 updates, created 0 profiles, 1 profiles unchanged, checked 3, {end} 1 row rejected.",),
    ]
