"""`last_modified_date`: that of the last row that changed the profile, however the files are cut into passes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdp_assets_tests.drop_folders.dropping import drop, drop_lab
from cdp_assets_tests.flows.test_fold import PROPERTIES, goal, lab
from cdp_assets_tests.support.lab import EPOCH

CASES = {
    # name: (column, its cells day by day, the day of the last change)
    "the same again": ("city", ["Ghent", "Ghent", ""], 0),
    "there and back": ("city", ["Ghent", "Paris", "Ghent"], 2),
    "later, then the same": ("city", ["Ghent", "Paris", "Paris"], 1),
    "cleared twice": ("note", ["x", "", ""], 1),
    "filled once": ("crm", ["", "7", "8"], 1),
    "nothing added": ("points", ["5", "0", ""], 0),
    "zero to begin with": ("points", ["", "0", "0"], 1),
    "more and less": ("points", ["5", "2", "-2"], 2),
    "a tag more": ("tags", ["a", "b", "a|b"], 1),
    "the same tags": ("tags", ["a|b", "b|a", "a"], 0),
    "set, then more": ("both", ["a", "b", "b"], 1),
    "set beside what adds it": ("both", ["a", "a", "a"], 0),
}
COLUMNS = ("city", "note", "crm", "points", "tags", "both")
MAPPINGS = [
    {"column": "city", "property": "city"},
    {"column": "note", "property": "note", "rule": "set_or_clear"},
    {"column": "crm", "property": "crm", "rule": "set_if_empty"},
    {"column": "points", "property": "points", "rule": "sum"},
    {"column": "tags", "property": "tags", "rule": "add"},
    {"column": "both", "property": "both"},
    {"column": "both", "property": "both", "rule": "add"},
]


def file_of(day):
    """A row for each case, of a profile of its own."""
    rows = []
    for number, (column, cells, _) in enumerate(CASES.values()):
        others = dict.fromkeys(COLUMNS, "") | {column: cells[day]}
        rows.append(",".join([f"c{number}@x.com", *others.values()]))
    return "\n".join([",".join(["email", *COLUMNS]), *rows]) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [True, False], ids=["one pass", "a pass for each file"])
@pytest.mark.parametrize("known", [True, False], ids=["known profiles", "new profiles"])
def test_the_date_is_that_of_the_last_row_that_changed_something(tmp_path, at_once, known):
    room = lab(
        tmp_path,
        goal(mappings=MAPPINGS),
        properties=[*PROPERTIES, {"name": "note"}, {"name": "both", "multiple": True}],
    )
    if known:
        emails = "\n".join(f"c{number}@x.com" for number in range(len(CASES)))
        room.land("customers", "customers_0.csv", f"email\n{emails}\n", look_at=EPOCH - timedelta(days=1))
        room.fold()
    for day in range(3):
        room.land("customers", f"customers_{day + 1}.csv", file_of(day), look_at=EPOCH + timedelta(days=day))
        if not at_once:
            room.fold()
    room.fold()
    found = {name: at - EPOCH for name, at in room.rows("SELECT email, last_modified_date FROM main.profiles")}
    told = {case: found[f"c{number}@x.com"].days for number, case in enumerate(CASES)}
    assert told == {case: day for case, (*_, day) in CASES.items()}
    dump = room.dump()
    room.fold(rebuild=True)
    assert room.dump() == dump


def test_a_profile_that_a_row_changed_and_another_changed_back_is_modified(tmp_path):
    room = lab(tmp_path)
    room.land("customers", "customers_1.csv", "email,city\na@x.com,Ghent\n")
    room.fold()
    text = "email,city\na@x.com,Paris\na@x.com,Ghent\nb@x.com,Rome\n"
    room.land("customers", "customers_2.csv", text, look_at=EPOCH + timedelta(days=1))
    (batch,) = room.fold().folded
    assert (batch["rows_created"], batch["rows_modified"], batch["rows_unchanged"]) == (1, 2, 0)
    changed = room.rows("SELECT last_modified_date FROM main.profiles WHERE email = 'a@x.com'")
    assert changed == [(EPOCH + timedelta(days=1),)]


@pytest.mark.parametrize("at_once", [True, False], ids=["one pass", "a pass for each file"])
def test_so_it_is_where_rows_bring_objects_to_merge(tmp_path, at_once):
    room = drop_lab(tmp_path)
    for hour, points in enumerate(["1", "2", "2", ""]):
        drop(room, f"Email,Points\nann@x.com,{points}\nbob@x.com,7\n", hour)
        if not at_once:
            room.fold()
    room.fold()
    found = room.rows("SELECT email, custom, last_modified_date FROM main.profiles ORDER BY 1")
    assert [(who, at - EPOCH) for who, _, at in found] == [
        ("ann@x.com", timedelta(hours=1)),
        ("bob@x.com", timedelta(0)),
    ]
    assert all(custom for _, custom, _ in found)
