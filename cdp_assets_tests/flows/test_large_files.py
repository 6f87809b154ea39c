"""Files of more rows than the engine keeps in one piece (122,880)."""

from __future__ import annotations

from cdp_assets_tests.flows.test_fold import goal, lab

MANY = 130_000


def test_people_of_a_large_file_are_found_by_the_next_goal_of_the_same_fold(tmp_path):
    """Once the engine hid the rows of its own INSERT (see `open_warehouse`), and nobody was found."""
    points = [{"column": "points", "property": "points", "rule": "sum"}]
    room = lab(tmp_path, goal(mappings=points), goal("loyalty", allow_create=False, mappings=points))
    rows = "".join(f"{number}@x.com,1\n" for number in range(MANY))
    room.land("customers", "customers_1.csv", f"email,points\n{rows}")
    room.land("loyalty", "loyalty_1.csv", "email,points\n7@x.com,5\nz@x.com,5\n")
    outcomes = {batch["name"]: batch["rows_not_found"] for batch in room.fold().folded}
    assert outcomes == {"customers_1.csv": 0, "loyalty_1.csv": 1}
    assert room.rows("SELECT points FROM main.profiles WHERE email = '7@x.com'") == [(6,)]
