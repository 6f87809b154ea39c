"""The fold's sensor, ticked by hand."""

from __future__ import annotations

import os
import shutil

import dagster as dg
import pytest

from cdp_assets.assets import sensors
from cdp_assets.assets.runtime import data_folders
from cdp_assets.flows.folders import staging_folder
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import read_copy
from cdp_assets_tests.assets.world import ANNA, BERT, World, definitions

SENSOR = "fold_waiting_batches"


@pytest.fixture
def landed(shop: World) -> World:
    """One batch waits."""
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__land_arrivals").success
    return shop


def reason(shop: World) -> str:
    result = shop.tick(SENSOR)
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


def test_nothing_is_requested_while_no_batch_waits(shop: World) -> None:
    assert reason(shop) == "no batch is waiting"


def test_a_batch_that_waits_is_folded(landed: World) -> None:
    (request,) = landed.requested(SENSOR)
    assert request.run_key.startswith("fold:")
    assert landed.run("fold_profiles").success
    assert landed.rows("SELECT city FROM main.profiles") == [("Delft",)]
    assert reason(landed) == "no batch is waiting"


def test_what_came_too_soon_after_a_copy_for_readers_is_added_when_it_is_old_enough(landed: World) -> None:
    def there() -> int:
        with read_copy(folders.published) as database:
            return int(database.row(Sql("SELECT count(*) FROM main.profiles"))[0])

    folders = data_folders()
    model = landed.deployment.model.model_copy(update={"publish_every_s": 300})
    landed.deployment = landed.deployment.model_copy(update={"model": model})
    landed.definitions = definitions(landed.deployment)
    assert landed.run("fold_profiles").success
    landed.put("customers_2.csv", BERT)
    assert landed.run("shop__land_arrivals").success
    assert landed.run("fold_profiles").success
    assert (there(), reason(landed)) == (1, "no batch is waiting")
    written = folders.published.stat().st_mtime
    os.utime(folders.published, (written - 301, written - 301))
    assert reason(landed) == "no batch is waiting; the copy for readers was renewed"
    assert (there(), reason(landed)) == (2, "no batch is waiting")


def test_the_fold_waits_for_a_landing_under_way(landed: World) -> None:
    with staging_folder(data_folders()):
        assert reason(landed) == "1 batch: the fold waits, as others are landing"
    assert len(landed.requested(SENSOR)) == 1


def test_a_landing_does_not_hold_up_the_fold_for_ever(landed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensors, "LONGEST_WAIT_S", 0)
    with staging_folder(data_folders()):
        assert len(landed.requested(SENSOR)) == 1


@pytest.mark.parametrize(
    ("job", "told"),
    [("fold_profiles", "a fold is under way"), ("shop__run_now", "a run under way will fold them")],
)
def test_the_fold_waits_for_runs_that_fold_anyway(landed: World, job: str, told: str) -> None:
    found = landed.definitions.resolve_job_def(job)
    run = landed.instance.create_run_for_job(found, status=dg.DagsterRunStatus.STARTED, tags=found.run_tags)
    assert reason(landed) == f"1 batch: the fold waits, as {told}"
    landed.instance.delete_run(run.run_id)
    assert len(landed.requested(SENSOR)) == 1


@pytest.fixture
def queued(landed: World) -> dg.DagsterRun:
    """A run of a backfill that waits for its turn while another one has landed its files."""
    job = landed.definitions.resolve_implicit_global_asset_job_def()
    return landed.instance.create_run_for_job(
        job,
        status=dg.DagsterRunStatus.NOT_STARTED,
        asset_selection=frozenset({dg.AssetKey(["shop", "customers"])}),
        tags={"dagster/backfill": "abc"},
    )


def test_the_fold_waits_for_the_rest_of_a_backfill(landed: World, queued: dg.DagsterRun) -> None:
    assert reason(landed) == "1 batch: the fold waits, as others are landing"
    landed.instance.delete_run(queued.run_id)
    assert len(landed.requested(SENSOR)) == 1


def test_the_fold_waits_longer_for_a_backfill_than_for_arrivals(
    landed: World, queued: dg.DagsterRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensors, "LONGEST_WAIT_S", 0)
    assert reason(landed) == "1 batch: the fold waits, as others are landing"
    monkeypatch.setattr(sensors, "LONGEST_BACKFILL_S", 0)
    assert len(landed.requested(SENSOR)) == 1


def test_the_same_batches_are_tried_three_times_at_most(landed: World) -> None:
    keys = {landed.requested(SENSOR)[0].run_key for _ in range(3)}
    assert len(keys) == 3
    assert reason(landed) == "the fold of 1 batch failed 3 times; see its runs"


def test_a_further_batch_starts_the_count_anew(landed: World) -> None:
    for _ in range(3):
        landed.requested(SENSOR)
    landed.put("customers_2.csv", BERT)
    assert landed.run("shop__land_arrivals").success
    assert len(landed.requested(SENSOR)) == 1


def test_a_warehouse_that_was_removed_is_folded_again(landed: World) -> None:
    """The same batches wait as before, and Dagster never runs a run key twice."""
    (first,) = landed.requested(SENSOR)
    assert landed.run("fold_profiles").success
    shutil.rmtree(data_folders().warehouse.parent)
    (second,) = landed.requested(SENSOR)
    assert first.run_key != second.run_key
