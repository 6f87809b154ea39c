"""Events and products as assets: their place in the graph, and what a fold says of them."""

from __future__ import annotations

import dagster as dg
import pytest

from cdp_assets_tests.assets.world import CUSTOMERS, VIP_LIST, World, connection, definitions, deployment, told

ORDER = {
    "type": "order",
    "id": "Order",
    "date": "Day",
    "mappings": [{"column": "Spend", "property": "total_revenue"}],
    "nested": [{"property": "product", "mappings": [{"column": "SKU", "property": "id"}]}],
    "product_store": "main",
}
ORDERS = CUSTOMERS | {"events": [ORDER]}
HEADER = "E-Mail,City,Spend,Order,Day,SKU\n"


def test_events_and_products_hang_on_the_goals_that_bring_them() -> None:
    loaded = definitions(deployment(connection(goals=[ORDERS, CUSTOMERS | {"name": "plain"}, VIP_LIST])))
    specs = {spec.key.to_user_string(): spec for spec in loaded.resolve_all_asset_specs()}
    for key in ("events/order", "products"):
        assert [dep.asset_key.to_user_string() for dep in specs[key].deps] == ["shop/customers"]
        assert specs[key].description
        assert specs[key].group_name == "warehouse"
    used = specs["shop/customers"].metadata["dagster/column_schema"].columns
    assert {"SKU": "field id of each product of event order"}.items() <= {
        one.name: one.description for one in used
    }.items()
    schema = specs["events/order"].metadata["dagster/column_schema"].columns
    told_columns = {column.name: column.description for column in schema}
    assert told_columns["order_id"] == "Number of the order, as the shop has it."
    assert all(told_columns.values())
    columns = list(told_columns)
    assert columns[:3] == ["profile_id", "event_id", "date"]
    assert "total_revenue" in columns
    loaded.get_repository_def().load_all_definitions()


def test_columns_of_linked_files_are_told_by_their_alias() -> None:
    lines = {"property": "product", "source": "lines", "mappings": [{"column": "lines.ISBN", "property": "id"}]}
    links = [{"name": "lines", "file": "lines_*.csv", "parent_column": "Order", "column": "Order"}]
    files = CUSTOMERS["files"] | {"linked": links}
    orders = CUSTOMERS | {"files": files, "events": [ORDER | {"nested": [lines]}]}
    loaded = definitions(deployment(connection(goals=[orders, VIP_LIST])))
    specs = {spec.key.to_user_string(): spec for spec in loaded.resolve_all_asset_specs()}
    used = {one.name: one.description for one in specs["shop/customers"].metadata["dagster/column_schema"].columns}
    assert used["lines.ISBN"] == "field id of each product of event order"
    behind = specs["events/order"].metadata["dagster/column_lineage"].deps_by_column["product"]
    assert [(dep.asset_key.to_user_string(), dep.column_name) for dep in behind] == [("shop/customers", "lines.ISBN")]


def test_a_column_may_go_into_several_fields_of_one_item() -> None:
    items = {"property": "product", "mappings": [{"column": "SKU", "property": name} for name in ("id", "name")]}
    orders = CUSTOMERS | {"events": [ORDER | {"nested": [items]}, ORDER | {"nested": [items]}]}
    loaded = definitions(deployment(connection(goals=[orders, VIP_LIST])))
    specs = {spec.key.to_user_string(): spec for spec in loaded.resolve_all_asset_specs()}
    behind = specs["events/order"].metadata["dagster/column_lineage"].deps_by_column["product"]
    assert [dep.column_name for dep in behind] == ["SKU"]


def deliver(shop: World, *rows: str, number: int = 1) -> None:
    shop.put(f"customers_{number}.csv", at=1_700_000_000 + number)
    (shop.server.folder / "in" / f"customers_{number}.csv").write_text(HEADER + "".join(rows))


def counted(shop: World, key: str) -> dict[str, object]:
    return told(shop.materializations(key)[0])


@pytest.mark.parametrize("click", [True, False])
def test_a_fold_tells_how_many_events_and_products_there_are(shop: World, click: bool) -> None:
    shop.set_up(goals=[ORDERS])
    rows = ("a@example.com,Delft,5,1,2026-01-01,shoe\n", "a@example.com,Delft,x,2,2026-01-01,hat\n")
    deliver(shop, *rows, "bert@example.com,Breda,7,3,2026-01-02,shoe\n")
    if click:
        assert shop.run("shop__run_now").success
    else:
        shop.add_partitions("1")
        assert shop.materialize("shop/customers", "1").success
        keys = [dg.AssetKey("profiles"), dg.AssetKey(["events", "order"]), dg.AssetKey("products")]
        job = shop.definitions.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=shop.instance, asset_selection=keys).success
    found = counted(shop, "events/order")
    assert found["dagster/row_count"] == 2
    assert found["rows of events_order_product"] == 2
    assert counted(shop, "products")["dagster/row_count"] == 1
    profiles = counted(shop, "profiles")
    assert (profiles["events created"], profiles["events rejected"]) == (2, 1)
    (batch,) = [one for one in shop.observations("shop/customers") if "events created" in told(one)]
    assert told(batch)["events rejected"] == 1
    text = str(shop.materializations("events/order")[0]) + str(shop.materializations("products")[0])
    assert "a@example.com" not in text
    (product,) = shop.materializations("products")[0].metadata["most ordered"].records
    assert product.data["id"] == "shoe"
    assert str(product.data["price and orders"]).endswith(", ordered 2")
    orders = shop.materializations("events/order")[0].metadata
    assert orders["period"].value == "01 Jan 2026 to 02 Jan 2026"
    fields = first_of(orders["examples (texts masked)"])
    assert {"set_at_position", "set_at_row", "profile_id", "tax"} & fields.keys() == set()
    assert fields["total_revenue"] in {"5", "7"}
    assert first_of(orders["examples of events_order_product (texts masked)"])["id"] == "shoe"


def first_of(examples: dg.TableMetadataValue) -> dict[str, str]:
    """The first example, by field; two columns fit the page however many examples there are."""
    assert [column.name for column in examples.schema.columns] == ["field", "one example / the next"]
    return {str(row.data["field"]): str(row.data["one example / the next"]).split(" / ")[0] for row in examples.records}
