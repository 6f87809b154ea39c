"""A dry run tells what the run in earnest then does, and leaves no trace: not here, not on the server."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from cdp_assets.config.model import Deployment
from cdp_assets.errors import ConfigError
from cdp_assets.flows.dry_run import DryRun, dry_run, dry_run_partitions
from cdp_assets.flows.folders import DataFolders
from cdp_assets_tests.support.connected import WRITTEN, Shop, import_goal
from cdp_assets_tests.support.driven import KILLED, driver

FIRST = "email,city,points,tags\na@x.com,Rome,10,red\nb@x.com,Oslo,1,\n"
MIXED = 'email,city,points,tags\na@x.com,Bonn,5,\nc@x.com,Kiel,many,\nnobody,Ede,1,\n,Ede,1,\n"d@x.com" x,Ede,1,\n'
COUNTS = (
    "rows_received",
    "rows_created",
    "rows_modified",
    "rows_unchanged",
    "rows_not_found",
    "rows_no_identifier",
    "rows_filtered",
    "rows_rejected",
    "cells_rejected",
)
LOCKS = {".lock", ".holder"}


def shop_with(sshd, tmp_path, **goal) -> Shop:
    """One file is imported; nothing is new."""
    shop = Shop(sshd, tmp_path / "data", [import_goal(**({"files": {"delta": True}} | goal))])
    shop.put("customers_1.csv", FIRST)
    shop.import_all()
    return shop


def rehearse(shop: Shop, goal: str | None = None, names=()) -> DryRun:
    return dry_run(shop.deployment, shop.connection, shop.folders, shop.now + timedelta(hours=1), goal, names)


def everything(folders: DataFolders) -> dict[str, tuple[bytes, int]]:
    """Every file with content and modification time; locks hold nothing."""
    files = [path for path in folders.root.rglob("*") if path.is_file() and path.suffix not in LOCKS]
    return {str(path.relative_to(folders.root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def told(run: DryRun) -> list[tuple[int, ...]]:
    return [tuple(item.counts[name] for name in COUNTS) for item in run.files]


@pytest.mark.parametrize("delta", [True, False], ids=["delta", "full"])
def test_it_tells_what_the_run_in_earnest_then_does(sshd, tmp_path, delta):
    shop = shop_with(sshd, tmp_path, files={"delta": delta})
    shop.put("customers_2.csv", MIXED)
    shop.put("customers_3.csv", FIRST)
    run = rehearse(shop)
    shop.import_all()
    columns = ", ".join(COUNTS)
    assert told(run) == shop.rows(f"SELECT {columns} FROM ops.batches WHERE name <> 'customers_1.csv' ORDER BY name")
    assert [item.state for item in run.files] == shop.states()[1:]
    reasons = "SELECT level, reason, count(*) FROM ops.rejects GROUP BY ALL ORDER BY 3 DESC, 1, 2"
    assert [(item.level, item.reason, item.count) for item in run.files[0].reasons] == shop.rows(reasons)
    assert run.profiles == len(shop.people())


def test_nothing_changes_here_or_on_the_server(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    shop.put("customers_2.csv", MIXED)
    before, server = everything(shop.folders), shop.tree()
    first, second = rehearse(shop), rehearse(shop)
    assert first == second
    assert (everything(shop.folders), shop.tree()) == (before, server)
    assert list(shop.folders.staging.iterdir()) == []


def test_before_the_first_import_no_warehouse_is_made(sshd, tmp_path):
    shop = Shop(sshd, tmp_path / "data", [import_goal()])
    shop.put("customers_1.csv", FIRST)
    run = rehearse(shop)
    assert told(run)[0][:2] == (2, 2)
    assert everything(shop.folders) == {}


def test_a_file_that_would_be_refused_is_told_with_its_rejects_and_without_a_record(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path, on_error="fail_file")
    shop.put("customers_2.csv", MIXED)
    shop.put("customers_3.csv", "no such column\nx\n")
    before = everything(shop.folders)
    rows, header = rehearse(shop).files
    assert (rows.state, header.state, rows.counts) == ("refused", "refused", {})
    assert "2 of 5 rows are rejected, on_error allows none" in rows.note
    assert [item.reason for item in rows.reasons] == [
        "points: not a whole number, or too large",
        "email: not a valid e-mail address",
        "text after a closing quote",
    ]
    assert 'Column "email" not found' in header.note
    assert header.reasons == ()
    assert everything(shop.folders) == before


def test_rejects_are_shown_masked(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    shop.put("customers_2.csv", MIXED)
    (file,) = rehearse(shop).files
    assert [(item.line_no, item.text) for item in file.sample] == [
        (3, "m…y (4 characters)"),
        (4, "n…y (6 characters)"),
        (6, '"…, (18 characters)'),
    ]


def test_one_file_can_be_chosen_and_one_that_is_not_new_is_told(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    shop.put("customers_2.csv", MIXED)
    shop.put("customers_3.csv", FIRST)
    assert [item.name for item in rehearse(shop, names=["customers_3.csv"]).files] == ["customers_3.csv"]
    with pytest.raises(ConfigError, match=r"not new: nope.csv: .*New are: customers_2.csv, customers_3.csv"):
        rehearse(shop, names=["nope.csv"])


def test_a_goal_that_is_switched_off_is_tried_when_it_is_named(sshd, tmp_path):
    shop = Shop(sshd, tmp_path / "data", [import_goal(active=False)])
    shop.put("customers_1.csv", FIRST)
    assert rehearse(shop).files == ()
    assert len(rehearse(shop, "customers").files) == 1


def test_a_file_sent_again_tells_whose_place_it_takes_and_only_of_one_that_counts(sshd, tmp_path):
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"delta": True})])
    for content in (FIRST, MIXED):
        shop.put("customers_2026-02-03.csv", content)
        shop.put("customers_2026-02-04.csv", FIRST)
        shop.land()
    assert shop.fold().superseded == {}, "the first version came in with the second, and never counted"
    ((earlier,),) = shop.rows(
        "SELECT batch_id FROM ops.batches WHERE state = 'folded' AND partition_key = '2026-02-03'"
    )
    shop.put("customers_2026-02-03.csv", f"{FIRST}z@x.com,Rome,1,\n", written=WRITTEN + timedelta(days=1))
    shop.put("customers_2026-02-05.csv", FIRST)
    told = (
        f"customers_2026-02-03.csv takes the place of the one of 2026-03-01 08:30 UTC (batch {earlier[:8]}):"
        " its 5 rows no longer count, and the new file is counted without them."
    )
    assert [item.superseded for item in rehearse(shop).files] == [told, ""]
    _, folded, _ = shop.import_all()
    assert list(folded.superseded.values()) == [told]
    shop.put("customers_2026-02-06.csv", FIRST)
    assert shop.import_all()[1].superseded == {}


def test_batches_that_wait_are_folded_with_it_and_a_rebuild_is_told(sshd, tmp_path):
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"delta": True})])
    shop.put("customers_2026-02-03.csv", FIRST)
    shop.import_all()
    shop.put("customers_2026-02-04.csv", FIRST)
    shop.land()
    shop.put("customers_2026-02-01.csv", FIRST)
    run = rehearse(shop)
    assert (run.waiting, run.rebuilds, [item.state for item in run.files]) == (1, True, ["folded"])
    assert shop.fold().replayed is False


def test_a_partition_without_a_new_file_is_landed_anew_from_its_kept_file(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    settings = shop.settings()
    settings["connections"][0]["goals"][0] |= {"mappings": [{"column": "city", "property": "city"}]}
    today = Deployment.model_validate(settings)
    (connection,) = today.connections
    before = everything(shop.folders)
    run = dry_run_partitions(today, connection, connection.imports[0], ["1", "9"], shop.folders, shop.now)
    assert [(item.partition, item.state) for item in run.files] == [("1", "folded"), ("9", "refused")]
    assert run.rebuilds
    assert everything(shop.folders) == before


def test_what_a_killed_writer_left_beside_the_warehouse_counts(sshd, tmp_path):
    """A commit that stands in the engine's log only; opening the warehouse would write it away."""
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"delta": True})])
    shop.put("customers_1.csv", FIRST)
    shop.folders.root.mkdir()
    with driver(tmp_path / "driver", shop.settings(), shop.folders.root) as process:
        assert process.run(shop.now, ["import"]) == 0
        trace = steps_of(process, shop, ["fold"])
        assert process.run(shop.now, ["fold"], kill_at=trace.index("fold: committed") + 1) == KILLED
    assert shop.folders.warehouse.with_name("warehouse.duckdb.wal").exists()
    before = everything(shop.folders)
    shop.put("customers_2.csv", FIRST)
    run = rehearse(shop)
    assert (told(run)[0][:3], run.waiting) == ((2, 0, 2), 0)
    assert everything(shop.folders) == before


