"""The files of drop folders as jobs (spec.md K7)."""

from __future__ import annotations

from cdp_assets.sql.history import recent_imports
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.drop_folders.dropping import deliver, drop, drop_lab

EVENTS = "Metric name,Time,Profile.Email,Unique ID\n"


def test_every_file_is_a_job_with_counts_the_newest_first(tmp_path):
    room = drop_lab(tmp_path)
    deliver(room, "Email,Image\na@x.com,\nb@x.com,foo\n")
    deliver(room, EVENTS + "Seen,2022-01-01,a@x.com,1\nSeen,2022-01-01,a@x.com,1\nSeen,2022-01-01,,1\n", 2, "events")
    deliver(room, "Email,City\na@x.com,Delft\nc@x.com,\na@x.com,\n", 3)
    drop(room, "Email\nd@x.com\n", 4)
    with open_warehouse(room.folders.warehouse) as database:
        found = database.rows(recent_imports("klaviyo", 10))
    assert [row[:8] for row in found] == [
        ("profiles", "file3.csv", "completed", 3, 1, 2, 0, 0),
        ("events", "file2.csv", "completed", 3, 1, 0, 1, 1),
        ("profiles", "file1.csv", "completed", 2, 1, 0, 0, 1),
    ]
