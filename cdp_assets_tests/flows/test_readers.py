"""Analysts read the published copy at any time, also from other processes while a fold is under way."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cdp_assets.flows import fold_batches
from cdp_assets.flows.publish import publish
from cdp_assets_tests.support.lab import Lab, deployment

GOAL = {
    "type": "import_profiles",
    "name": "people",
    "files": {"root": "people_*.csv", "delta": True},
    "identifiers": [{"column": "mail", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "city", "property": "city"}],
}
READER = """import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as db:
    print(db.sql("SELECT count(*) FROM main.profiles").fetchone()[0])
"""


def read(path) -> str:
    """What a notebook of somebody else sees."""
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@pytest.fixture
def room(tmp_path):
    found = Lab(tmp_path, deployment([{"name": "email", "type": "email"}, {"name": "city"}], [GOAL]))
    found.land("people", "people_1.csv", "mail,city\na@x.com,Ede\n")
    found.fold()
    publish(found.folders)
    found.land("people", "people_2.csv", "mail,city\nb@x.com,Goes\n")
    return found


def test_during_a_fold_the_copy_is_readable_and_the_warehouse_is_not(room, monkeypatch):
    seen = {}

    def look(name: str) -> None:
        if name == "fold: before commit":
            seen["copy"], seen["warehouse"] = read(room.folders.published), read(room.folders.warehouse)

    monkeypatch.setattr(fold_batches, "step", look)
    room.fold()
    assert seen["copy"] == "1"
    assert "Could not set lock" in seen["warehouse"]
    publish(room.folders)
    assert read(room.folders.published) == "2"
