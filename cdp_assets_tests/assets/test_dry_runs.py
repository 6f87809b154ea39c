"""`dry_run: true` in a run's config: observations only, and every later step is skipped."""

from __future__ import annotations

import dagster as dg
import pytest

from cdp_assets.assets.runtime import data_folders
from cdp_assets_tests.assets.test_run_now import counts
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, QUIET, VIP_LIST, World, told

BAD = "no-address,Ede,1\n"


def server(shop: World) -> dict[str, bytes]:
    files = [path for path in shop.server.folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(shop.server.folder)): path.read_bytes() for path in files}


def data() -> set[str]:
    root = data_folders().root
    files = [path for path in root.rglob("*") if path.is_file() and path.suffix not in {".lock", ".holder"}]
    return {str(path.relative_to(root)) for path in files}


def configured(step: str) -> dict[str, object]:
    return {"ops": {step: {"config": {"dry_run": True}}}}


def skipped(run: dg.ExecuteInProcessResult) -> list[str]:
    return [str(event.step_key) for event in run.all_events if event.is_step_skipped]


@pytest.mark.parametrize(
    ("job", "later"),
    [
        ("shop__run_now", ["fold", "done", "select", "deliver", "refused_files"]),
        ("shop__customers__run_now", ["fold", "done", "refused_files"]),
        ("shop__land_arrivals", ["refused_files"]),
    ],
)
def test_a_dry_run_of_a_job_records_observations_only(shop: World, job: str, later: list[str]) -> None:
    shop.put("customers_1.csv", ANNA, BERT, BAD)
    before = server(shop)
    run = shop.run(job, configured("land"))
    assert run.success
    assert skipped(run) == later
    assert not any(counts(shop).values())
    assert (server(shop), data(), shop.partitions()) == (before, set(), [])
    (event,) = shop.observations("shop/customers")
    facts = told(event)
    assert (event.partition, facts["dry run: state"]) == ("1", "would be imported")
    assert [facts[f"dry run: rows {name}"] for name in ("received", "created", "rejected")] == [3, 2, 1]


def test_every_label_says_that_it_was_a_dry_run_and_no_text_is_shown(shop: World) -> None:
    shop.put("customers_1.csv", ANNA, BAD)
    assert shop.run("shop__run_now", configured("land")).success
    (event,) = shop.observations("shop/customers")
    assert all(label.startswith("dry run: ") for label in event.metadata)
    assert "no-address" not in repr(event)


def test_a_dry_run_fails_where_the_run_in_earnest_would(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    (shop.server.folder / "in" / "customers_2.csv").write_text("no such column\nx\n")
    run = shop.run("shop__run_now", configured("land"))
    assert not run.success
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    assert str(failure.step_failure_data.user_failure_data.description).startswith(
        "dry run: 1 file would be refused.\ncustomers: customers_2.csv: "
    )
    states = {event.partition: told(event)["dry run: state"] for event in shop.observations("shop/customers")}
    assert states == {"1": "would be imported", "2": "would be refused"}


def tried(shop: World, *assets: str) -> dg.ExecuteInProcessResult:
    """A dry run of partition 1 of the customers, and of what else is selected."""
    job = shop.definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        configured("shop__customers") | QUIET,
        instance=shop.instance,
        partition_key="1",
        asset_selection=[dg.AssetKey(asset.split("/")) for asset in assets],
    )


def test_a_partition_is_tried_without_being_materialised(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    shop.add_partitions("1")
    run = tried(shop, "shop/customers")
    assert run.success
    assert (shop.materializations("shop/customers"), data()) == ([], set())
    (event,) = shop.observations("shop/customers")
    assert (event.partition, told(event)["dry run: rows created"]) == ("1", 1)


def test_the_run_in_earnest_after_it_is_as_if_it_had_not_been(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS, VIP_LIST])
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__run_now", configured("land")).success
    assert shop.run("shop__run_now").success
    assert shop.rows("SELECT rows_created FROM ops.batches") == [(1,)]
    assert shop.partitions() == ["1"]


def test_what_is_made_of_a_partition_in_the_same_run_is_skipped_too(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    shop.add_partitions("1")
    run = tried(shop, "shop/customers", "profiles", "shop/done")
    checks = ["shop__customers_reject_rate", "profiles__equals_replay", "profiles_unique_identifiers"]
    assert (run.success, skipped(run), data()) == (True, ["fold", *checks, "shop__done"], set())
