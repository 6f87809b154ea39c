"""The examples of drop folders as files: what lies in `inbox/` makes what stands in `expected/`, table by table."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest

from cdp_assets.components.loading import load_deployment
from cdp_assets_tests.support.lab import EPOCH, Lab

STORY = Path(__file__).parent / "dropped_examples"
_OF_PEOPLE = "JOIN main.profiles USING (profile_id) ORDER BY ALL"
_TIME = "strftime({} AT TIME ZONE 'UTC', '%x %X')"
TABLES = {
    "profiles": "SELECT email, phone_number, external_id, first_name, custom FROM main.profiles ORDER BY ALL",
    "consents": f"SELECT email, channel, status, {_TIME.format('timestamp')} AS timestamp, method, source_file"
    f" FROM main.consents {_OF_PEOPLE}",
    "list_memberships": f"SELECT email, list_id, list_name, {_TIME.format('added_at')} AS added_at"
    f" FROM main.list_memberships {_OF_PEOPLE}",
    "events_klaviyo": f"SELECT email, metric, {_TIME.format('date')} AS date, value, properties"
    f" FROM main.events_klaviyo {_OF_PEOPLE}",
    "batches": "SELECT goal, name, rows_received, rows_created, rows_modified, rows_unchanged, rows_rejected,"
    " events_created FROM ops.batches ORDER BY position",
}
"""Table → what of it is told; ids and clock times are left out."""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A warehouse with every file of the inbox, one a minute."""
    room = Lab(tmp_path_factory.mktemp("story"), load_deployment(STORY / "defs"))
    files = [(goal, file) for goal in ("profiles", "events") for file in sorted((STORY / "inbox" / goal).iterdir())]
    for number, (goal, file) in enumerate(files):
        at = EPOCH + timedelta(minutes=number)
        room.land(goal, file.name, file.read_bytes(), look_at=at, modified_at=at, connection="klaviyo")
    room.fold()
    return room


def test_every_expected_table_is_looked_at():
    assert {file.name for file in (STORY / "expected").iterdir()} == {f"{name}.csv" for name in TABLES}


@pytest.mark.parametrize("table", TABLES)
def test_the_files_of_the_inbox_make_what_is_expected(imported, table):
    named = imported.rows(f"SELECT column_name FROM (DESCRIBE {TABLES[table]})")
    found = io.StringIO()
    csv.writer(found, lineterminator="\n").writerows([[name for (name,) in named], *imported.rows(TABLES[table])])
    assert found.getvalue() == (STORY / "expected" / f"{table}.csv").read_text(encoding="utf-8")
