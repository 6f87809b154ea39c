"""Groups: found or made by their id or a property, who belongs to them, and what becomes of their tables."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets.config.check import check
from cdp_assets.errors import ConfigError
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

HOUR = timedelta(hours=1)
HOUSEHOLD = {
    "id": "household",
    "name": "Household",
    "plural_name": "Households",
    "properties": [
        {"name": "code"},
        {"name": "city"},
        {"name": "income", "type": "number"},
        {"name": "pets", "multiple": True},
    ],
}
PROFILES = [
    {"name": "email", "type": "email"},
    {"name": "lives_in", "group_type": "household"},
    {"name": "stays_at", "group_type": "household", "multiple": True},
]
UNLINKED = [{key: value for key, value in prop.items() if key != "group_type"} for prop in PROFILES]
PEOPLE = {
    "type": "import_profiles",
    "name": "people",
    "allow_create": True,
    "files": {"root": "people_*.csv", "delta": True},
    "identifiers": [{"column": "email", "property": "email"}],
    "mappings": [
        {"column": "home", "property": "lives_in"},
        {"column": "stays", "property": "stays_at", "rule": "add"},
    ],
}
RULES = [
    {"column": "city", "property": "city"},
    {"column": "income", "property": "income", "rule": "sum"},
    {"column": "pets", "property": "pets", "rule": "add"},
]


def households(name="households", identifier=None, *, delta=True, mappings=None):
    return {
        "type": "import_groups",
        "group_type": "household",
        "name": name,
        "files": {"root": f"{name}_*.csv", "delta": delta},
        "identifiers": [identifier or {"column": "id"}],
        "mappings": mappings or RULES,
    }


def lab(root, *goals, types=(HOUSEHOLD,)):
    setup = deployment(PROFILES, [*goals, PEOPLE], group_types=list(types))
    assert check(setup) == []
    return Lab(root, setup)


def groups(room, columns="group_id, city, income, pets"):
    return room.rows(f"SELECT {columns} FROM main.groups_household ORDER BY ALL")


def fates(entry):
    names = ("received", "created", "modified", "unchanged", "not_found", "no_identifier", "rejected")
    return {name: entry[f"rows_{name}"] for name in names if entry[f"rows_{name}"]}


def test_a_row_makes_the_group_it_does_not_find_and_the_value_is_its_id(tmp_path):
    room = lab(tmp_path, households())
    room.land("households", "households_1.csv", "id,city,income,pets\nh1,Ghent,10,cat\nh2,,x,\n,Rome,1,\n")
    (entry,) = room.fold().folded
    assert groups(room) == [("h1", "Ghent", 10, ["cat"]), ("h2", None, None, None)]
    assert fates(entry) == {"received": 3, "created": 2, "no_identifier": 1}
    text = "id,city,income,pets\nh1,,5,dog|cat\nh2,,,\nh3,Bruges,1,\n"
    room.land("households", "households_2.csv", text, look_at=EPOCH + HOUR)
    result = room.fold()
    assert groups(room)[0] == ("h1", "Ghent", 15, ["cat", "dog"])
    assert fates(result.folded[0]) == {"received": 3, "created": 1, "modified": 1, "unchanged": 1}
    facts = result.facts.groups["household"]
    assert facts.groups == 3
    dates = "creation_date, last_modified_date, domain_group"
    assert groups(room, dates)[0] == (EPOCH, EPOCH, "DEFAULT")
    assert (EPOCH, EPOCH + HOUR, "DEFAULT") in groups(room, dates)


def test_groups_are_no_profiles(tmp_path):
    room = lab(tmp_path, households())
    room.land("households", "households_1.csv", "id,city\nh1,Ghent\n")
    assert room.fold().profiles == 0
    assert room.rows("FROM main.identifiers") == room.rows("FROM main.imported_profiles") == []
    assert room.rows("SELECT * FROM main.group_identifiers") == [("household", "group_id", "h1", "h1")]


def test_a_group_is_found_by_a_property_too(tmp_path):
    by_code = households("codes", {"column": "code", "property": "code"})
    room = lab(tmp_path, households(mappings=[*RULES, {"column": "code", "property": "code"}]), by_code)
    room.land("households", "households_1.csv", "id,code\nh1,c1\n")
    room.land("codes", "codes_1.csv", "code,city\nc1,Ghent\nc2,Rome\n", look_at=EPOCH + HOUR)
    room.fold()
    assert groups(room, "group_id, code, city") == [("c2", "c2", "Rome"), ("h1", "c1", "Ghent")]


def test_a_group_that_a_property_made_is_found_by_its_id_once_ids_find_groups(tmp_path):
    """Found by the property test: the index of ids lacked groups that another goal made later."""
    room = lab(tmp_path, households(), households("codes", {"column": "code", "property": "code"}))
    for number, (name, column) in enumerate((("households", "id"), ("codes", "code"), ("households", "id"))):
        text = f"{column},income\n{'h1' if number == 0 else 'c1'},{number}\n"
        room.land(name, f"{name}_{number}.csv", text, look_at=EPOCH + number * HOUR)
        room.fold()
    assert groups(room, "group_id, code, income") == [("c1", "c1", 3), ("h1", None, 0)]


def test_an_id_that_another_group_has_is_not_given_twice(tmp_path):
    by_code = households("codes", {"column": "code", "property": "code"})
    room = lab(tmp_path, households(mappings=[*RULES, {"column": "code", "property": "code"}]), by_code)
    room.land("households", "households_1.csv", "id,code\nc1,other\n")
    for number in (2, 3):
        room.land("codes", f"codes_{number}.csv", f"code,income\nc1,{number}\n", look_at=EPOCH + number * HOUR)
    room.fold()
    found = groups(room, "code, income, length(group_id)")
    assert found == [("c1", 5, 36), ("other", None, 2)]
    before = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == before


def test_a_profile_belongs_to_the_groups_its_properties_name_whether_they_came_or_not(tmp_path):
    room = lab(tmp_path, households())
    room.land("people", "people_1.csv", "email,home,stays\na@x.com,h1,h1|h2\nb@x.com,,\n")
    room.fold()
    query = (
        "SELECT group_id, email, property, is_dangling FROM main.groups_household_members"
        " JOIN main.profiles USING (profile_id) ORDER BY ALL"
    )
    told = [("h1", "a@x.com", "lives_in"), ("h1", "a@x.com", "stays_at"), ("h2", "a@x.com", "stays_at")]
    assert room.rows(query) == [(*row, True) for row in told]
    room.land("households", "households_1.csv", "id,city\nh1,Ghent\n", look_at=EPOCH + HOUR)
    room.fold()
    assert room.rows(query) == [(*row, row[0] == "h2") for row in told]


def test_a_late_file_a_correction_and_a_withdrawn_one_rebuild_groups_as_profiles(tmp_path):
    room = lab(tmp_path, households())
    later = room.land("households", "households_20260102.csv", "id,city,income\nh1,Rome,1\n")
    room.land("households", "households_20260101.csv", "id,city,income\nh1,Ghent,2\n", look_at=EPOCH + HOUR)
    assert later.is_new
    room.fold()
    assert groups(room, "city, income") == [("Rome", 3)]
    room.land(
        "households", "households_20260102.csv", "id,income\nh1,5\n", modified_at=EPOCH + HOUR, look_at=EPOCH + 2 * HOUR
    )
    assert room.fold().replayed
    assert groups(room, "city, income") == [("Ghent", 7)]


def test_rows_a_full_file_says_again_do_not_count_twice(tmp_path):
    room = lab(tmp_path, households(delta=False))
    for number in (1, 2):
        room.land(
            "households", f"households_{number}.csv", f"id,income\nh1,7\nh2,{number}\n", look_at=EPOCH + number * HOUR
        )
    entry = room.fold().folded[-1]
    assert groups(room, "group_id, income") == [("h1", 7), ("h2", 3)]
    assert fates(entry) == {"received": 2, "modified": 1, "unchanged": 1}


def test_the_table_of_a_type_is_there_before_any_file_and_grows_with_its_properties(tmp_path):
    room = lab(tmp_path, households())
    room.fold()
    assert groups(room) == []
    assert room.rows("FROM main.groups_household_members") == []
    room.land("households", "households_1.csv", "id,city\nh1,Ghent\n")
    room.fold()
    wider = HOUSEHOLD | {"properties": [*HOUSEHOLD["properties"], {"name": "floor", "type": "number"}]}
    company = {"id": "company", "properties": [{"name": "vat"}]}
    room.deployment = lab(tmp_path, households(), types=(wider, company)).deployment
    assert not room.fold().replayed
    assert groups(room, "group_id, floor") == [("h1", None)]
    assert room.rows("FROM main.groups_company") == []


def test_a_type_that_neither_model_nor_batch_knows_is_dropped_at_the_next_replay(tmp_path):
    company = {"id": "company", "properties": [{"name": "vat"}]}
    room = lab(tmp_path, households(), types=(HOUSEHOLD, company))
    room.fold()
    room.deployment = lab(tmp_path, households()).deployment
    room.fold(rebuild=True)
    tables = room.rows("SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'groups_%' ORDER BY 1")
    assert tables == [("groups_household",), ("groups_household_members",)]


def test_groups_of_a_type_that_left_the_yaml_stay_while_their_batches_do(tmp_path):
    room = lab(tmp_path, households())
    room.land("households", "households_1.csv", "id,city\nh1,Ghent\n")
    room.fold()
    room.deployment = deployment(UNLINKED, [PEOPLE])
    room.fold(rebuild=True)
    assert groups(room, "group_id") == [("h1",)]


def test_another_type_for_a_property_that_files_were_imported_with_is_refused(tmp_path):
    room = lab(tmp_path, households())
    room.land("households", "households_1.csv", "id,city,income\nh1,Ghent,1\n")
    room.fold()
    texts = HOUSEHOLD | {"properties": [{"name": name} for name in ("code", "city", "income")]}
    room.deployment = deployment(PROFILES, [PEOPLE], group_types=[texts])
    with pytest.raises(
        ConfigError, match=r"property income of group type household is text, but files of shop households"
    ):
        room.fold()


def test_every_table_view_and_column_of_groups_is_explained(tmp_path):
    room = lab(tmp_path, households())
    room.fold()
    silent = room.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'main' AND comment IS NULL"
        " AND table_name LIKE 'group%'"
    )
    assert silent == []
    views = room.rows("SELECT comment FROM duckdb_views() WHERE view_name = 'groups_household_members'")
    assert views == [("Which profiles belong to which group of type household; by property: lives_in, stays_at.",)]


def test_a_fold_tells_who_belongs_to_groups_and_which_of_them_never_came(tmp_path):
    room = lab(tmp_path, households())
    room.land("households", "households_1.csv", "id,city\nh1,Ghent\nh2,Rome\nh3,Ede\n")
    rows = "a@x.com,h1,\nb@x.com,h1,h2\nc@x.com,gone42,\nd@x.com,gone42,gone43\n"
    room.land("people", "people_1.csv", f"email,home,stays\n{rows}")
    facts = room.fold().facts.groups["household"]
    assert (facts.groups, facts.without_members, facts.profiles) == (3, 1, 2)
    assert (facts.dangling_ids, facts.dangling_profiles) == (2, 2)
    assert facts.sample.columns[:3] == ("members", "group_id", "city")
    assert [row[:3] for row in facts.sample.sample] == [
        ("2", "••", "G…t (5 characters)"),
        ("1", "••", "R…e (4 characters)"),
    ]
