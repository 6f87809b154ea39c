"""The previous delivery and the difference give exactly the rows of today, whatever happened in between."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cdp_assets_tests.support.exported import Desk, goal

PROPERTIES = [{"name": "email", "type": "email"}, {"name": "note"}]
COLUMNS = [{"property": "email", "identifier": True}, {"profile_id": {}}, {"property": "note"}, {"segments": "all"}]
SEGMENTS = ("vip", "extra")

people = st.dictionaries(
    st.integers(1, 6),
    st.tuples(st.sampled_from([None, "a@x.com", "b@x.com"]), st.sampled_from([None, "x", 'y,"z"'])),
)
worlds = st.lists(st.tuples(people, st.sets(st.integers(1, 6)), st.sets(st.integers(1, 6))), min_size=3, max_size=4)


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def show(desk, world) -> list[dict[str, str]]:
    """Today's rows, written by a goal of another name that always sends everybody."""
    profiles, vips, extras = world
    desk.fill(
        {number: {"email": email, "note": note} for number, (email, note) in profiles.items()},
        {"vip": sorted(vips & profiles.keys()), "extra": sorted(extras & profiles.keys())},
    )
    (data,) = desk.contents()
    return rows(data)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["files", "column"])
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(history=worlds)
def test_applying_the_difference_gives_the_rows_of_today(form, history):
    with tempfile.TemporaryDirectory() as made:
        everybody = Desk(Path(made), PROPERTIES, goal(name="all", columns=COLUMNS), None, SEGMENTS)
        settings = goal(columns=COLUMNS, population="difference", difference=form)
        desk = Desk(Path(made), PROPERTIES, settings, None, SEGMENTS)
        desk.runs = 1_000
        held: dict[str, dict[str, str]] = {}
        for world in history:
            today = show(everybody, world)
            apply(held, desk)
            assert sorted(held.values(), key=str) == sorted(today, key=str)
            made_again, _ = desk.export()
            assert made_again.files == ()


def apply(held: dict[str, dict[str, str]], desk: Desk) -> None:
    """What the consumer does with the files."""
    delivered, folder = desk.export()
    for file in delivered.files:
        found = rows((folder / str(file.number)).read_bytes())
        assert len(found) == file.rows > 0
        for row in found:
            action = file.action or row.pop("action")
            key = row["profile_id"]
            assert (key in held) == (action != "added")
            if action == "removed":
                assert set(held[key]) == set(row)
                del held[key]
            else:
                assert held.get(key) != row
                held[key] = row


def test_a_difference_that_was_not_delivered_comes_again(tmp_path):
    desk = Desk(tmp_path, PROPERTIES, goal(columns=COLUMNS, population="difference"), None, SEGMENTS)
    desk.fill({1: {"email": "a@x.com"}})
    first = desk.contents(settle=False)
    assert desk.contents() == first
    assert desk.contents() == []


def test_members_left_out_by_a_processor_are_removed_and_counted(tmp_path):
    processors = [{"filter": {"field": "note", "pattern": "^x$", "keep": "other"}}]
    desk = Desk(tmp_path, PROPERTIES, goal(columns=COLUMNS, population="difference", processors=processors), None)
    desk.fill({1: {"email": "a@x.com"}, 2: {"email": "b@x.com"}})
    desk.contents()
    desk.fill({1: {"email": "a@x.com", "note": "x"}, 2: {"email": "b@x.com"}})
    made, _ = desk.export()
    assert [(file.action, file.rows) for file in made.files] == [("removed", 1)]
    assert made.counts.filtered == 1
