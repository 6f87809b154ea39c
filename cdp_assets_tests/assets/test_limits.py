"""Checks with limits from the YAML, run through Dagster on a real warehouse: what each says, and what it stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from cdp_assets.assets import limits
from cdp_assets.assets.runtime import data_folders
from cdp_assets.config.limits import MissingFile, Volume
from cdp_assets.flows import run_connection
from cdp_assets.flows.judge_files import deadlines
from cdp_assets.flows.verdicts import volume_verdict
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, HEADER, MODEL, QUIET, VIP_LIST, World

WRONG = "nobody,Ede,1\n"
GONE = timedelta(days=3)


def with_checks(shop: World, *, customers: Any = None, vip_list: Any = None, **changes: Any) -> None:
    goals = [CUSTOMERS | {"checks": customers or {}}, VIP_LIST | {"checks": vip_list or {}}]
    shop.set_up(goals=goals, **changes)


def bring(shop: World, number: int, *rows: str) -> None:
    """One more file, landed and folded."""
    shop.put(f"customers_{number}.csv", *rows)
    run_connection.import_new(shop.deployment, shop.connection, data_folders(), datetime.now(UTC))
    run_connection.fold_and_publish(shop.deployment.model, data_folders(), datetime.now(UTC))


def checked(shop: World, key: str, name: str) -> dg.AssetCheckEvaluation:
    """Runs one check alone, as a click on Execute does."""
    wanted = {dg.AssetCheckKey(dg.AssetKey.from_user_string(key), name)}
    job = shop.definitions.resolve_implicit_global_asset_job_def().get_subset(asset_check_selection=wanted)
    run = job.execute_in_process(QUIET, instance=shop.instance, raise_on_error=False)
    (evaluation,) = run.get_asset_check_evaluations()
    return evaluation


def at(monkeypatch: pytest.MonkeyPatch, later: timedelta) -> None:
    monkeypatch.setattr(limits, "now", lambda: datetime.now(UTC) + later)


def names(shop: World) -> set[str]:
    return {key.to_user_string() for key in shop.definitions.resolve_asset_graph().asset_check_keys}


def test_without_a_word_in_the_yaml_there_are_the_quiet_ones_only(shop: World) -> None:
    assert names(shop) == {
        "shop/files:connection_works",
        "profiles:equals_replay",
        "profiles:unique_identifiers",
        "shop/customers:reject_rate",
        "shop/vip_list:complete",
    }
    with_checks(shop, customers={"reject_rate": False}, vip_list={"complete": False})
    assert not {"shop/customers:reject_rate", "shop/vip_list:complete"} & names(shop)


@pytest.mark.parametrize(("above", "passed"), [(24.9, False), (25, True)])
def test_rejected_rows_above_their_share_fail_with_the_counts(shop: World, above: float, passed: bool) -> None:
    with_checks(shop, customers={"reject_rate": {"above": above, "severity": "error"}})
    bring(shop, 1, WRONG)
    bring(shop, 2, ANNA, BERT, WRONG, "cleo@example.com,Delft,900\n")
    told = checked(shop, "shop/customers", "reject_rate")
    assert (told.passed, told.severity) == (passed, dg.AssetCheckSeverity.ERROR)
    verb = "within" if passed else "above"
    assert told.description == f"customers_2.csv: 1 of 4 rows rejected (25.0 %), {verb} the limit of {above:g} %."


def test_a_file_that_does_not_come_for_days_is_missed(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with_checks(shop, customers={"missing_file": {"within_days": 2}})
    assert "The newest file was seen never" in (checked(shop, "shop/customers", "missing_file").description or "")
    bring(shop, 1, ANNA)
    assert checked(shop, "shop/customers", "missing_file").passed
    at(monkeypatch, GONE)
    told = checked(shop, "shop/customers", "missing_file")
    assert not told.passed
    assert "The newest file was seen 3.0 days ago" in (told.description or "")
    assert "the limit is 2.0 days" in (told.description or "")


def test_a_file_that_is_late_is_missed_until_it_comes(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with_checks(shop, customers={"missing_file": {"by": "07:00", "timezone": "Europe/Amsterdam"}})
    bring(shop, 1, ANNA)
    assert checked(shop, "shop/customers", "missing_file").passed
    at(monkeypatch, GONE)
    told = checked(shop, "shop/customers", "missing_file")
    assert not told.passed
    assert "07:00 (Europe/Amsterdam); the newest: customers_1.csv, seen on" in (told.description or "")


@pytest.mark.parametrize(
    ("now", "days", "expected"),
    [
        ("2026-03-30T04:59", (), ("2026-03-28", "2026-03-29")),
        ("2026-03-30T05:00", (), ("2026-03-29", "2026-03-30")),
        ("2026-11-25T12:00", ("mon", "thu"), ("2026-11-19", "2026-11-23")),
        ("2026-11-26T05:00", ("thu",), ("2026-11-12", "2026-11-19")),
    ],
)
def test_deadlines_are_local_and_of_the_due_days(now: str, days: tuple[str, ...], expected: tuple[str, str]) -> None:
    limit = MissingFile.model_validate({"by": "07:00", "timezone": "Europe/Amsterdam", "days_of_week": days})
    found = deadlines(limit, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert tuple(f"{moment:%Y-%m-%d}" for moment in found) == expected
    assert {f"{moment:%H:%M}" for moment in found} == {"07:00"}


def test_far_fewer_rows_than_before_fail_with_both_numbers(shop: World) -> None:
    with_checks(shop, customers={"volume": {"below": 50}})
    for number in (1, 2, 3):
        bring(shop, number, *(f"p{number}{row}@example.com,Ede,1\n" for row in range(4)))
    told = checked(shop, "shop/customers", "volume")
    assert (told.passed, told.description) == (
        True,
        "customers_3.csv: rows 4; only 2 before it, too few to compare with.",
    )
    bring(shop, 4, ANNA)
    told = checked(shop, "shop/customers", "volume")
    assert (told.passed, told.description) == (
        False,
        "customers_4.csv: rows 1, 25 % of the 4 that is the median of the 3 before. Below 50 % is too few.",
    )


def test_rejected_rows_that_came_back_mended_are_no_delivery(shop: World) -> None:
    goal = CUSTOMERS | {"checks": {"volume": {"below": 50}}, "return_rejects": {"directory": "rejected"}}
    shop.set_up(goals=[goal, VIP_LIST])
    for number in (1, 2, 3):
        bring(shop, number, *(f"p{number}{row}@example.com,Ede,1\n" for row in range(4)))
    shop.put("customers_4.csv", *(f"p4{row}@example.com,Ede,1\n" for row in range(4)), WRONG)
    assert shop.run("shop__run_now").success
    before = checked(shop, "shop/customers", "volume").description
    assert before == "customers_4.csv: rows 5, 125 % of the 4 that is the median of the 3 before."
    (returned,) = (shop.server.folder / "rejected").iterdir()
    mended = returned.read_text().replace("nobody", "dora@example.com")
    (shop.server.folder / "in" / returned.name).write_text(mended)
    assert shop.run("shop__run_now").success
    assert shop.rows("SELECT city FROM main.profiles WHERE email = 'dora@example.com'") == [("Ede",)]
    after = checked(shop, "shop/customers", "volume")
    assert (after.passed, after.description) == (True, before)
    shown = shop.materializations("shop/customers")[0].metadata["rows per file"]
    assert str(shown.value).startswith("![4 to 5 rows in 4 files]")
    # A file of the sender's own that is only called alike counts.
    shop.put("customers_6.csv.00000000.rejected.csv", ANNA)
    assert shop.run("shop__run_now").success
    assert not checked(shop, "shop/customers", "volume").passed


@pytest.mark.parametrize(
    ("number", "passed"), [(49, False), (50, True), (100, True), (200, True), (201, False), (0, False)]
)
def test_a_volume_is_compared_with_the_median(number: int, passed: bool) -> None:
    limit = Volume(below=50, above=200, compare_with=3)
    assert volume_verdict("rows", number, [9_999, 100, 1, 1_000], limit).passed == passed


def test_nothing_before_makes_something_too_much() -> None:
    assert not volume_verdict("rows", 5, [0, 0, 0], Volume(above=200)).passed
    assert volume_verdict("rows", 0, [0, 0, 0], Volume(below=50)).passed


def test_a_value_held_by_two_profiles_is_counted_by_property_and_never_shown(shop: World) -> None:
    bring(shop, 1, ANNA, BERT)
    assert checked(shop, "profiles", "unique_identifiers").passed
    shop.rows(
        "INSERT INTO main.identifiers SELECT domain_group, property, 'anna@example.com', profile_id"
        " FROM main.identifiers WHERE value = 'bert@example.com'"
    )
    told = checked(shop, "profiles", "unique_identifiers")
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert told.description == ("1 value held by several profiles of a domain group: 1 of email (DEFAULT); 0 may be.")
    shop.rows("UPDATE main.identifiers SET domain_group = 'other' WHERE profile_id = (SELECT max(profile_id) FROM"
              " main.identifiers)")  # fmt: skip
    assert checked(shop, "profiles", "unique_identifiers").passed


def test_a_connection_without_new_files_is_stale(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with_checks(shop, checks={"stale": {"within_days": 2}})
    bring(shop, 1, ANNA)
    assert checked(shop, "shop/files", "stale").passed
    at(monkeypatch, GONE)
    told = checked(shop, "shop/files", "stale")
    assert "The newest file of all goals was seen 3.0 days ago" in (told.description or "")
    assert not told.passed


def test_a_delivery_is_complete_while_its_file_stands_there_whole(shop: World) -> None:
    bring(shop, 1, ANNA, BERT)
    assert checked(shop, "shop/vip_list", "complete").description == "Nothing has been delivered yet."
    assert shop.materialize("segments/vip").success
    assert shop.materialize("shop/vip_list").success
    told = checked(shop, "shop/vip_list", "complete")
    assert told.passed
    assert "1 row for 1 member of vip. 1 file stands there as sent." in (told.description or "")
    file = shop.server.folder / "out" / "vip.csv"
    whole = file.read_bytes()
    file.write_bytes(whole + b"more\n")
    assert f"out/vip.csv has {len(whole) + 5} bytes instead of {len(whole)}" in said(shop)
    file.unlink()
    assert "out/vip.csv is not there any more" in said(shop)
    with_checks(shop, vip_list={"complete": {"file_there": False}})
    assert checked(shop, "shop/vip_list", "complete").passed


def said(shop: World) -> str:
    """What a check of completeness that fails says."""
    told = checked(shop, "shop/vip_list", "complete")
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.ERROR)
    return told.description or ""


def test_a_delivery_that_lacks_members_is_not_complete(shop: World) -> None:
    bring(shop, 1, ANNA, BERT)
    assert shop.run("shop__run_now").success
    key = dg.AssetCheckKey(dg.AssetKey(["shop", "vip_list"]), "complete")
    (latest,) = shop.instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).values()
    assert latest.status.value == "SUCCEEDED"
    shop.rows("UPDATE ops.segment_changes SET size = 3 WHERE segment = 'vip'")
    assert "but the segment had 3 members." in said(shop)
    shop.rows("UPDATE ops.export_files SET rows = 7")
    assert "its files hold 7 rows of 1" in said(shop)


def test_old_profiles_segments_and_deliveries_are_not_fresh(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = {"fresh": {"within_hours": 26}}
    monkeypatch.setitem(MODEL, "checks", fresh)
    monkeypatch.setitem(MODEL, "segments", [{**segment, "checks": fresh} for segment in MODEL["segments"]])
    with_checks(shop, vip_list=fresh)
    bring(shop, 1, ANNA)
    assert shop.run("shop__run_now").success
    wanted = {
        "profiles": "The last batch came in",
        "segments/vip": "It was computed",
        "shop/vip_list": "The last delivery arrived",
    }
    assert all(checked(shop, key, "fresh").passed for key in wanted)
    at(monkeypatch, GONE)
    for key, words in wanted.items():
        told = checked(shop, key, "fresh")
        assert not told.passed
        assert f"{words} 3.0 days ago" in (told.description or "")


def test_a_segment_has_a_size_and_does_not_jump(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = {"size": {"at_least": 2, "at_most": 9}, "volume": {"above": 150, "compare_with": 1}}
    monkeypatch.setitem(MODEL, "segments", [{**MODEL["segments"][0], "checks": checks}])
    shop.set_up()
    bring(shop, 1, ANNA)
    assert shop.materialize("segments/vip").success
    assert checked(shop, "segments/vip", "size").description == "1 member; at least 2 and at most 9 are expected."
    bring(shop, 2, "cleo@example.com,Delft,900\n")
    assert shop.materialize("segments/vip").success
    assert checked(shop, "segments/vip", "size").passed
    told = checked(shop, "segments/vip", "volume")
    assert told.description == (
        "Members: 2, 200 % of the 1 that is the median of the 1 before. Above 150 % is too many."
    )


def test_a_check_that_blocks_holds_every_export_back_until_it_passes(shop: World) -> None:
    with_checks(shop, customers={"reject_rate": {"above": 10, "blocks": True}})
    shop.put("customers_1.csv", ANNA, WRONG)
    ran = shop.run("shop__run_now")
    assert not ran.success
    assert len(shop.rows("SELECT * FROM main.profiles")) == 1
    assert not (shop.server.folder / "out" / "vip.csv").exists()
    assert shop.materialize("segments/vip").success
    failed = shop.materialize("shop/vip_list")
    assert "shop/customers reject_rate: customers_1.csv: 1 of 2 rows rejected (50.0 %)" in str(
        failed.get_step_failure_events()[0].event_specific_data
    )
    shop.put("customers_2.csv", BERT)
    assert shop.run("shop__run_now").success
    assert (shop.server.folder / "out" / "vip.csv").exists()


def test_in_one_run_what_comes_after_a_check_that_blocks_is_not_made(shop: World) -> None:
    with_checks(shop, customers={"reject_rate": {"above": 10, "blocks": True}})
    shop.put("customers_1.csv", ANNA, WRONG)
    shop.add_partitions("1")
    job = shop.definitions.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(["shop", "customers"]), dg.AssetKey("profiles")]
    ran = job.execute_in_process(
        QUIET, instance=shop.instance, raise_on_error=False, partition_key="1", asset_selection=keys
    )
    assert not ran.success
    assert shop.materializations("shop/customers")
    assert not shop.materializations("profiles")


def test_the_sensor_tells_once_and_again_when_something_changed(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with_checks(shop, customers={"missing_file": {"within_days": 2}})
    bring(shop, 1, ANNA, WRONG)
    told = {(event.check_name, event.passed) for event in shop.tick("checks").asset_events}
    assert told == {("unique_identifiers", True), ("reject_rate", False), ("missing_file", True)}
    assert shop.tick("checks").asset_events == []
    at(monkeypatch, GONE)
    assert [event.check_name for event in shop.tick("checks").asset_events] == ["missing_file"]


def test_figures_and_words_hold_nobody(shop: World) -> None:
    with_checks(shop, customers={"volume": {"below": 50}, "missing_file": {"within_days": 2}})
    shop.put("customers_1.csv", HEADER, ANNA, WRONG)
    assert shop.run("shop__run_now").success
    for event in shop.tick("checks").asset_events:
        assert "anna" not in repr(event)
