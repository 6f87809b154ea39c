"""A directory as large as suppliers let them grow, with everything in it that can stand in one."""

from __future__ import annotations

import os
import time
import tracemalloc

import pytest

from cdp_assets.config.files import Files
from cdp_assets.files.selection import partition_key
from cdp_assets.files.sftp import open_server

PLAIN = 10_000
ODD_NAMES = [
    b"with space.csv",
    b"a[1]{2}*?.csv",
    b"-rf.csv",
    b"new\nline.csv",
    b"not-utf8-\xe9\xff.csv",
    b"%2e%2e#&'\".csv",
    b"y" * 255,
]
MOST_SECONDS = 60
"""A hundred times what it takes on an idle machine."""
MOST_BYTES = 40_000_000
"""Ten times what it takes."""


@pytest.fixture(scope="module")
def big(sshd):
    folder = sshd.folder()
    for number in range(PLAIN):
        (folder / f"orders_{number:05}.csv").touch()
    for name in ODD_NAMES:
        (folder / os.fsdecode(name)).touch()
    (folder / "folder.csv").mkdir()
    (folder / "folder.csv" / "inside.csv").touch()
    os.mkfifo(folder / "pipe.csv")
    (folder / "link.csv").symlink_to("orders_00000.csv")
    (folder / "outside.csv").symlink_to("/etc/passwd")
    (folder / "dangling.csv").symlink_to("nowhere")
    (folder / "around").symlink_to(".")
    return folder


def test_ten_thousand_files_are_listed_in_bounded_time_and_nothing_else_is_followed(sshd, big):
    started = time.monotonic()
    with open_server(sshd.server_config()) as files:
        found = files.list_files(str(big))
    assert time.monotonic() - started < MOST_SECONDS
    names = {file.name.encode("utf-8", "surrogateescape") for file in found}
    assert len(found) == len(names) == PLAIN + len(ODD_NAMES)
    assert names >= set(ODD_NAMES)
    assert not names & {b"folder.csv", b"inside.csv", b"pipe.csv", b"link.csv", b"outside.csv", b"dangling.csv"}


def test_ten_thousand_files_are_listed_in_bounded_memory(sshd, big):
    with open_server(sshd.server_config()) as files:
        tracemalloc.start()
        try:
            files.list_files(str(big))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MOST_BYTES


def test_a_big_directory_is_sorted_into_partitions_in_bounded_time(sshd, big):
    files = Files(root="orders_*.csv")
    with open_server(sshd.server_config()) as server:
        found = server.list_files(str(big))
    started = time.monotonic()
    keys = {key for file in found if (key := partition_key(files, file.name)) is not None}
    assert time.monotonic() - started < MOST_SECONDS
    assert len(keys) == PLAIN
