"""What commands change in the warehouse is told on the web page by the next fold, which the fold's sensor asks for."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest

from cdp_assets.assets.runtime import data_folders
from cdp_assets.config.model import batch_config
from cdp_assets.flows.erase_profiles import erase
from cdp_assets.flows.find_erased import Asked
from cdp_assets.flows.import_files import reland_versions
from cdp_assets.flows.land_files import current_versions
from cdp_assets.flows.run_connection import fold_and_publish
from cdp_assets.flows.withdrawals import reinstate, versions_of, withdraw
from cdp_assets_tests.assets.test_after_each_fold import Ticks
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, VIP_LIST, World, told

SENSOR = "fold_waiting_batches"
AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
CARL = "carl@example.com,Ede,700\n"


@pytest.fixture
def folded(shop: World) -> World:
    """Two files are in, and everything was told."""
    shop.put("customers_1.csv", ANNA, at=1_700_000_000)
    shop.put("customers_2.csv", BERT, CARL, at=1_700_000_100)
    assert shop.run("shop__land_arrivals").success
    assert shop.run("fold_profiles").success
    assert shop.requested(SENSOR) == []
    return shop


def versions(shop: World, partition: str):
    return versions_of(data_folders(), "shop", shop.connection.imports[0], [partition])


def fold(shop: World) -> None:
    """As commands do, without any run."""
    fold_and_publish(shop.deployment.model, data_folders(), AT, at_once=True)


def withdraw_second(shop: World) -> None:
    withdraw(data_folders(), versions(shop, "2"), AT, "sent by mistake")
    fold(shop)


def seen(shop: World, partition: str) -> dict[str, object]:
    """What the page of a partition tells last."""
    return next(told(event) for event in shop.observations("shop/customers") if event.partition == partition)


def profiles(shop: World) -> int:
    return told(shop.materializations("profiles")[0])["dagster/row_count"]


@pytest.mark.parametrize("job", ["fold_profiles", "shop__run_now"])
def test_a_withdrawal_and_its_undoing_are_told(folded: World, job: str) -> None:
    assert (seen(folded, "2")["state"], profiles(folded)) == ("folded", 3)
    withdraw_second(folded)
    assert len(folded.requested(SENSOR)) == 1
    assert folded.run(job).success
    after = seen(folded, "2")
    assert (after["state"], after["note"]) == ("withdrawn", "withdrawn on 2026-11-20 08:30: sent by mistake")
    assert (seen(folded, "1")["state"], profiles(folded)) == ("folded", 1)
    assert folded.requested(SENSOR) == []
    reinstate(data_folders(), versions(folded, "2"))
    fold(folded)
    assert len(folded.requested(SENSOR)) == 1
    assert folded.run(job).success
    again = seen(folded, "2")
    assert (again["state"], again["note"], profiles(folded)) == ("folded", "its rows are in the profiles", 3)
    assert folded.requested(SENSOR) == []


def test_an_erasure_is_told_with_what_the_rows_do_without_the_person(folded: World) -> None:
    erase(folded.deployment.model, data_folders(), [Asked("carl@example.com", None)], AT)
    assert len(folded.requested(SENSOR)) == 1
    assert folded.run("fold_profiles").success
    after = seen(folded, "2")
    assert (after["rows received"], after["rows created"], after["rows excluded: erased"]) == (2, 1, 1)
    assert profiles(folded) == 2
    assert "carl" not in repr(after)
    assert folded.requested(SENSOR) == []


def test_files_landed_anew_by_command_are_told_as_folded(folded: World) -> None:
    by_file = CUSTOMERS | {"mappings": [CUSTOMERS["mappings"][1]]}
    folded.set_up(goals=[by_file, VIP_LIST])
    config = batch_config(folded.deployment, folded.connection, folded.connection.imports[0])
    reland_versions(config, current_versions(data_folders(), "shop", "customers"), data_folders(), AT)
    fold(folded)
    before = len(folded.observations("shop/customers"))
    assert len(folded.requested(SENSOR)) == 1
    assert folded.run("fold_profiles").success
    assert len(folded.observations("shop/customers")) == before + 2
    assert (seen(folded, "1")["state"], seen(folded, "2")["state"]) == ("folded", "folded")
    assert folded.requested(SENSOR) == []


def test_segments_and_exports_follow_what_a_command_changed(folded: World) -> None:
    assert folded.run("shop__run_now").success
    ticks = Ticks(folded)
    withdraw_second(folded)
    assert ticks.next() == set()
    assert folded.run("fold_profiles").success
    assert {"segments/vip", "shop/vip_list"} <= ticks.next()


def test_a_run_that_finds_nothing_told_otherwise_tells_nothing(folded: World) -> None:
    before = len(folded.observations("shop/customers")), len(folded.materializations("profiles"))
    assert folded.run("shop__run_now").success
    assert (len(folded.observations("shop/customers")), len(folded.materializations("profiles"))) == before


def test_a_fold_that_cannot_tell_is_asked_for_three_times_at_most(folded: World) -> None:
    withdraw_second(folded)
    assert all(len(folded.requested(SENSOR)) == 1 for _ in range(3))
    result = folded.tick(SENSOR)
    assert isinstance(result, dg.SkipReason)
    assert "failed 3 times" in (result.skip_message or "")
