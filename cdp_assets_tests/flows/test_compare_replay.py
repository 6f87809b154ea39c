"""A warehouse compared with its replay: equal unless somebody changed it by hand, and untouched either way."""

from __future__ import annotations

from cdp_assets.flows.compare_replay import compare_replay
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.flows.test_fold import PROPERTIES, goal, people
from cdp_assets_tests.flows.test_withdrawals import FILES, delivered
from cdp_assets_tests.support.lab import EPOCH, deployment


def test_a_folded_warehouse_equals_its_replay_and_stays_as_it_is(tmp_path):
    room = delivered(tmp_path, *FILES)
    before = room.dump()
    compared = compare_replay(room.model, room.folders, EPOCH)
    told = {item.table: (item.rows, item.replayed_rows, item.equal) for item in compared}
    assert {table: of for table, of in told.items() if of != (0, 0, True)} == {
        "profiles": (3, 3, True),
        "identifiers": (3, 3, True),
        "imported_profiles": (3, 3, True),
    }
    assert {"goal_rows", "products", "replaced_profiles", "consents", "list_memberships"} <= told.keys()
    assert room.dump() == before


def test_a_value_that_no_batch_gave_is_found(tmp_path):
    room = delivered(tmp_path, *FILES)
    with open_warehouse(room.folders.warehouse) as database:
        database.run(Sql("UPDATE main.profiles SET city = 'Nowhere' WHERE email = 'a@x.com'"))
    compared = compare_replay(room.model, room.folders, EPOCH)
    assert [item.table for item in compared if not item.equal] == ["profiles"]


def test_a_property_that_was_taken_out_makes_no_difference(tmp_path):
    room = delivered(tmp_path, *FILES)
    room.deployment = deployment(
        [prop for prop in PROPERTIES if prop["name"] != "city"],
        [goal(mappings=[{"column": "points", "property": "points"}])],
    )
    room.fold()
    assert ("a@x.com", "Bonn") in people(room, "email, city")
    assert all(item.equal for item in compare_replay(room.model, room.folders, EPOCH))
