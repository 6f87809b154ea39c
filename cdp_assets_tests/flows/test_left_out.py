"""Rows that changed nobody are listed with their lines, and can be had as they were sent."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from cdp_assets.commands.left_out import left_out_counts, list_left_out, write_rows
from cdp_assets.errors import ConfigError
from cdp_assets.flows.batch_states import goal_standings
from cdp_assets.flows.erase_profiles import erase
from cdp_assets.flows.find_erased import Asked
from cdp_assets_tests.flows.test_fold import PROPERTIES, goal
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

CITY = {"column": "city", "property": "city"}
NOBODY, NO_IDENTIFIER = "about nobody who is known", "without an identifier"
LISTED = "SELECT name, row_no, line_no, reason FROM ops.rows_left_out JOIN ops.batches USING (batch_id) ORDER BY ALL"


def room(root: Path, *, delta: bool = True, **settings) -> Lab:
    """Customers, and points of customers who are known."""
    points = [{"column": "points", "property": "points"}]
    late = goal("points", allow_create=False, mappings=points, files={"delta": delta}, **settings)
    return Lab(root, deployment(PROPERTIES, [goal(mappings=[CITY]), late]))


def land(lab: Lab) -> None:
    lab.land("customers", "customers_20261119.csv", "email,city\na@x.com,Rome\nb@x.com,Oslo\n")
    lab.land("points", "points_20261120.csv", "email,points\na@x.com,5\nz@x.com,1\n,7\ny@x.com,2\nnope,4\n")
    lab.land("points", "points_20261121.csv", "email,points\nb@x.com,5\n")


FOUND = [
    ("points_20261120.csv", 2, 3, NOBODY),
    ("points_20261120.csv", 3, 4, NO_IDENTIFIER),
    ("points_20261120.csv", 4, 5, NOBODY),
]


@pytest.mark.parametrize("delta", [True, False])
def test_rows_are_listed_with_their_lines(tmp_path, delta):
    lab = room(tmp_path, delta=delta)
    land(lab)
    lab.fold()
    assert lab.rows(LISTED) == FOUND


def test_lines_are_those_of_the_file_where_a_processor_took_rows(tmp_path):
    gone = [{"filter": {"field": "points", "pattern": "^1$", "keep": "other"}}]
    lab = room(tmp_path, processors=gone)
    land(lab)
    lab.fold()
    assert [(line, reason) for _, _, line, reason in lab.rows(LISTED)] == [(4, NO_IDENTIFIER), (5, NOBODY)]


def test_who_comes_late_with_an_earlier_date_is_found_after_all(tmp_path):
    lab = room(tmp_path)
    land(lab)
    lab.fold()
    lab.land("customers", "customers_20261118.csv", "email,city\nz@x.com,Bern\n")
    lab.fold()
    assert lab.rows(LISTED) == FOUND[1:]


def test_they_are_written_as_they_were_sent(tmp_path):
    lab = room(tmp_path)
    land(lab)
    lab.fold()
    counts, standings = left_out_counts(lab.folders), goal_standings(lab.folders, "shop", "points")
    found = [item for item in standings if item.manifest.batch_id in counts]
    _, line = list_left_out(found, counts)
    assert line.split()[3:] == ["2", "1", "points/20261120", "points_20261120.csv"]
    connection = lab.deployment.find_connection("shop")
    with tempfile.TemporaryDirectory() as staging:
        target = Path(staging) / "rows"
        write_rows(connection, found, lab.folders, target, Path(staging))
        assert target.read_text() == (
            "email,points,reject_line,reject_reason\nz@x.com,1,3,about nobody who is known\n"
            ",7,4,without an identifier\ny@x.com,2,5,about nobody who is known\n"
        )
        with pytest.raises(ConfigError, match="no rows of such a batch were left out"):
            write_rows(connection, [], lab.folders, target, Path(staging))
    assert list(list_left_out([], counts)) == ["no rows were left out"]


def test_nothing_of_a_person_stands_in_the_list_after_an_erasure(tmp_path):
    lab = room(tmp_path)
    land(lab)
    lab.fold()
    erase(lab.deployment.model, lab.folders, [Asked("z@x.com")], EPOCH)
    lab.fold()
    assert [(line, reason) for _, _, line, reason in lab.rows(LISTED)] == [(5, NOBODY)]
