from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from cdp_assets.config.files import Files
from cdp_assets.files.readiness import (
    MOST_MANIFESTS,
    SenderManifests,
    manifest_names,
    manifests_to_read,
    sender_manifest,
    sidecar_of,
    standing_names,
    why_waiting,
)
from cdp_assets.files.remote import RemoteFile

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
SHA = "0" * 64
EARLIER = (
    "its checksum file x.csv.sha256 (2026-03-01 03:43:21 UTC) is older than the file (2026-03-01 05:30:00 UTC) "
    "and belongs to an earlier delivery"
)


def a_file(name, *, age_s=3_600, size=10):
    return RemoteFile(f"in/{name}", name, size, NOW - timedelta(seconds=age_s))


def goal(root="*.csv", **ready):
    return Files(root=root, ready=ready)


def why(files, *listing, manifests=None):
    """Why the first of the files waits; each list of `manifests` stands on the server as well."""
    manifests = manifests or {}
    by_name = {file.name: file for file in (*listing, *manifests)}
    standing = standing_names(by_name)
    read = tuple(sender_manifest(file, content.encode(), standing) for file, content in manifests.items())
    return why_waiting(files, listing[0], by_name, SenderManifests(read), NOW)


def test_nothing_is_waited_for_unless_asked():
    assert why(goal(), a_file("x.csv", age_s=0)) is None


@pytest.mark.parametrize(
    ("age_s", "reason"),
    [
        (60, None),
        (59, "it was modified 59 s ago and must be 60 s old (ready.min_age_s)"),
        (-30, "it was modified 30 s ahead of this machine's clock and must be 60 s old (ready.min_age_s)"),
    ],
)
def test_a_young_file_waits(age_s, reason):
    assert why(goal(min_age_s=60), a_file("x.csv", age_s=age_s)) == reason


@pytest.mark.parametrize(
    ("template", "name", "beside"),
    [
        ("{name}.ok", "x.csv", "x.csv.ok"),
        ("{stem}.ok", "x.csv", "x.ok"),
        ("{stem}.ok", "x.csv.gz.pgp", "x.ok"),
        ("{stem}.ok", "x.2026-01-31.csv.zip", "x.2026-01-31.ok"),
        ("{stem}.ok", "x", "x.ok"),
        ("{stem}.ok", "x.gz", "x.ok"),
        ("ready_{name}", "x.csv", "ready_x.csv"),
        ("{name}.ok", "{stem}.csv", "{stem}.csv.ok"),
    ],
)
def test_a_file_waits_for_its_ready_file(template, name, beside):
    files = goal(root="*", file=template)
    assert why(files, a_file(name)) == f"its ready file {beside} is not there yet"
    assert why(files, a_file(name), a_file(beside)) is None
    assert sidecar_of(files, beside) is not None


def test_what_is_older_than_the_file_belongs_to_an_earlier_delivery():
    reason = why(goal(file="{name}.ok"), a_file("x.csv", age_s=10), a_file("x.csv.ok", age_s=11))
    assert reason == (
        "its ready file x.csv.ok (2026-03-01 06:29:49 UTC) is older than the file (2026-03-01 06:29:50 UTC) "
        "and belongs to an earlier delivery"
    )


@pytest.mark.parametrize(
    ("checksum", "beside", "reason"),
    [
        ("ignore", [], None),
        ("optional", [], None),
        ("optional", [a_file("x.csv.md5", age_s=9_999)], None),
        ("required", [], "its checksum file x.csv.sha256 or x.csv.md5 is not there yet"),
        ("required", [a_file("x.csv.md5")], None),
        ("required", [a_file("x.csv.md5"), a_file("x.csv.sha256", age_s=9_999)], None),
        ("required", [a_file("x.csv.sha256", age_s=9_999)], EARLIER),
    ],
)
def test_only_a_required_checksum_is_waited_for(checksum, beside, reason):
    found = why(goal(checksum=checksum), a_file("x.csv"), *beside)
    assert found == reason


def test_a_file_waits_until_a_manifest_names_it_and_all_it_names_are_there():
    files = goal(manifest="feed_*.txt")
    x, y, feed = a_file("x.csv"), a_file("y.csv"), a_file("feed_1.txt", age_s=60)
    assert why(files, x, y) == "no manifest (feed_*.txt) names it yet"
    assert why(files, x, y, manifests={feed: "y.csv\n"}) == "no manifest (feed_*.txt) names it yet"
    assert why(files, x, manifests={feed: "x.csv\ny.csv\n"}) == (
        "its manifest feed_1.txt also names y.csv, not on the server yet"
    )
    assert why(files, x, y, manifests={feed: "x.csv\ny.csv\n"}) is None


def test_a_long_list_of_missing_names_is_cut():
    names = "\n".join(["x.csv", *(f"{number}.csv" for number in range(9))])
    reason = why(goal(manifest="feed"), a_file("x.csv"), manifests={a_file("feed"): names})
    assert reason == "its manifest feed also names 0.csv, 1.csv, 2.csv and 6 more, not on the server yet"