def steps_of(process, shop: Shop, verbs) -> list[str]:
    """The names of the steps of a run that is thrown away with its data folder."""
    kept = shop.folders.root.with_name("kept")
    shutil.copytree(shop.folders.root, kept)
    process.trace.unlink(missing_ok=True)
    assert process.run(shop.now, verbs, fault="list:0") == 0
    shutil.rmtree(shop.folders.root)
    kept.rename(shop.folders.root)
    return [line.split(" ", 1)[1] for line in process.trace.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_death_at_any_step_changes_nothing_and_the_next_run_clears_up(sshd, tmp_path):
    shop = shop_with(sshd, tmp_path)
    shop.put("customers_2.csv", MIXED)
    before, server = everything(shop.folders), shop.tree()
    with driver(tmp_path / "driver", shop.settings(), shop.folders.root) as process:
        names = steps_of(process, shop, ["dry run"])
        firsts = sorted({name: number for number, name in reversed(list(enumerate(names, start=1)))}.values())
        assert len(firsts) > 10
        for number in firsts:
            assert process.run(shop.now, ["dry run"], kill_at=number) == KILLED
            left = {name: held for name, held in everything(shop.folders).items() if not name.startswith("staging/")}
            assert (left, shop.tree()) == (before, server), names[number - 1]
    rehearse(shop)
    assert (everything(shop.folders), list(shop.folders.staging.iterdir())) == (before, [])


def test_checks_of_a_file_that_would_fail_are_told(sshd, tmp_path):
    checks = {"volume": {"below": 80, "compare_with": 1, "blocks": True}, "reject_rate": {"above": 20}}
    shop = Shop(sshd, tmp_path / "data", [import_goal(files={"delta": True}, checks=checks)])
    rows = "".join(f"p{number}@x.com,Rome,5,\n" for number in range(10))
    shop.put("customers_1.csv", f"email,city,points,tags\n{rows}")
    shop.import_all()
    shop.put("customers_2.csv", "email,city,points,tags\np1@x.com,Rome,5,\n,Rome,5,\nwrong,Rome,5,\n")
    found = dry_run(shop.deployment, shop.connection, shop.folders, shop.now)
    rejects, volume = found.failing
    assert rejects.startswith(
        "check shop/customers reject_rate would fail: customers_2.csv: 1 of 3 rows rejected (33.3"
    )
    assert volume.startswith(
        "check shop/customers volume would fail, and no export would go out: customers_2.csv: rows"
    )
    shop.import_all()
    assert dry_run(shop.deployment, shop.connection, shop.folders, shop.now).failing == ()
