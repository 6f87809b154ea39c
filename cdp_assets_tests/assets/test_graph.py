"""The assets, their edges and what they say about themselves."""

from __future__ import annotations

import dagster as dg
import pytest
import yaml

from cdp_assets.assets.specs import as_code
from cdp_assets.config.segments import Segment
from cdp_assets_tests.assets.world import CUSTOMERS, VIP_LIST, VISITS, connection, definitions, deployment

EDGES = {
    ("shop/files", "shop/customers"),
    ("shop/files", "shop/visits"),
    ("shop/customers", "profiles"),
    ("shop/visits", "profiles"),
    ("profiles", "shop/done"),
    ("profiles", "segments/vip"),
    ("profiles", "segments/nowhere"),
    ("segments/vip", "shop/vip_list"),
}


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    return definitions(deployment(connection(goals=[CUSTOMERS, VISITS, VIP_LIST])))


def specs_of(loaded: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in loaded.resolve_all_asset_specs()}


def edges_of(loaded: dg.Definitions) -> set[tuple[str, str]]:
    return {(dep.asset_key.to_user_string(), key) for key, spec in specs_of(loaded).items() for dep in spec.deps}


def test_the_graph_is_the_picture_of_the_design(loaded: dg.Definitions) -> None:
    assert edges_of(loaded) == EDGES
    assert set(specs_of(loaded)) == {end for edge in EDGES for end in edge}


def test_groups_stand_beside_the_profiles_behind_their_own_goals() -> None:
    homes = {
        "type": "import_groups",
        "name": "homes",
        "group_type": "household",
        "files": {"root": "homes_*.csv"},
        "identifiers": [{"column": "id"}],
        "mappings": [{"column": "street", "property": "street"}],
    }
    types = [{"id": "household", "properties": [{"name": "street"}]}, {"id": "club"}]
    with_groups = definitions(deployment(connection(goals=[CUSTOMERS, homes]), group_types=types))
    dg.Definitions.validate_loadable(with_groups)
    assert edges_of(with_groups) == {
        ("shop/files", "shop/customers"),
        ("shop/files", "shop/homes"),
        ("shop/customers", "profiles"),
        ("shop/homes", "groups/household"),
        ("profiles", "shop/done"),
        ("groups/household", "shop/done"),
        ("profiles", "segments/vip"),
        ("profiles", "segments/nowhere"),
    }
    assert "groups/club" in specs_of(with_groups)


def test_everything_dagster_loads_fits_together(loaded: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(loaded)
    loaded.get_repository_def().load_all_definitions()


def test_connections_of_one_deployment_do_not_get_in_each_others_way() -> None:
    two = definitions(deployment(connection("shop"), connection("outlet")))
    two.get_repository_def().load_all_definitions()
    assert {("shop/customers", "profiles"), ("outlet/customers", "profiles")} <= edges_of(two)


def test_the_groups_of_the_lineage_form_no_circle(loaded: dg.Definitions) -> None:
    group = {key: spec.group_name for key, spec in specs_of(loaded).items()}
    between = {(group[start], group[end]) for start, end in edges_of(loaded)} - {
        (name, name) for name in group.values()
    }
    assert between == {
        ("shop_in", "warehouse"),
        ("warehouse", "segments"),
        ("warehouse", "shop_out"),
        ("segments", "shop_out"),
    }


def test_every_asset_says_what_it_is(loaded: dg.Definitions) -> None:
    specs = specs_of(loaded)
    assert all(spec.description for spec in specs.values())
    assert all(column.description for column in specs["profiles"].metadata["dagster/column_schema"].columns)
    assert {key: set(spec.kinds) for key, spec in specs.items() if key != "segments/nowhere"} == {
        "shop/files": {"sftp"},
        "shop/customers": {"csv", "parquet"},
        "shop/visits": {"csv", "parquet"},
        "profiles": {"duckdb"},
        "segments/vip": {"duckdb"},
        "shop/vip_list": {"csv", "sftp"},
        "shop/done": {"sftp"},
    }


def test_a_segment_shows_its_title_and_condition(loaded: dg.Definitions) -> None:
    told = specs_of(loaded)["segments/vip"].metadata
    condition = told["condition"]
    assert isinstance(condition, dg.MarkdownMetadataValue)
    fence, *lines, end = (condition.value or "").splitlines()
    (segment,) = (one for one in deployment(connection()).model.segments if one.name == "vip")
    assert (told["title"], fence, end) == (segment.label, "```yaml", "```")
    assert Segment.model_validate({"name": "vip", "where": yaml.safe_load("\n".join(lines))}) == segment


def test_only_a_goal_with_a_wildcard_has_partitions(loaded: dg.Definitions) -> None:
    graph = loaded.resolve_asset_graph()
    kinds = {key.to_user_string(): graph.get(key).partitions_def for key in graph.get_all_asset_keys()}
    assert {key for key, partitions in kinds.items() if partitions} == {"shop/customers"}
    assert kinds["shop/customers"] == dg.DynamicPartitionsDefinition(name="shop__customers")


def test_only_the_fold_is_in_the_warehouses_pool(loaded: dg.Definitions) -> None:
    pooled = {
        frozenset(key.to_user_string() for key in definition.keys)
        for definition in loaded.resolve_asset_graph().assets_defs
        if definition.is_executable and definition.op.pool == "warehouse"
    }
    assert pooled == {frozenset({"profiles"})}


def test_the_code_version_changes_with_what_a_batch_would_hold() -> None:
    def version(**changes: object) -> str | None:
        return specs_of(definitions(deployment(connection(goals=[CUSTOMERS | changes]))))["shop/customers"].code_version

    assert version() == version(description="in other words")
    assert version() != version(allow_create=False)


def test_patterns_and_names_stand_in_descriptions_as_they_are() -> None:
    """A description is Markdown, which takes backslashes before dots, and stars between underscores, for its own."""
    pattern = r"customers_(\d+)\.csv"
    named = connection(goals=[CUSTOMERS | {"files": {"directory": "in", "root": pattern, "match": "regex"}}, VIP_LIST])
    specs = specs_of(definitions(deployment(named)))
    assert f"Of `in/{pattern}`." in (specs["shop/customers"].description or "")
    assert "to `out/vip.csv`." in (specs["shop/vip_list"].description or "")
    assert [as_code(text) for text in ("a", "a`b", "`")] == ["`a`", "``a`b``", "`` ` ``"]