def test_an_older_manifest_counts_for_older_files_only():
    files, feed = goal(manifest="feed"), {a_file("feed", age_s=60): "x.csv\ny.csv\n"}
    new, old = a_file("x.csv", age_s=59), a_file("y.csv", age_s=60)
    assert "earlier delivery" in why(files, new, old, manifests=feed)
    assert why(files, old, new, manifests=feed) is None


def test_one_complete_manifest_is_enough():
    feeds = {a_file("feed_1"): "x.csv\n", a_file("feed_2", age_s=60): "x.csv\ny.csv\n"}
    assert why(goal(manifest="feed_*"), a_file("x.csv"), manifests=feeds) is None


@pytest.mark.parametrize(
    "renamed", ["y.csv.done", "y.csv.20260101000000.0123abcd.done", "y.csv.20260101000000.0123abcd.7.done"]
)
def test_a_file_that_was_imported_and_renamed_still_counts_as_delivered(renamed):
    feed = {a_file("feed"): "x.csv\ny.csv\n"}
    assert why(goal(manifest="feed"), a_file("x.csv"), a_file(renamed), manifests=feed) is None


def test_everything_asked_for_must_be_met():
    files = goal(min_age_s=60, file="{name}.ok", manifest="feed", checksum="required")
    x, beside = a_file("x.csv"), [a_file("x.csv.ok"), a_file("x.csv.md5")]
    assert why(files, x, *beside, manifests={a_file("feed"): "x.csv"}) is None
    assert "manifest" in why(files, x, *beside)
    assert "checksum" in why(files, x, beside[0], manifests={a_file("feed"): "x.csv"})


def test_manifests_are_read_as_people_and_sha256sum_write_them():
    content = (
        f"# feed of today\r\n\r\n a.csv \r\n./b.csv\n/srv/out/c d.csv\n{SHA}  e.csv\n{SHA[:32]} *f.csv\n"
        f"\\{SHA}  new\\nline.csv\nno sum.csv\n"
    )
    expected = {"a.csv", "b.csv", "c d.csv", "e.csv", "f.csv", "new\nline.csv", "no sum.csv"}
    assert manifest_names(content.encode()) == expected
    assert manifest_names(b"\xef\xbb\xbfa.csv") == manifest_names("a.csv\n".encode("utf-16")) == {"a.csv"}
    assert manifest_names(b"caf\xe9.csv") == {b"caf\xe9.csv".decode("utf-8", "surrogateescape")}
    assert manifest_names(b"") == manifest_names(b"#\n") == frozenset()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x.csv", None),
        ("x.ok", "it is a ready file (ready.file: '{stem}.ok')"),
        (".ok", None),
        ("x.csv.sha256", "it is a checksum file (ready.checksum: optional)"),
        ("x.md5", "it is a checksum file (ready.checksum: optional)"),
        ("feed_1.csv", "it is a manifest (ready.manifest: 'feed_*')"),
        ("feed_1.csv.part", None),
        ("Feed_1.csv", None),
    ],
)
def test_files_that_only_tell_about_others_are_no_data(name, reason):
    assert sidecar_of(goal(file="{stem}.ok", manifest="feed_*", checksum="optional"), name) == reason
    assert sidecar_of(goal(), name) is None


def test_only_manifests_that_can_count_are_read():
    listing = {file.name: file for file in (a_file("feed_1", age_s=61), a_file("feed_2", age_s=60), a_file("x"))}
    found, left = manifests_to_read(goal(manifest="feed_*"), listing, NOW - timedelta(seconds=60))
    assert ([file.name for file in found], left) == (["feed_2"], ())


def test_too_long_a_manifest_is_left_out_and_told():
    listing = {"feed": a_file("feed", size=1_048_577)}
    found, left = manifests_to_read(goal(manifest="feed"), listing, NOW - timedelta(days=1))
    assert (found, left) == ((), ("manifest feed is longer than 1048576 bytes",))


@pytest.mark.parametrize(("size", "most"), [(10, MOST_MANIFESTS), (1_000_000, 16)])
def test_of_very_many_manifests_the_newest_and_the_oldest_are_read(size, most):
    listing = {name: a_file(name, age_s=age, size=size) for age in range(1_000) if (name := f"feed_{age:03}")}
    found, left = manifests_to_read(goal(manifest="feed_*"), listing, NOW - timedelta(days=1))
    ages = sorted(int(file.name[-3:]) for file in found)
    assert ages == [*range(most // 2), *range(1_000 - most // 2, 1_000)]
    assert left == (
        f"only {most} of 1000 manifests are read at one look; remove old ones, or files that will never be complete",
    )


def test_ten_thousand_files_of_one_manifest_are_judged_in_moments():
    names = [f"{number}.csv" for number in range(10_000)]
    listing = {name: a_file(name) for name in names}
    files, standing = goal(manifest="feed", file="{name}.ok", checksum="required"), standing_names(listing)
    manifests = SenderManifests((sender_manifest(a_file("feed"), "\n".join(names).encode(), standing),))
    listing |= {beside: a_file(beside) for name in names for beside in (f"{name}.ok", f"{name}.md5")}
    started = time.monotonic()
    assert not any(why_waiting(files, listing[name], listing, manifests, NOW) for name in names)
    assert time.monotonic() - started < 20
