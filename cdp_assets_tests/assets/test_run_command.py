"""`python -m cdp_assets run` and `backfill`: a connection, or partitions of a goal, from the terminal."""

from __future__ import annotations

import getpass
import logging
from pathlib import Path

import dagster as dg
import pytest

from cdp_assets_tests.assets.terminal import run_command, write_down
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, HEADER, VIP_LIST, World
from cdp_assets_tests.assets.world import told as told_by
from cdp_assets_tests.support.smtp import mail_server


def test_a_goal_is_run_and_its_counts_are_told(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv", ANNA, BERT)
    done = run_command("run", "shop", "customers")
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert "customers_1.csv" in told
    assert "2 profiles in the warehouse" in told
    assert "Delivered" not in told
    with dg.DagsterInstance.get() as instance:
        (by_command,) = instance.get_runs()
    assert by_command.job_name == "shop__customers__run_now"
    assert by_command.tags["user"] == f"{getpass.getuser()}, command line"


def test_the_copy_for_readers_holds_what_a_run_of_one_goal_brought(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.set_up(goals=[CUSTOMERS])
    model = shop.deployment.model.model_copy(update={"publish_every_s": 3_600})
    shop.deployment = shop.deployment.model_copy(update={"model": model})
    write_down(shop, tmp_path, monkeypatch)
    for number, row in enumerate((ANNA, BERT), start=1):
        shop.put(f"customers_{number}.csv", row)
        assert run_command("run", "shop", "customers").returncode == 0
        asked = run_command("query", "SELECT count(*) FROM main.profiles", "-o", "-")
        assert asked.stdout.splitlines()[1] == str(number)


def test_a_file_of_which_nothing_is_imported_is_told_loudly(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv").write_bytes(
        HEADER.encode() + ANNA.encode() + "zoë@example.com,Ede,1\n".encode("cp1252")
    )
    shop.put("customers_2.csv").write_bytes(HEADER.encode() + "a@x.com,Zoë,1\nb@x.com,Köln,2\n".encode("cp1252"))
    done = run_command("run", "shop", "customers")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    reason = (
        "not UTF-8; it looks like windows-1252: set `format: {encoding: windows-1252}`, if all files of the goal are so"
    )
    warning = f"nothing of it is imported: all 2 rows are rejected: {reason}"
    assert told.count("WARNING") == 1
    assert f"WARNING customers_2.csv: {warning}" in told
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs()
        entries = instance.all_logs(run.run_id)
    assert [entry.user_message for entry in entries if entry.level == logging.WARNING] == [
        f"customers: customers_2.csv: {warning}"
    ]
    events = [entry.get_dagster_event() for entry in entries if entry.is_dagster_event]
    landed = [event.materialization for event in events if event.event_type_value == "ASSET_MATERIALIZATION"]
    assert [found.metadata["WARNING"].value for found in landed if "WARNING" in found.metadata] == [warning]


def test_a_row_with_fewer_cells_than_the_header_is_told_loudly(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv").write_text(f"{HEADER}{ANNA}b@x.com\n")
    done = run_command("run", "shop", "customers")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert told.count("WARNING") == 1
    warning = "1 row has fewer cells than the header has (line 3): the missing ones count as empty"
    assert f"WARNING customers_1.csv: {warning}" in told


def test_a_file_that_is_perhaps_not_in_its_encoding_is_told_loudly(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = {"encoding": "windows-1252"}
    shop.set_up(goals=[CUSTOMERS | {"format": CUSTOMERS.get("format", {}) | encoded}])
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv").write_bytes(HEADER.encode() + "a@x.com,Zoë,1\nb@x.com,Köln,2\n".encode())
    shop.put("customers_2.csv").write_bytes(HEADER.encode() + "c@x.com,Zoë,1\nd@x.com,Köln,2\n".encode("cp1252"))
    done = run_command("run", "shop", "customers")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    warning = "looks like UTF-8: 2 characters outside ASCII, each written as UTF-8 writes it; but format.encoding is"
    assert told.count("WARNING") == 1
    assert f"WARNING customers_1.csv: {warning} windows-1252" in told
    assert "4 profiles in the warehouse" in told
    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs()
        entries = instance.all_logs(run.run_id)
    (entry,) = [entry for entry in entries if entry.level == logging.WARNING]
    assert entry.user_message.startswith(f"customers: customers_1.csv: {warning} windows-1252")


def test_a_refused_file_is_told_once_and_that_it_stays(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down(shop, tmp_path, monkeypatch)
    (shop.server.folder / "in" / "customers_1.csv").write_text("no such column\nx\n")
    done = run_command("run", "shop", "customers")
    assert done.returncode == 1, done.stderr
    told = " ".join(done.stdout.split())
    assert "1 file was refused. It stays on the server, and run now tries it again; no other file waits for it." in told
    assert "customers: customers_1.csv: " in told
    assert told.count("imported") == 1
    assert "report:" not in told


def test_a_file_that_must_be_renamed_first_is_told(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1...2.csv", ANNA)
    done = run_command("run", "shop", "customers")
    assert "Nothing was imported.\n" in done.stdout
    assert "customers_1...2.csv: its partition key '1...2' holds `...`" in done.stdout
    assert "No new files" not in done.stdout


def test_a_file_sent_again_tells_whose_place_it_takes(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_20250301.csv", ANNA)
    assert run_command("run", "shop", "customers").returncode == 0
    shop.put("customers_20250301.csv", ANNA, BERT, at=1_700_000_100)
    ((landed,),) = shop.rows("SELECT strftime(landed_at, '%Y-%m-%d %H:%M') FROM ops.batches")
    told = f"customers_20250301.csv takes the place of the one of {landed} UTC (batch "
    assert told in run_command("dry-run", "shop").stdout
    assert f"\n{told}" in run_command("run", "shop", "customers").stdout
    with dg.DagsterInstance.get() as instance:
        run = instance.get_runs()[0]
        entries = instance.all_logs(run.run_id)
        key = dg.AssetKey("profiles")
        fold = instance.fetch_materializations(key, limit=1).records[0].asset_materialization
        key = dg.AssetKey(["shop", "customers"])
        batch = instance.fetch_observations(key, limit=1).records[0].asset_observation
    assert any(entry.user_message.startswith(told) for entry in entries)
    assert fold is not None
    assert str(fold.metadata["files sent again"].value).startswith(told)
    assert batch is not None
    assert str(told_by(batch)["sent again"]).startswith(told)


def test_a_run_names_what_it_does_not_compute(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv", ANNA, BERT)
    done = run_command("run", "shop")
    assert done.returncode == 0, done.stderr
    assert "Selected" in done.stdout
    assert "Not computed here: segments/nowhere (no export of shop asks for it; " in done.stdout
    assert "Nothing delivered" not in done.stdout
    assert "python -m cdp_assets select computes all" in " ".join(done.stdout.split())
    done = run_command("select", "nowhere")
    assert done.returncode == 0, done.stderr
    (line,) = (line.split() for line in done.stdout.splitlines() if line.startswith("nowhere"))
    assert line[1] == "0"
    done = run_command("select", "nowhre")
    assert "no segment or lifecycle 'nowhre'; there are, nearest first: nowhere, " in done.stderr
    again = run_command("run", "shop")
    assert (
        "Nothing delivered by shop/vip_list: every member was delivered before with the same properties; no file was"
        " written\n"
    ) in again.stdout


def test_a_delivery_that_failed_is_not_told_as_one(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv", ANNA, BERT)
    out = shop.server.folder / "out"
    out.rmdir()
    out.write_text("in the way")
    done = run_command("run", "shop")
    assert done.returncode == 1
    assert "NOT there yet" in done.stdout
    assert "same as there" not in done.stdout
    assert "Not delivered yet: the next run of the goal sends it first." in run_command("history", "shop").stdout
    out.unlink()
    out.mkdir()
    done = run_command("run", "shop")
    assert done.returncode == 0, done.stderr
    assert (out / "vip.csv").exists()
    assert "of an earlier run" in done.stdout
    assert "Nothing delivered" not in done.stdout
    assert "Exported 1 profile to " in run_command("history", "shop").stdout


def test_of_a_delivery_in_parts_the_first_is_named_and_how_many_more(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.set_up(goals=[CUSTOMERS, VIP_LIST | {"file": {"name": "vip_{run_id}_{part}", "split": {"rows": 1}}}])
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv", ANNA, BERT.replace("20", "700"), "carl@example.com,Lyon,900\n")
    told = run_command("run", "shop").stdout
    assert "_1.csv and 2 more" in " ".join(told.split())


@pytest.mark.slow
def test_a_range_of_days_is_backfilled_in_runs_of_their_own_and_folded_once(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = {"partitions": {"by": "day", "start": "2025-01-01"}}
    shop.set_up(goals=[CUSTOMERS | {"files": CUSTOMERS["files"] | windows}, VIP_LIST])
    write_down(shop, tmp_path, monkeypatch)
    for day in (1, 2, 4):
        shop.put(f"customers_202503{day:02}.csv", ANNA)
    done = run_command("backfill", "shop", "customers", "2025-03-01", "2025-03-03")
    assert done.returncode == 1, done.stderr
    assert "landing 2025-03-01 to 2025-03-03" in done.stdout
    assert "no file for partition '2025-03-03' of shop/customers on the server" in done.stdout.replace("\n", " ")
    assert (shop.server.folder / "in" / "customers_20250301.csv.done").exists()
    assert (shop.server.folder / "in" / "customers_20250304.csv").exists()
    assert shop.rows("SELECT spend FROM main.profiles") == [(1200,)]
    with dg.DagsterInstance.get() as instance:
        assert len(instance.get_runs()) == 4
    asked = run_command("query", "SELECT spend FROM main.profiles", "-o", "-")
    assert asked.stdout.splitlines()[1] == "1200.00"
    done = run_command("backfill", "shop", "customers", "20250304")
    assert "landing 2025-03-04 to 2025-03-04" in done.stdout
    done = run_command("backfill", "shop", "customers", "2024-01-01", "2024-02-01")
    assert "shop/customers has no partition from 2024-01-01 to 2024-02-01; it has 2025-01-01 to" in done.stderr
    done = run_command("backfill", "shop", "customers", "2025-03-1", "2025-03-03")
    assert "shop/customers has no partition '2025-03-1'; it has, nearest first: '2025-03-01', " in done.stderr


def test_a_goal_whose_folder_is_not_there_stops_no_other(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = CUSTOMERS | {"name": "lost", "files": CUSTOMERS["files"] | {"directory": "lost"}}
    told = [{"when": ["failure"], "to": [{"env": "ALERTS"}]}]
    shop.set_up(goals=[CUSTOMERS, lost], notifications=told)
    write_down(shop, tmp_path, monkeypatch)
    why = "Directory not found: lost (files.directory of lost; python -m cdp_assets test-connection shop tells the"
    with mail_server() as mails:
        monkeypatch.setenv("ALERTS", mails.address)
        shop.put("customers_1.csv", ANNA)
        done = run_command("run", "shop")
        assert done.returncode == 1
        output = " ".join(done.stdout.split())
        assert f"no look at the files of lost: {why} folders there)" in output
        assert "1 profile in the warehouse" in output
        assert "file was refused" not in output
        assert "no look at the files of lost" in mails.mails()[0][1]
        assert run_command("run", "shop", "customers").returncode == 0
        done = run_command("run", "shop", "lost")
        assert (done.returncode, "shop could not be read: Directory not found: lost" in done.stdout) == (1, True)


def test_a_check_that_fails_is_told_and_does_not_fail_the_run(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.set_up(goals=[CUSTOMERS | {"checks": {"reject_rate": {"above": 10}}}])
    write_down(shop, tmp_path, monkeypatch)
    shop.put("customers_1.csv", ANNA, "nobody,Ede,1\n")
    done = run_command("run", "shop")
    assert done.returncode == 0, done.stderr
    told = "customers_1.csv: 1 of 2 rows rejected (50.0 %), above the limit of 10 %."
    assert f"Check shop/customers reject_rate fails (warn): {told}" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("population", ["changed", "all"])
def test_who_left_a_segment_and_is_told_to_nobody_is_counted(
    shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, population: str
) -> None:
    shop.set_up(goals=[CUSTOMERS, VIP_LIST | {"population": population}])
    write_down(shop, tmp_path, monkeypatch)
    told = "1 who left segment vip is not told of, as population: changed sends members alone; difference tells"
    for number, (spend, left) in enumerate(((600, False), (-300, True), (20, False)), start=1):
        shop.put(f"customers_{number}.csv", ANNA.replace("600", str(spend)), at=1_700_000_000 + number)
        done = run_command("run", "shop")
        assert done.returncode == 0, done.stderr
        assert (f"shop/vip_list: {told}" in done.stdout) == (left and population == "changed")
