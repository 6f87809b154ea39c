"""A goal with a partition for each day: landed by the sensor, by a click, by a backfill; and what is missing."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from cdp_assets.assets.runtime import data_folders
from cdp_assets.flows import run_connection
from cdp_assets.flows.canonical_dump import canonical_dump
from cdp_assets.flows.folders import DataFolders
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.assets.test_materializing import failure
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, HEADER, VIP_LIST, World, told

KEY, CHECK = "shop/customers", "no_missing_partitions"
START = date(2025, 3, 1)


def by_day(**files: Any) -> dict[str, Any]:
    """The customers' goal with a window for each day."""
    partitions = {"by": "day", "start": START.isoformat()}
    return CUSTOMERS | {"files": CUSTOMERS["files"] | {"partitions": partitions} | files}


@pytest.fixture
def days(shop: World) -> World:
    shop.set_up(goals=[by_day(), VIP_LIST])
    return shop


def dumped(folders: DataFolders) -> dict[str, list[str]]:
    with open_warehouse(folders.warehouse) as database:
        return canonical_dump(database)


def test_the_sensor_lands_a_file_in_the_window_of_its_date(days: World) -> None:
    days.put("customers_20250304.csv", ANNA)
    days.requested("shop__arrivals")
    (request,) = days.requested("shop__arrivals")
    assert days.run("shop__land_arrivals", dict(request.run_config)).success
    assert days.materialize("profiles").success
    (landed,), (folded,) = days.materializations(KEY), days.observations(KEY)
    assert (landed.partition, folded.partition) == ("2025-03-04", "2025-03-04")
    assert told(folded)["rows created"] == 1
    assert list(days.statuses(KEY, "2025-03-04", "2025-03-05").values()) == ["MATERIALIZED", "MISSING"]
    assert days.partitions() == []


@pytest.mark.parametrize(
    ("by", "window"),
    [("hour", "2025-03-04-13:00"), ("day", "2025-03-04"), ("week", "2025-03-03"), ("month", "2025-03-01")],
)
def test_every_length_of_window_is_landed_by_a_click(shop: World, by: str, window: str) -> None:
    partitions = {"by": by, "start": START.isoformat()}
    shop.set_up(goals=[by_day(partitions=partitions, timezone="Europe/Amsterdam"), VIP_LIST])
    shop.put("customers_20250304_1359.csv", ANNA)
    assert shop.materialize(KEY, window).success
    assert list(shop.statuses(KEY, window).values()) == ["MATERIALIZED"]
    assert shop.materialize("profiles").success
    assert [event.partition for event in shop.observations(KEY)] == [window]


def test_a_window_without_a_file_fails_and_tells_what_was_looked_for(days: World) -> None:
    run = days.materialize(KEY, "2025-03-04")
    assert failure(run).endswith(
        "no file for partition '2025-03-04' of shop/customers on the server, and none was landed before; looked for "
        "names like 'customers_*.csv' with a date of 2025-03-04, such as customers_20250304.csv in 'in'"
    )
    assert list(days.statuses(KEY, "2025-03-04").values()) == ["FAILED"]


def test_a_window_whose_file_is_not_complete_says_what_it_waits_for(days: World) -> None:
    days.set_up(goals=[by_day(ready={"file": "{name}.ok"}), VIP_LIST])
    days.put("customers_20250304.csv", ANNA)
    assert "customers_20250304.csv waits: its ready file customers_20250304.csv.ok is not there yet" in failure(
        days.materialize(KEY, "2025-03-04")
    )


def test_two_files_of_one_window_both_land_and_both_count(days: World) -> None:
    days.put("customers_20250304_0800.csv", ANNA)
    days.put("customers_20250304_2000.csv", ANNA, BERT)
    assert days.materialize(KEY, "2025-03-04").success
    (landed,) = days.materializations(KEY)
    assert (told(landed)["files that count"], told(landed)["dagster/partition_row_count"]) == (2, 3)
    assert [record.data["file"] for record in landed.metadata["files"].records] == [
        "customers_20250304_0800.csv",
        "customers_20250304_2000.csv",
    ]
    assert days.materialize("profiles").success
    assert {event.partition for event in days.observations(KEY)} == {"2025-03-04"}
    assert days.rows("SELECT spend FROM main.profiles ORDER BY spend DESC")[0] == (1200,)


