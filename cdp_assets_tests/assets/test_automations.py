"""Which sensors, schedules and jobs a connection has, and whether they start switched on."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from cdp_assets.errors import ConfigError
from cdp_assets_tests.assets.world import CUSTOMERS, VIP_LIST, connection, definitions, deployment

TWICE_A_WEEK = {"days_of_week": ["mon", "thu"], "at": "06:30", "timezone": "Europe/Amsterdam"}
JOBS = {"shop__run_now", "shop__land_arrivals", "shop__customers__run_now", "shop__vip_list__run_now", "fold_profiles"}
ALWAYS = {"fold_waiting_batches", "after_each_fold", "checks"}


def loaded(**changes: Any) -> dg.Definitions:
    return definitions(deployment(connection(**changes)))


def names(items: Any) -> set[str]:
    return {item.name for item in items or ()}


def conditions(found: dg.Definitions) -> set[str]:
    return {
        spec.key.to_user_string() for spec in found.resolve_all_asset_specs() if spec.automation_condition is not None
    }


@pytest.mark.parametrize(
    ("changes", "sensors", "schedules", "follow"),
    [
        ({}, {"shop__arrivals"}, set(), {"shop/done", "shop/vip_list"}),
        ({"run": "arrival"}, {"shop__arrivals"}, set(), {"shop/done", "shop/vip_list"}),
        ({"run": "arrival", "schedule": TWICE_A_WEEK}, {"shop__arrivals"}, set(), {"shop/done", "shop/vip_list"}),
        ({"schedule": TWICE_A_WEEK}, set(), {"shop__schedule"}, {"shop/done"}),
        ({"run": "schedule", "schedule": TWICE_A_WEEK}, set(), {"shop__schedule"}, {"shop/done"}),
        ({"run": "manual"}, set(), set(), set()),
        ({"run": "manual", "schedule": TWICE_A_WEEK}, set(), set(), set()),
        ({"goals": [VIP_LIST]}, set(), set(), {"shop/done", "shop/vip_list"}),
    ],
)
def test_how_a_connection_runs_decides_what_starts_it(
    changes: dict[str, Any], sensors: set[str], schedules: set[str], follow: set[str]
) -> None:
    found = loaded(**changes)
    assert names(found.sensors) == ALWAYS | sensors
    assert names(found.schedules) == schedules
    assert conditions(found) == {"segments/vip", "segments/nowhere"} | follow


@pytest.mark.parametrize(
    ("changes", "customers", "vip_list"),
    [
        ({}, "when files arrive, by shop__arrivals under Automation", "after the profiles have changed, by after_each"),
        ({"schedule": TWICE_A_WEEK}, "on Mon, Thu at 06:30 (Europe/Amsterdam), by shop__schedule under Automation", ""),
        ({"run": "manual"}, "by hand: shop__run_now under Jobs", ""),
        ({"enabled": False}, "never: the connection is switched off (enabled: false)", ""),
        (
            {"goals": [{**CUSTOMERS, "active": False}, VIP_LIST]},
            "never: the goal is switched off",
            "after the profiles",
        ),
    ],
)
def test_the_page_of_a_goal_tells_what_starts_it(changes: dict[str, Any], customers: str, vip_list: str) -> None:
    found = {spec.key.to_user_string(): spec.metadata for spec in loaded(**changes).resolve_all_asset_specs()}
    assert str(found["shop/customers"]["runs"]).startswith(customers)
    assert str(found["shop/vip_list"]["runs"]).startswith(vip_list or customers)


def test_every_active_goal_can_be_run_by_hand() -> None:
    assert names(loaded(run="manual").jobs) == JOBS


def test_a_connection_that_is_switched_off_keeps_its_assets_only() -> None:
    found = loaded(enabled=False, schedule=TWICE_A_WEEK)
    assert (names(found.sensors), names(found.schedules), names(found.jobs)) == (ALWAYS, set(), {"fold_profiles"})
    assert conditions(found) == {"segments/vip", "segments/nowhere"}
    assert {"shop/customers", "shop/vip_list"} <= {
        spec.key.to_user_string() for spec in found.resolve_all_asset_specs()
    }


def test_a_goal_that_is_not_active_keeps_its_asset_only() -> None:
    found = loaded(goals=[CUSTOMERS | {"active": False}, VIP_LIST | {"active": False}])
    assert names(found.jobs) == {"shop__run_now", "shop__land_arrivals", "fold_profiles"}
    assert names(found.sensors) == ALWAYS
    assert "shop/vip_list" not in conditions(found)


@pytest.mark.parametrize(
    ("schedule", "cron", "zone"),
    [
        (TWICE_A_WEEK, "30 6 * * mon,thu", "Europe/Amsterdam"),
        ({"times_per_day": 1}, "0 0 * * *", "UTC"),
        ({"times_per_day": 4, "timezone": "Asia/Tokyo"}, "0 */6 * * *", "Asia/Tokyo"),
        ({"times_per_day": 24}, "0 */1 * * *", "UTC"),
    ],
)
def test_a_schedule_obeys_the_clock_of_its_zone(schedule: dict[str, Any], cron: str, zone: str) -> None:
    (found,) = loaded(schedule=schedule).schedules or ()
    assert (found.cron_schedule, found.execution_timezone, found.job_name) == (cron, zone, "shop__run_now")


@pytest.mark.parametrize(("start", "status"), [(None, "RUNNING"), ("stopped", "STOPPED"), ("running", "RUNNING")])
def test_everything_starts_switched_on_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, start: str | None, status: str
) -> None:
    monkeypatch.delenv("CDP_START", raising=False)
    if start is not None:
        monkeypatch.setenv("CDP_START", start)
    both = [connection("shop"), connection("outlet", schedule=TWICE_A_WEEK)]
    found = definitions(deployment(*both))
    automations = [*(found.sensors or ()), *(found.schedules or ())]
    assert {item.default_status.value for item in automations} == {status}
    assert len(automations) == 5


def test_the_variable_sets_the_interval_of_every_sensor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {item.minimum_interval_seconds for item in loaded().sensors or ()} == {15, 30, 60}
    monkeypatch.setenv("CDP_SENSOR_INTERVAL_S", "2")
    assert {item.minimum_interval_seconds for item in loaded().sensors or ()} == {2}


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "soon", "²"])
def test_an_interval_that_is_no_number_of_seconds_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("CDP_SENSOR_INTERVAL_S", text)
    with pytest.raises(ConfigError, match=r"CDP_SENSOR_INTERVAL_S is '.*'; it must be whole seconds, 1 or more"):
        loaded()
