"""Ready files, manifests and checksums on a real server."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime

import pytest

from cdp_assets.config.files import Files
from cdp_assets.errors import FileChangedError, FileError, RemoteDownError
from cdp_assets.files.checksums import Checksum
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.check_ready import tried_as, unready, verify_received

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
ROWS = b"email\nann@x.com\n"
SHA, MD5 = hashlib.sha256(ROWS).hexdigest(), hashlib.md5(ROWS).hexdigest()


@pytest.fixture(scope="module")
def server(sshd):
    with open_server(sshd.server_config()) as files:
        yield files


def put(folder, name, content=ROWS, *, age_s=3_600):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (NOW.timestamp() - age_s,) * 2)
    return path


def waiting(server, remote, *, settle_s=0, **ready):
    listing = server.list_files(str(remote))
    candidates = [file for file in listing if file.name.endswith(".csv")]
    files = Files(root="*.csv", ready=ready)
    return unready(server, files, reversed(listing), candidates, NOW, settle_s=settle_s)


def test_a_goal_that_asks_for_nothing_waits_for_nothing(server, remote):
    put(remote, "x.csv", age_s=0)
    assert waiting(server, remote) == {}


def test_a_feed_is_ready_once_its_manifest_is_complete(server, remote):
    for name in ("x.csv", "y.csv", "other.csv"):
        put(remote, name)
    put(remote, "feed.txt", f"# two files\n{SHA}  x.csv\ny.csv\nz.csv\n", age_s=60)
    reasons = waiting(server, remote, manifest="feed*")
    assert set(reasons) == {"x.csv", "y.csv", "other.csv"}
    assert reasons["x.csv"] == "its manifest feed.txt also names z.csv, not on the server yet"
    put(remote, "z.csv", age_s=50)
    assert waiting(server, remote, manifest="feed*") == {
        "other.csv": "no manifest (feed*) names it yet",
        "z.csv": "its manifest feed.txt (2026-03-01 06:29:00 UTC) is older than the file (2026-03-01 06:29:10 UTC) "
        "and belongs to an earlier delivery",
    }
    put(remote, "feed.txt", "z.csv\n")
    put(remote, "feed_2.txt", "x.csv\ny.csv\nz.csv\nother.csv\n", age_s=40)
    assert waiting(server, remote, manifest="feed*") == {}


def test_a_manifest_that_may_still_be_written_does_not_count(server, remote):
    put(remote, "x.csv")
    put(remote, "feed.txt", "x.csv\n", age_s=1)
    reason = "no manifest (feed.txt) names it yet; manifest feed.txt was modified just now and counts after 2 s"
    assert waiting(server, remote, settle_s=2, manifest="feed.txt") == {"x.csv": reason}
    assert waiting(server, remote, settle_s=1, manifest="feed.txt") == {}


def test_a_manifest_that_changed_since_the_listing_does_not_count(server, remote):
    put(remote, "x.csv")
    put(remote, "feed.txt", "x.csv\n")
    listing = server.list_files(str(remote))
    put(remote, "feed.txt", "x.csv\ny.csv\n")
    candidates = [file for file in listing if file.name == "x.csv"]
    reasons = unready(server, Files(root="*.csv", ready={"manifest": "feed.txt"}), listing, candidates, NOW)
    assert "changed while it was read" in reasons["x.csv"]


def test_a_manifest_that_may_not_be_read_only_makes_files_wait(server, remote):
    put(remote, "x.csv")
    put(remote, "feed_1.txt", "x.csv\n").chmod(0)
    assert "permission denied" in waiting(server, remote, manifest="feed_*")["x.csv"]
    put(remote, "feed_2.txt", "x.csv\n")
    assert waiting(server, remote, manifest="feed_*") == {}


def test_no_manifest_is_read_where_nothing_waits_for_it(sshd, remote):
    put(remote, "x.csv")
    put(remote, "feed.txt", "x.csv\n")
    with open_server(sshd.server_config()) as closed:
        listing = closed.list_files(str(remote))
    files = Files(root="*.csv", ready={"manifest": "feed.txt"})
    assert unready(closed, files, listing, [], NOW) == {}
    with pytest.raises(RemoteDownError):
        unready(closed, files, listing, listing, NOW)


def verified(server, remote, tmp_path, checksum):
    path = str(remote / "x.csv")
    file = server.stat_file(path)
    received = tmp_path / "received"
    received.unlink(missing_ok=True)
    server.fetch(file, received)
    return verify_received(server, Files(root="*.csv", ready={"checksum": checksum}), file, received)


@pytest.mark.parametrize("checksum", ["optional", "required"])
@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.csv.sha256", f"{SHA}  x.csv\n", Checksum("sha256", SHA)),
        ("x.csv.md5", f"{MD5} *x.csv\n", Checksum("md5", MD5)),
        ("x.csv.md5", MD5.upper(), Checksum("md5", MD5)),
    ],
)
def test_a_file_that_meets_its_checksum_passes(server, remote, tmp_path, checksum, name, content, expected):
    put(remote, "x.csv")
    put(remote, name, content)
    assert verified(server, remote, tmp_path, checksum) == expected


@pytest.mark.parametrize("checksum", ["optional", "required"])
def test_a_file_that_does_not_meet_its_checksum_is_refused_with_both_sums(server, remote, tmp_path, checksum):
    put(remote, "x.csv", ROWS + b"bob@x.com\n")
    put(remote, "x.csv.sha256", SHA)
    with pytest.raises(FileError, match=rf"x\.csv\.sha256 says sha256 {SHA}, the file as received has [0-9a-f]{{64}}"):
        verified(server, remote, tmp_path, checksum)


def test_the_stronger_checksum_decides(server, remote, tmp_path):
    put(remote, "x.csv")
    put(remote, "x.csv.sha256", SHA)
    put(remote, "x.csv.md5", "0" * 32)
    assert verified(server, remote, tmp_path, "required") == Checksum("sha256", SHA)


def test_checksums_are_not_looked_at_unless_asked(server, remote, tmp_path):
    put(remote, "x.csv")
    put(remote, "x.csv.sha256", "0" * 64)
    assert verified(server, remote, tmp_path, "ignore") is None


def test_the_checksum_of_an_earlier_delivery_does_not_count(server, remote, tmp_path):
    put(remote, "x.csv", age_s=10)
    put(remote, "x.csv.sha256", "0" * 64, age_s=11)
    assert verified(server, remote, tmp_path, "optional") is None
    with pytest.raises(FileChangedError, match="its checksum file is gone"):
        verified(server, remote, tmp_path, "required")


def test_a_refused_file_is_tried_again_when_only_its_checksum_file_changes(server, remote):
    put(remote, "x.csv")

    def now(checksum):
        listing = {file.name: file for file in server.list_files(str(remote))}
        return tried_as("seen", Files(root="*.csv", ready={"checksum": checksum}), [listing["x.csv"]], listing)

    assert now("optional") == "seen"
    put(remote, "x.csv.md5", "0" * 32)
    first = now("optional")
    assert first == now("required") != now("ignore") == "seen"
    put(remote, "x.csv.md5", "0" * 32, age_s=60)
    assert now("optional") not in {first, "seen"}
