"""The run-now jobs: a connection or a goal in one click, and what they record on the assets."""

from __future__ import annotations

import dagster as dg

from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.model import CustomerModelConfig, complete_deployment
from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, VIP_LIST, VISITS, World, definitions, told

ASSETS = ("shop/customers", "profiles", "shop/done", "segments/vip", "shop/vip_list")


def counts(shop: World) -> dict[str, int]:
    """How often each asset was materialised."""
    return {key: len(shop.materializations(key)) for key in ASSETS}


def steps(run: dg.ExecuteInProcessResult) -> list[str]:
    return [str(event.step_key) for event in run.all_events if event.is_step_success]


def test_one_click_takes_a_connection_the_whole_way(shop: World) -> None:
    shop.put("customers_1.csv", ANNA, BERT)
    run = shop.run("shop__run_now")
    assert run.success
    assert steps(run) == ["land", "fold", "done", "select", "deliver", "refused_files"]
    assert counts(shop) == dict.fromkeys(ASSETS, 1)
    assert (shop.server.folder / "in" / "customers_1.csv.done").exists()
    assert (shop.server.folder / "out" / "vip.csv").exists()
    assert shop.partitions() == ["1"]


def test_a_run_makes_the_checks_of_what_it_landed_and_delivered(shop: World) -> None:
    """Otherwise the page shows a check that never ran, until somebody switches the sensor on."""
    shop.put("customers_1.csv", ANNA, BERT)
    made = shop.run("shop__run_now").get_asset_check_evaluations()
    assert [(item.asset_key.to_user_string(), item.check_name, item.passed) for item in made] == [
        ("shop/customers", "reject_rate", True),
        ("shop/vip_list", "complete", True),
    ]


def test_a_goal_without_a_file_is_told_in_the_log_and_is_no_failure(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS, VISITS, VIP_LIST])
    run = shop.run("shop__run_now")
    assert run.success
    told_of = [entry.user_message for entry in shop.instance.all_logs(run.run_id)]
    assert "customers: No files matched customers_*.csv" in told_of
    assert "visits: File not found: visits.csv" in told_of


