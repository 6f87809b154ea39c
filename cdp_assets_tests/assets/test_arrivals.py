"""The arrivals sensor, ticked by hand against a real server."""

from __future__ import annotations

import json

import dagster as dg

from cdp_assets.assets import sensors
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, VISITS, World

SENSOR = "shop__arrivals"


def reason(shop: World) -> str:
    """Why a tick asked for nothing."""
    result = shop.tick(SENSOR)
    found = result.skip_reason if isinstance(result, dg.SensorResult) else result
    assert found is not None
    return (found.skip_message if isinstance(found, dg.SkipReason) else found) or ""


def land(shop: World) -> dg.ExecuteInProcessResult:
    """What the next two ticks ask for, run."""
    shop.requested(SENSOR)
    (request,) = shop.requested(SENSOR)
    return shop.run("shop__land_arrivals", dict(request.run_config))


def test_an_empty_server_has_no_new_files(shop: World) -> None:
    assert reason(shop) == "no new files"


def test_a_new_file_is_requested_once_it_stood_still_for_two_looks(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    assert reason(shop) == "1 new file: waiting for them to stand still"
    (request,) = shop.requested(SENSOR)
    assert request.tags["cdp/files"] == "1"
    assert reason(shop) == "1 new file: requested already"


def test_a_file_that_changed_between_two_looks_waits_for_the_next(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    assert not shop.requested(SENSOR)
    shop.put("customers_1.csv", ANNA, BERT)
    assert not shop.requested(SENSOR)
    assert len(shop.requested(SENSOR)) == 1


def test_a_landing_takes_no_file_that_is_still_being_written(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    shop.requested(SENSOR)
    shop.put("customers_2.csv", BERT)
    (request,) = shop.requested(SENSOR)
    assert shop.run("shop__land_arrivals", dict(request.run_config)).success
    assert [event.partition for event in shop.materializations("shop/customers")] == ["1"]
    (second,) = shop.requested(SENSOR)
    assert second.run_config != request.run_config


def test_what_is_landed_is_not_new_any_more(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    assert land(shop).success
    assert reason(shop) == "no new files"


def test_partitions_are_added_in_the_order_people_count(shop: World) -> None:
    for name in ("customers_10.csv", "customers_9.csv", "customers_2.csv"):
        shop.put(name, ANNA)
    shop.tick(SENSOR)
    assert shop.partitions() == ["2", "9", "10"]


def test_a_server_that_cannot_be_reached_is_a_skipped_tick_with_the_reason(shop: World) -> None:
    shop.server.stop()
    result = shop.tick(SENSOR)
    assert isinstance(result, dg.SkipReason)
    assert f"127.0.0.1:{shop.server.port}" in (result.skip_message or "")


def test_a_missing_secret_is_a_skipped_tick_with_the_reason(shop: World) -> None:
    shop.server.password_file.unlink()
    assert "password cannot be read" in reason(shop)


def test_a_missing_directory_is_a_skipped_tick_with_the_reason(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS | {"files": {"directory": "inbox", "root": "customers_*.csv"}}])
    assert "inbox" in reason(shop)


def test_a_refused_file_is_not_requested_again_and_keeps_nobody_waiting(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    (shop.server.folder / "in" / "customers_2.csv").write_text("no such column\nx\n")
    run = land(shop)
    assert not run.success
    assert [event.partition for event in shop.materializations("shop/customers")] == ["1"]
    assert reason(shop) == "no new files"
    shop.put("customers_3.csv", BERT)
    assert land(shop).success
    assert shop.materializations("shop/customers")[0].partition == "3"


def test_a_refused_file_is_requested_again_when_it_changed(shop: World) -> None:
    (shop.server.folder / "in" / "customers_2.csv").write_text("no such column\nx\n")
    assert not land(shop).success
    shop.put("customers_2.csv", ANNA)
    assert land(shop).success


def test_a_request_that_led_to_nothing_is_made_again_a_few_times(shop: World, monkeypatch) -> None:
    monkeypatch.setattr(sensors, "REQUEST_AGAIN_S", 0)
    shop.put("customers_1.csv", ANNA)
    shop.requested(SENSOR)
    keys = {shop.requested(SENSOR)[0].run_key for _ in range(sensors.MAX_ATTEMPTS)}
    assert len(keys) == sensors.MAX_ATTEMPTS
    assert reason(shop) == "1 new file: requested 3 times in vain; see the runs"


def test_the_same_delivery_a_second_time_has_another_run_key(shop: World) -> None:
    """Dagster never runs a run key twice, and a file that came back has the same name, size and time."""
    path = shop.put("customers_1.csv", ANNA)
    shop.requested(SENSOR)
    (first,) = shop.requested(SENSOR)
    path.rename(shop.server.folder / "away")
    shop.requested(SENSOR)
    (shop.server.folder / "away").rename(path)
    shop.requested(SENSOR)
    (second,) = shop.requested(SENSOR)
    assert first.run_config == second.run_config
    assert first.run_key != second.run_key


def test_the_cursor_holds_only_what_is_new(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    assert land(shop).success
    shop.tick(SENSOR)
    cursor = json.loads(shop.cursors[SENSOR] or "")
    assert (cursor["seen"], cursor["asked"]) == ([], {})


def test_one_look_serves_all_goals_of_a_connection(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS, VISITS])
    shop.put("customers_1.csv", ANNA)
    shop.put("visits.csv", ANNA)
    assert land(shop).success
    assert [event.partition for event in shop.materializations("shop/visits")] == [None]
    assert len(shop.materializations("shop/customers")) == 1


def test_a_goal_whose_directory_is_missing_keeps_no_other_waiting(shop: World) -> None:
    lost = CUSTOMERS | {"name": "lost", "files": CUSTOMERS["files"] | {"directory": "lost"}}
    shop.set_up(goals=[CUSTOMERS, lost])
    shop.put("customers_1.csv", ANNA)
    assert "Directory not found: lost (files.directory of lost; " in reason(shop)
    assert len(shop.requested(SENSOR)) == 1
