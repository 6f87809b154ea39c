"""A file that two goals take is told beforehand, and keeps its name until both have it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cdp_assets.config.files import Files
from cdp_assets.files.partition_dates import effective_date
from cdp_assets.files.selection import wildcard_value
from cdp_assets.files.sftp import open_server
from cdp_assets.flows.dry_run import dry_run
from cdp_assets.flows.preview_files import Asked, preview_goals
from cdp_assets.flows.shared_files import cut_dates, dated_by_name, sharing_by_name
from cdp_assets_tests.support.connected import Shop, import_goal

OLD = "email,city,points,tags\na@x.com,Köln,10,red\n".encode("utf-16")
BOTH = "customers_20260701.csv"
MAPPINGS = [{"column": "city", "property": "city"}]


def shop_of(sshd, tmp_path, **old) -> Shop:
    """The second goal takes one of the first one's files, which only the second can read."""
    old = {"files": {"root": BOTH}, "format": {"encoding": "utf-16"}} | old
    shop = Shop(sshd, tmp_path / "data", [import_goal(), import_goal("old", mappings=MAPPINGS, **old)])
    shop.put(BOTH, OLD)
    shop.put("customers_20260702.csv", "email,city,points,tags\nb@x.com,Ede,1,\n")
    return shop


def test_a_file_that_one_of_its_goals_refused_keeps_its_name_until_that_goal_has_it(sshd, tmp_path):
    shop = shop_of(sshd, tmp_path)
    for _ in range(2):
        imported, _, done = shop.import_all()
        assert [(item.goal, item.name) for item in imported.outcomes if item.error] == [("customers", BOTH)]
        (kept,) = [item for item in done if item.renamed_to is None]
        assert kept.note == "keeps its name until goal customers, which takes it too, has imported it"
        assert (kept.goal, kept.settled) == ("old", False)
        assert shop.names() == [BOTH, "customers_20260702.csv.done"]
    shop.put(BOTH, OLD.decode("utf-16"))
    shop.import_all()
    # The mended file is what the other goal now refuses.
    assert shop.names()[0] == BOTH


def test_a_file_that_both_goals_can_read_is_imported_by_each_and_renamed_in_the_same_run(sshd, tmp_path):
    shop = shop_of(sshd, tmp_path, format={})
    shop.put(BOTH, OLD.decode("utf-16"))
    shop.import_all()
    assert shop.names() == [f"{BOTH}.done", "customers_20260702.csv.done"]
    assert shop.rows("SELECT goal FROM ops.batches WHERE name LIKE '%0701%' ORDER BY 1") == [("customers",), ("old",)]


def test_a_goal_that_is_switched_off_is_not_waited_for(sshd, tmp_path):
    shop = shop_of(sshd, tmp_path, active=False)
    shop.put(BOTH, OLD.decode("utf-16"))
    shop.import_all()
    assert shop.names() == [f"{BOTH}.done", "customers_20260702.csv.done"]


def test_goals_that_take_files_of_one_name_in_other_directories_share_none(sshd, tmp_path):
    shop = shop_of(sshd, tmp_path, files={"root": BOTH, "directory": "out"})
    shop.put(BOTH, OLD.decode("utf-16"))
    shop.import_all()
    assert shop.names() == [f"{BOTH}.done", "customers_20260702.csv.done"]


def test_a_dry_run_and_check_tell_which_goals_take_a_file(sshd, tmp_path):
    shop = shop_of(sshd, tmp_path)
    told = (
        "customers_20260701.csv: taken by each of the goals customers, old; each imports it, and it gets .done only"
        " when all have; if that is not meant, change files.root of one of them"
    )
    run = dry_run(shop.deployment, shop.connection, shop.folders, shop.now)
    assert [(item.goal, item.name) for item in run.files if told in item.warnings] == [
        ("customers", BOTH),
        ("old", BOTH),
    ]
    assert [item.name for item in run.files if not item.warnings] == ["customers_20260702.csv"]
    assert sharing_by_name(shop.connection) == [told]
    with open_server(shop.connection.server) as server:
        _, previews = preview_goals(
            shop.deployment, shop.connection, shop.connection.imports, server, shop.folders, shop.now, Asked()
        )
    assert [told in preview.differences for preview in previews] == [True, True]


@pytest.mark.parametrize("name", ["klanten_20260701.csv", "klanten 2026-07-01.csv"])
def test_a_name_in_full_with_a_date_is_told_with_a_root_that_lets_the_date_count(sshd, tmp_path, name):
    (told,) = dated_by_name(Shop(sshd, tmp_path, [import_goal(files={"root": name})]).connection)
    assert told.startswith(f"{name} of goal customers names the day 2026-07-01, but counts from the look")
    files = Files(match="regex", root=told.split("root: ")[1].strip("'"))
    key = wildcard_value(files, name)
    assert effective_date(files, key) == datetime(2026, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize("root", ["klanten.csv", "klanten_12.csv", "klanten_20260701_20260708.csv", "klanten_*.csv"])
def test_other_roots_are_not_told(sshd, tmp_path, root):
    assert dated_by_name(Shop(sshd, tmp_path, [import_goal(files={"root": root})]).connection) == []


@pytest.mark.parametrize(
    ("root", "meant"),
    [
        ("abonnes_2*.csv", "abonnes_(2.*)\\.csv"),
        ("a_*26.csv", "a_(.*26)\\.csv"),
        ("a_20*26-*.csv", "a_(20.*26)-.*\\.csv"),
        ("customers_*.csv", ""),
        ("v2_*.csv", ""),
        ("customers_2.csv", ""),
    ],
)
def test_a_star_that_cuts_a_date_is_told(sshd, tmp_path, root, meant):
    told = cut_dates(Shop(sshd, tmp_path, [import_goal(files={"root": root, "delta": True})]).connection)
    assert [one.partition("whole: ")[2] for one in told] == ([f"match: regex, root: '{meant}'"] if meant else [])
