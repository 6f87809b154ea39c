"""The check of `profiles`: run when it is asked for by itself, and at no other time."""

from __future__ import annotations

import dagster as dg

from cdp_assets.assets.replay_check import REPLAY_CHECK
from cdp_assets.assets.runtime import data_folders
from cdp_assets.assets.sensors import FOLD_JOB
from cdp_assets.assets.specs import PROFILES_KEY
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import open_warehouse
from cdp_assets_tests.assets.world import ANNA, BERT, QUIET, World

KEY = dg.AssetCheckKey(PROFILES_KEY, REPLAY_CHECK)


def imported(shop: World) -> None:
    shop.put("customers_1.csv", ANNA, BERT)
    for key, partition in (("shop/files", None), ("shop/customers", "1"), ("profiles", None)):
        if partition:
            shop.add_partitions(partition)
        assert shop.materialize(key, partition).success


def checked(shop: World, *assets: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """Runs the check by itself, or with assets as the page does that materialises them."""
    job = shop.definitions.resolve_implicit_global_asset_job_def()
    chosen = job.get_subset(asset_selection=set(assets) or None, asset_check_selection={KEY})
    return chosen.execute_in_process(QUIET, instance=shop.instance)


def test_it_shows_that_a_replay_gives_the_same(shop: World) -> None:
    imported(shop)
    (told,) = checked(shop).get_asset_check_evaluations()
    assert (told.passed, told.description) == (True, "A replay gives the same warehouse.")
    shown = [(row.data["table"], row.data["rows"], row.data["the same"]) for row in told.metadata["compared"].records]
    assert {entry for entry in shown if entry[1]} == {
        ("profiles", 2, "yes"),
        ("identifiers", 2, "yes"),
        ("imported_profiles", 2, "yes"),
    }
    empty = {table for table, rows, same in shown if (rows, same) == (0, "yes")}
    assert {"goal_rows", "replaced_profiles", "consents"} <= empty
    assert len(shown) == len(empty) + 3


def test_it_fails_with_the_tables_that_differ(shop: World) -> None:
    imported(shop)
    with open_warehouse(data_folders().warehouse) as database:
        database.run(Sql("UPDATE main.profiles SET city = 'Nowhere'"))
    (told,) = checked(shop).get_asset_check_evaluations()
    assert (told.passed, told.description) == (False, "A replay gives other rows in: profiles.")


def test_it_does_nothing_in_a_run_that_materialises_profiles(shop: World) -> None:
    imported(shop)
    run = checked(shop, PROFILES_KEY)
    assert run.success
    assert run.get_asset_check_evaluations() == []


def test_the_run_that_the_sensor_asks_for_leaves_it_out(shop: World) -> None:
    run = shop.run(FOLD_JOB)
    assert run.success
    assert [event.step_key for event in run.all_events if event.is_step_start] == ["fold"]