def test_a_bad_file_beside_a_good_one_fails_the_window_and_the_good_one_counts(days: World) -> None:
    days.put("customers_20250304_0800.csv", ANNA)
    (days.server.folder / "in" / "customers_20250304_2000.csv").write_text("no such column\nx\n")
    assert failure(days.materialize(KEY, "2025-03-04")).startswith("1 file was refused. It stays on the server")
    assert list(days.statuses(KEY, "2025-03-04").values()) == ["FAILED"]
    assert days.materialize("profiles").success
    assert days.rows("SELECT spend FROM main.profiles") == [(600,)]


def test_a_window_materialised_again_does_nothing_until_its_yaml_changes(days: World) -> None:
    days.put("customers_20250304.csv", ANNA)
    assert days.materialize(KEY, "2025-03-04").success
    assert days.materialize(KEY, "2025-03-04").success
    notes = [told(event)["note"] for event in days.materializations(KEY)]
    assert notes[0] == "This version was landed before; nothing was done."
    (city, _) = CUSTOMERS["mappings"]
    days.set_up(goals=[by_day() | {"mappings": [city]}, VIP_LIST])
    assert days.materialize(KEY, "2025-03-04").success
    assert told(days.materializations(KEY)[0])["state"] == "landed"
    assert days.materialize("profiles").success
    assert days.rows("SELECT city, spend FROM main.profiles") == [("Delft", None)]


def test_a_corrected_file_takes_the_place_of_the_first(days: World) -> None:
    for number, row in enumerate((ANNA, BERT)):
        days.put("customers_20250304.csv", row, at=1_700_000_000 + number)
        assert days.materialize(KEY, "2025-03-04").success
    assert days.materialize("profiles").success
    assert days.rows("SELECT city FROM main.profiles") == [("Breda",)]


def test_a_file_before_the_first_window_is_imported_and_told_on_the_asset(days: World) -> None:
    days.put("customers_20241231.csv", ANNA)
    assert days.run("shop__run_now").success
    assert days.rows("SELECT city FROM main.profiles") == [("Delft",)]
    assert days.materializations(KEY) == []
    landing = [told(event) for event in days.observations(KEY) if "outside the partitions" in event.metadata]
    assert [item["outside the partitions"] for item in landing] == [
        "2024-12-31 lies before the first window, or after the present one"
    ]
    assert {event.partition for event in days.observations(KEY)} == {None}


def test_a_name_without_a_date_is_not_taken_and_says_why(days: World) -> None:
    days.put("customers_eu.csv", ANNA)
    assert days.materialize("shop/files").success
    (event,) = days.observations("shop/files")
    (left,) = event.metadata["files no goal takes"].records
    assert "partition key 'eu' of 'customers_*.csv' holds no date that could be found" in str(left.data["why"])
    assert told(event)["names to mend"] == 1


def test_a_dry_run_tells_it_on_the_window(days: World) -> None:
    days.put("customers_20250304.csv", ANNA)
    days.put("customers_20241231.csv", BERT)
    config = {"ops": {"land": {"config": {"dry_run": True}}}}
    assert days.run("shop__run_now", config).success
    assert {event.partition for event in days.observations(KEY)} == {"2025-03-04", None}


def test_missing_windows_are_a_warning_of_the_check_and_stand_on_the_files(shop: World) -> None:
    today = datetime.now(UTC).date()
    start = (today - timedelta(days=5)).isoformat()
    shop.set_up(goals=[by_day(partitions={"by": "day", "start": start}), VIP_LIST])
    for back in (5, 2):
        shop.put(f"customers_{today - timedelta(days=back):%Y%m%d}.csv", ANNA)
    assert shop.run("shop__land_arrivals").success
    (files,) = shop.observations("shop/files")
    told_there = [(row.data["goal"], row.data["partitions"]) for row in files.metadata["missing partitions"].records]
    assert told_there == [("customers", 2), ("customers", 1)]
    (evaluation,) = checked(shop)
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert evaluation.description == "3 of 5 partitions that are over have no file."
    gaps = [(row.data["from"], row.data["partitions"]) for row in evaluation.metadata["missing partitions"].records]
    assert gaps == [(str(today - timedelta(days=4)), 2), (str(today - timedelta(days=1)), 1)]


