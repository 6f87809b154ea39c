"""`dev` and the page it serves, in a folder that holds nothing of this project, as after installing it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp_assets_tests.assets.web import Dev, running_dev, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

AUTOMATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  ... on RepositoryLocation { repositories {
    sensors { name description sensorState { status } } jobs { name description } } } } } } } }"""
PARTITION = """query($key: [AssetKeyInput!], $partitions: [String!]) { assetNodes(assetKeys: $key) {
  staleStatusByPartition(partitions: $partitions)
  assetMaterializations(partitions: $partitions, limit: 1) { metadataEntries { label
    ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text }
    ... on TableMetadataEntry { table { records } } } }
  assetObservations(partitions: $partitions, limit: 1) { metadataEntries { label
    ... on TableMetadataEntry { table { records } } } } } }"""
CUSTOMERS = {"path": ["shop", "customers"]}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with running_dev(tmp_path_factory.mktemp("installed")) as dev:
        yield dev


@pytest.fixture(scope="module")
def dev(started: Dev) -> Dev:
    """One partition of the sample shop was materialised by hand, then the profiles."""
    started.launch("shop/files")
    started.launch("shop/customers", "20261116")
    started.launch("profiles")
    return started


def test_everything_is_loaded_and_switched_off(started: Dev) -> None:
    (entry,) = started.ask(AUTOMATIONS)["workspaceOrError"]["locationEntries"]
    (repository,) = entry["locationOrLoadError"]["repositories"]
    assert entry["name"] == "cdp_assets"
    states = {item["name"]: item["sensorState"]["status"] for item in repository["sensors"]}
    assert states == dict.fromkeys(
        ("after_each_fold", "checks", "fold_waiting_batches", "shop__arrivals", "klaviyo__arrivals"), "STOPPED"
    )
    described = [item["description"] for item in (*repository["sensors"], *repository["jobs"])]
    assert sum(not text for text in described) == 1, "only Dagster's own job for assets has no description"


def test_loading_says_nothing_that_looks_like_trouble(started: Dev) -> None:
    assert "http://127.0.0.1" in started.log()
    assert [line for line in started.log().splitlines() if "Warning" in line or "ERROR" in line] == []


def test_the_home_has_the_settings_of_the_project(started: Dev) -> None:
    assert "granularity: run" in (started.folder / ".dagster_home" / "dagster.yaml").read_text()


def test_a_partition_tells_what_became_of_its_rows(dev: Dev) -> None:
    (node,) = dev.ask(PARTITION, key=[CUSTOMERS], partitions=["20261116"])["assetNodes"]
    (result,) = [entry["table"] for event in node["assetObservations"] for entry in event["metadataEntries"]]
    lines = [json.loads(record) for record in result["records"]]
    counts = {line["what"]: line["value"] for line in lines if line["what"].startswith("rows")}
    assert sum(counts.values()) == 2 * counts["rows received"] == 2 * 2005
    assert counts["rows created"] == 1980
    (landing,) = node["assetMaterializations"]
    tables = [entry["table"] for entry in landing["metadataEntries"] if entry["label"] == "rejects"]
    assert len(tables[0]["records"]) == 20


def test_a_look_at_the_server_does_not_make_partitions_outdated(dev: Dev) -> None:
    dev.launch("shop/files")
    (node,) = dev.ask(PARTITION, key=[CUSTOMERS], partitions=["20261116"])["assetNodes"]
    assert node["staleStatusByPartition"] == ["FRESH"]


def test_the_page_of_a_partition_shows_the_counts_and_the_rejects(dev: Dev) -> None:
    page = dev.page("/assets/shop/customers?view=partitions&partition=20261116")
    for text in ("customers_20261116.csv", "rows created", "1980", "rows excluded: no identifier", "rows rejected"):
        assert text in page, text
    assert "birthday: not a date in the expected format" in page


def test_the_page_of_the_profiles_shows_their_number_and_columns(dev: Dev) -> None:
    page = dev.page("/assets/profiles")
    for text in ("1,980", "total_spend", "Everything spent so far in EUR", "customers_20261116.csv"):
        assert text in page, text


def test_the_page_of_a_segment_draws_its_trend(dev: Dev) -> None:
    for _ in range(2):
        dev.launch("segments/vip")
    page = dev.page("/assets/segments/vip")
    assert '<img src="data:image/svg+xml;base64,' in page
    assert "joined" in page


def test_the_lineage_shows_the_way_from_server_to_server(dev: Dev) -> None:
    page = dev.page("/asset-groups")
    for group in ("shop_in", "warehouse", "segments", "shop_out"):
        assert group in page, group
    page = dev.page("/assets/profiles?view=lineage&lineageScope=neighbors&lineageDepth=5")
    for asset in ("files", "customers", "loyalty", "profiles", "vip", "vip_list", "done"):
        assert asset in page, asset


def test_a_home_of_ones_own_is_no_reason_to_warn_and_a_log_file_has_no_colours(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[2] / "dagster.yaml", tmp_path)
    with running_dev(tmp_path, DAGSTER_HOME=str(tmp_path / "my_dagster_home")) as dev:
        until(lambda: "Serving dagster-webserver" in dev.log(), 60, "the line of the web page")
    assert "Launching Dagster services" in dev.log()
    assert "WARNING" not in dev.log()
    assert "\x1b" not in dev.log()


def test_ctrl_c_ends_everything_soon(tmp_path: Path) -> None:
    with running_dev(tmp_path) as dev:
        assert dev.children()
        assert dev.stop() < 30
        assert dev.children() == set()
        assert dev.process.returncode == 0