def test_the_partition_tells_the_same_as_after_a_click_on_it(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__run_now").success
    (landing,), (fold,) = shop.materializations("shop/customers"), shop.observations("shop/customers")
    assert (landing.partition, told(landing)["rows received"]) == ("1", 1)
    assert (fold.partition, told(fold)["rows created"]) == ("1", 1)


def test_a_second_click_with_nothing_new_delivers_nothing_new(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__run_now").success
    assert shop.run("shop__run_now").success
    after = counts(shop)
    assert (after["shop/customers"], after["profiles"]) == (1, 1)
    note = told(shop.materializations("shop/vip_list")[0])["note"]
    assert note == "every member was delivered before with the same properties; no file was written"


def test_one_import_goal_leaves_the_other_goals_files_alone(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS, VISITS, VIP_LIST])
    shop.put("customers_1.csv", ANNA)
    shop.put("visits.csv", ANNA)
    run = shop.run("shop__customers__run_now")
    assert (run.success, steps(run)) == (True, ["land", "fold", "done", "refused_files"])
    assert sorted(path.name for path in (shop.server.folder / "in").iterdir()) == ["customers_1.csv.done", "visits.csv"]
    assert not shop.materializations("shop/visits")
    assert not list((shop.server.folder / "out").iterdir())


def test_one_export_goal_selects_and_delivers(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__customers__run_now").success
    run = shop.run("shop__vip_list__run_now")
    assert (run.success, steps(run)) == (True, ["select", "deliver"])
    assert (shop.server.folder / "out" / "vip.csv").exists()


def test_a_refused_file_fails_the_run_after_everything_else_went_on(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    (shop.server.folder / "in" / "customers_2.csv").write_text("no such column\nx\n")
    run = shop.run("shop__run_now")
    assert (run.success, steps(run)) == (False, ["land", "fold", "done", "select", "deliver"])
    assert (shop.server.folder / "out" / "vip.csv").exists()
    states = {event.partition: told(event)["state"] for event in shop.observations("shop/customers")}
    assert states == {"1": "folded", "2": "refused"}
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    beside = failure.step_failure_data.user_failure_data
    assert (failure.step_key, list(beside.metadata)) == ("refused_files", ["files refused", "stack trace"])
    assert "customers: customers_2.csv: " in beside.description


def test_the_page_shows_the_partition_of_a_refused_file_as_failed_until_it_is_mended(shop: World) -> None:
    """Missing would tell that nothing came."""
    shop.put("customers_1.csv", ANNA)
    path = shop.server.folder / "in" / "customers_2.csv"
    path.write_text("no such column\nx\n")
    shop.run("shop__run_now")
    assert shop.statuses("shop/customers", "1", "2") == {"1": "MATERIALIZED", "2": "FAILED"}
    path.unlink()
    shop.put("customers_2.csv", BERT)
    assert shop.run("shop__run_now").success
    assert shop.statuses("shop/customers", "1", "2") == {"1": "MATERIALIZED", "2": "MATERIALIZED"}


def test_an_export_that_fails_does_not_stop_the_next(shop: World) -> None:
    nowhere = VIP_LIST | {"name": "lost_list", "directory": "no/such/folder"}
    shop.set_up(goals=[CUSTOMERS, nowhere, VIP_LIST])
    (shop.server.folder / "no").write_text("a file, not a folder")
    shop.put("customers_1.csv", ANNA)
    assert not shop.run("shop__run_now").success
    assert (shop.server.folder / "out" / "vip.csv").exists()


def test_runs_of_one_connection_queue_behind_each_other(shop: World) -> None:
    for name in ("shop__run_now", "shop__land_arrivals", "shop__customers__run_now", "shop__vip_list__run_now"):
        pools = {node.definition.pool for node in shop.definitions.resolve_job_def(name).graph.nodes}
        assert "connection_shop" in pools, name


def test_dagster_can_tell_when_what_a_job_landed_is_outdated(shop: World) -> None:
    """It looks at the tags it puts itself on what an asset's own op makes."""
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__run_now").success
    assert shop.materialize("shop/customers", "1").success
    by_click, by_job = (event.tags for event in shop.materializations("shop/customers"))
    own = {name: value for name, value in by_click.items() if name.startswith(("dagster/code", "dagster/input_data"))}
    assert len(own) == 2
    assert own.items() <= by_job.items()
    assert "dagster/input_event_pointer/shop/files" in by_click.keys() & by_job.keys()


def test_a_refused_file_does_not_make_the_profiles_look_outdated(shop: World) -> None:
    """Dagster asks the tags which landings were there when the profiles were made, and which batches they were."""
    shop.put("customers_1.csv", ANNA)
    (shop.server.folder / "in" / "customers_2.csv").write_text("no such column\nx\n")
    shop.run("shop__run_now")
    assert shop.materialize("profiles").success
    by_click, by_job = (event.tags for event in shop.materializations("profiles"))
    own = {name for name in by_click if name.startswith("dagster/input")}
    assert len(own) == 2
    assert own <= by_job.keys()
    pointer = "dagster/input_event_pointer/shop/customers"
    assert by_job[pointer] == by_click[pointer]
    (batch,) = shop.rows("SELECT batch_id FROM ops.batches")
    assert shop.materializations("shop/customers")[0].tags["dagster/data_version"] == batch[0]


def test_a_click_on_drop_folders_renews_the_list(shop: World) -> None:
    properties = [{"name": name} for name in ("email", "phone_number", "external_id")]
    model = CustomerModelConfig.model_validate({"properties": [*properties, {"name": "custom", "type": "json"}]})
    shop.set_up()
    folders = DropFolders(name="shop", server=shop.connection.server)
    shop.deployment = complete_deployment(model, [folders.connection])
    shop.definitions = definitions(shop.deployment)
    for name, text in {"profiles": "Email\na@x.com\n", "events": "Metric name\nBought\n"}.items():
        (shop.server.folder / name).mkdir()
        (shop.server.folder / name / f"{name}.csv").write_text(text)
    shop.run("shop__run_now")
    (made,) = shop.materializations("shop/recent_imports")
    assert made.metadata is not None
    records = [record.data for record in made.metadata["recent imports"].value.records]
    results = {record["file"]: str(record["result"]) for record in records}
    assert results["profiles / profiles.csv"] == "completed: 1 row: 1 created"
    assert results["events / events.csv"].startswith("failed: ")