def checked(shop: World) -> list[dg.AssetCheckEvaluation]:
    check = dg.AssetCheckKey(dg.AssetKey.from_user_string(KEY), CHECK)
    job = shop.definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_check_selection={check}, asset_selection=set()
    )
    run = job.execute_in_process(instance=shop.instance)
    return run.get_asset_check_evaluations()


def test_the_sensor_renews_the_check_when_something_landed(days: World) -> None:
    name = "shop__missing_partitions"
    first, second = days.tick(name), days.tick(name)
    assert isinstance(first, dg.SensorResult)
    assert isinstance(second, dg.SensorResult)
    (event,) = first.asset_events
    assert isinstance(event, dg.AssetCheckEvaluation)
    assert (event.check_name, event.passed, len(second.asset_events)) == (CHECK, False, 0)
    days.put("customers_20250304.csv", ANNA)
    for _ in range(2):
        assert days.materialize(KEY, "2025-03-04").success
        third = days.tick(name)
        assert isinstance(third, dg.SensorResult)
        assert len(third.asset_events) == 1


def year_of(shop: World, number: int, seed: int) -> list[tuple[str, str]]:
    """Daily files in which the same people come back: (name, content)."""
    dice = random.Random(seed)
    found = []
    for day in range(number):
        rows = [f"p{dice.randrange(9)}@example.com,City{dice.randrange(5)},{dice.randrange(100)}\n" for _ in range(6)]
        found.append((f"customers_{START + timedelta(days=day):%Y%m%d}.csv", HEADER + "".join(rows)))
    return found


def put(shop: World, name: str, content: str) -> None:
    rows = content.removeprefix(HEADER).splitlines(keepends=True)
    shop.put(name, *rows)


def by_hand(shop: World, root: Path, files: list[tuple[str, str]]) -> dict[str, list[str]]:
    """What it comes to in a second data folder when the files come day by day and each is folded at once."""
    folders, at = DataFolders(root), datetime(2026, 1, 1, tzinfo=UTC)
    for path in (shop.server.folder / "in").iterdir():
        path.unlink()
    for number, (name, content) in enumerate(files):
        put(shop, name, content)
        moment = at + timedelta(days=number)
        run_connection.import_new(shop.deployment, shop.connection, folders, moment)
        run_connection.fold_and_publish(shop.deployment.model, folders, moment)
    return dumped(folders)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["by day", "by wildcard value"])
def test_a_backfill_in_any_order_ends_as_the_same_files_day_by_day(
    shop: World, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the daemon does it: runs of a few partitions each, some of which fail and are launched again."""
    monkeypatch.setattr("cdp_assets.assets.runtime.RETRY_AFTER_S", 0)
    shop.set_up(goals=[by_day() if kind == "by day" else CUSTOMERS, VIP_LIST])
    files = year_of(shop, 15, seed=1)
    broken = (3, 11)
    for number, (name, content) in enumerate(files):
        put(shop, name, content)
        if number in broken:
            (shop.server.folder / "in" / name).write_text("what is this\n")
    keys = keys_of(shop, kind)
    runs = [keys[start : start + 5] for start in (10, 0, 5)]
    failed = []
    for run in runs:
        bounds = {"asset_partition_range_start": run[0], "asset_partition_range_end": run[-1]}
        failed += [run] if not shop.materialize(KEY, **bounds).success else []
    assert failed == [runs[0], runs[1]]
    expected = ["FAILED" if number in broken else "MATERIALIZED" for number in range(15)]
    if kind == "by day":
        assert list(shop.statuses(KEY, *keys).values()) == expected
    for number in broken:
        put(shop, *files[number])
        assert shop.materialize(KEY, keys[number]).success
    assert shop.materialize("profiles").success
    assert told(shop.materializations("profiles")[0])["batches folded"] == 15
    assert dumped(data_folders()) == by_hand(shop, tmp_path / "by hand", files)


def keys_of(shop: World, kind: str) -> list[str]:
    if kind == "by day":
        return [str(START + timedelta(days=day)) for day in range(15)]
    assert shop.materialize("shop/files").success
    return shop.partitions()
