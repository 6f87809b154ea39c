"""Several identifiers: tried in order, given to the profile that is found, never taken from another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets.config.check import check
from cdp_assets_tests.flows.test_fold import goal, people
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "crm"},
    {"name": "card", "type": "number"},
    {"name": "phones", "multiple": True},
    {"name": "city"},
    {"name": "points", "type": "number"},
]
EMAIL = {"column": "email", "property": "email"}
CRM = {"column": "crm", "property": "crm"}
CARD = {"column": "card", "property": "card"}
PHONES = {"column": "phones", "property": "phones"}
MAPPINGS = [{"column": "points", "property": "points", "rule": "sum"}]


def lab(tmp_path, *identifiers, mappings=MAPPINGS, **settings):
    import_goal = goal(mappings=mappings, **settings) | {"identifiers": list(identifiers)}
    room = Lab(tmp_path, deployment(PROPERTIES, [import_goal]))
    assert check(room.deployment) == []
    return room


def deliver(room, text, number=1):
    room.land("customers", f"customers_{number}.csv", text, look_at=EPOCH + timedelta(hours=number))
    return room.fold().folded[-1]


def test_the_first_listed_identifier_that_finds_a_profile_decides(tmp_path):
    room = lab(tmp_path, CRM, EMAIL)
    deliver(room, "email,crm,points\na@x.com,1,1\nb@x.com,2,10\n")
    batch = deliver(room, "email,crm,points\nb@x.com,1,100\nb@x.com,,1000\nb@x.com,9,10000\n", 2)
    assert people(room, "crm, email, points") == [("1", "a@x.com", 101), ("2", "b@x.com", 11010)]
    assert (batch["rows_modified"], batch["rows_created"]) == (3, 0)


def test_a_row_gives_the_profile_it_finds_the_identifiers_it_lacks(tmp_path):
    room = lab(tmp_path, EMAIL, CRM, CARD)
    deliver(room, "email,crm,card,points\na@x.com,,,1\n")
    deliver(room, "email,crm,card,points\na@x.com,7,,1\n,7,55,1\n", 2)
    deliver(room, "email,crm,card,points\n,,55,1\n", 3)
    assert people(room, "email, crm, card, points") == [("a@x.com", "7", 55, 4)]
    assert room.rows("SELECT property, value FROM main.identifiers ORDER BY 1") == [
        ("card", "55"),
        ("crm", "7"),
        ("email", "a@x.com"),
    ]


def test_an_identifier_of_another_profile_stays_there_and_both_sides_are_recorded(tmp_path):
    mappings = [*MAPPINGS, {"column": "crm", "property": "crm"}]
    room = lab(tmp_path, EMAIL, CRM, mappings=mappings)
    deliver(room, "email,crm,points\na@x.com,1,1\nb@x.com,2,1\n")
    deliver(room, "email,crm,points\na@x.com,2,1\na@x.com,2,1\n", 2)
    assert people(room, "email, crm, points") == [("a@x.com", "1", 3), ("b@x.com", "2", 1)]
    conflicts = """SELECT row_no, property, value, mine.email, other.email FROM ops.identity_conflicts
        JOIN main.profiles AS mine USING (profile_id)
        JOIN main.profiles AS other ON other.profile_id = other_profile_id"""
    assert room.rows(conflicts) == [(1, "crm", "2", "a@x.com", "b@x.com")]
    room.fold(rebuild=True)
    assert room.rows(conflicts) == [(1, "crm", "2", "a@x.com", "b@x.com")]


def test_columns_of_a_group_find_a_profile_only_together(tmp_path):
    room = lab(tmp_path, {"all": [EMAIL, CRM]}, CARD)
    deliver(room, "email,crm,card,points\na@x.com,1,,1\na@x.com,2,,1\na@x.com,1,9,1\n,,9,1\na@x.com,,,1\n")
    assert people(room, "email, crm, card, points") == [("a@x.com", "1", 9, 3), (None, "2", None, 1)]
    assert room.rows("SELECT rows_no_identifier FROM ops.batches") == [(1,)]


def test_any_value_of_a_cell_may_find_the_profile_and_all_are_kept(tmp_path):
    room = lab(tmp_path, PHONES)
    deliver(room, "phones,points\n1|2,1\n2|3,1\n3,1\n4,1\n")
    assert people(room, "phones, points") == [(["1", "2", "3"], 3), (["4"], 1)]
    assert room.rows("SELECT count(*) FROM main.identifiers") == [(4,)]


def test_of_several_profiles_the_one_made_first_is_taken(tmp_path):
    room = lab(tmp_path, PHONES)
    deliver(room, "phones,points\n1,1\n2,1\n2|1,10\n")
    assert people(room, "phones, points") == [(["1"], 11), (["2"], 1)]
    assert room.rows("SELECT property, value FROM ops.identity_conflicts") == [("phones", "2")]


def test_an_identifier_that_is_not_valid_leaves_the_others_and_rejects_the_row_only_without_them(tmp_path):
    room = lab(tmp_path, EMAIL, CARD)
    batch = deliver(room, "email,card,points\nnobody,5,1\nnobody,x,1\n,,1\n")
    assert people(room, "email, card, points") == [(None, 5, 1)]
    assert (batch["rows_rejected"], batch["rows_no_identifier"], batch["rows_created"]) == (1, 1, 1)
    assert room.rows("SELECT level, line_no, column_name FROM ops.rejects ORDER BY line_no") == [
        ("cell", 2, "email"),
        ("row", 3, "email"),
    ]


@pytest.mark.parametrize("nobody", ["0", "000-000", "NULL", "Anonymous", " -1 ", "-"])
def test_a_value_that_identifies_nobody_counts_as_empty(tmp_path, nobody):
    alone = lab(tmp_path / "alone", CRM)
    batch = deliver(alone, f"crm,points\n{nobody},1\n{nobody},1\n10,1\n")
    assert people(alone, "crm, points") == [("10", 1)]
    assert (batch["rows_no_identifier"], batch["rows_rejected"]) == (2, 0)
    several = lab(tmp_path / "several", CRM, PHONES)
    deliver(several, f"crm,phones,points\n{nobody},1|{nobody},1\n{nobody},2|{nobody},1\n")
    assert [points for (points,) in people(several, "points")] == [1, 1]


def test_what_identifies_nobody_is_a_matter_of_the_model(tmp_path):
    room = lab(tmp_path, CRM)
    model = room.deployment.model.model_copy(update={"blocked_identifiers": ("test-.*",)})
    room.deployment = room.deployment.model_copy(update={"model": model})
    deliver(room, "crm,points\n0,1\nTEST-7,1\n")
    assert people(room, "crm, points") == [("0", 1)]
    with pytest.raises(ValueError, match="look-ahead"):
        type(model)(properties=model.properties, blocked_identifiers=("(?=x)",))


def test_an_identifier_that_was_replaced_finds_nobody_any_more(tmp_path):
    room = lab(tmp_path, CRM, EMAIL, mappings=[*MAPPINGS, {"column": "email", "property": "email"}])
    deliver(room, "email,crm,points\nold@x.com,1,1\nnew@x.com,1,1\nold@x.com,,10\n")
    assert people(room, "email, crm, points") == [("new@x.com", "1", 2), ("old@x.com", None, 10)]


def test_a_file_needs_the_columns_of_one_rule(tmp_path):
    room = lab(tmp_path, {"all": [EMAIL, CRM]}, CARD)
    deliver(room, "card,points\n5,1\n")
    assert people(room, "card, points") == [(5, 1)]
    with pytest.raises(Exception, match='Column "crm" not found'):
        room.land("customers", "customers_2.csv", "email,points\na@x.com,1\n")


def test_a_chain_of_many_rows_is_decided_in_order_and_in_linear_time(tmp_path):
    """Each row shares an identifier with the one before it, so that every row's fate hangs on all before it."""
    count = 30_000
    room = lab(tmp_path, EMAIL, CRM)
    rows = "".join(f"p{number // 2}@x.com,{(number + 1) // 2},1\n" for number in range(count))
    batch = deliver(room, "email,crm,points\n" + rows)
    assert batch["rows_received"] == count
    (total,) = room.rows("SELECT sum(points) FROM main.profiles")
    assert total == (count,)
    assert batch["rows_created"] + batch["rows_modified"] == count
