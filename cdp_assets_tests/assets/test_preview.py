"""Observing the files of a connection shows what an import would find, masked, and never fails for it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cdp_assets_tests.assets.world import ANNA, BERT, CUSTOMERS, VISITS, World, told
from cdp_assets_tests.support.openpgp import new_keyring
from cdp_assets_tests.support.previewed import CUSTOMERS as TEXT
from cdp_assets_tests.support.previewed import ORDERS

LINKED = CUSTOMERS | {
    "files": {
        "directory": "in",
        "root": "customers_*.csv.gz.pgp",
        "linked": [{"name": "orders", "file": "orders_*.csv", "parent_column": "Id", "column": "Customer"}],
    },
    "format": {"separator": ";", "decimal": ","},
    "processors": [{"casing": {"fields": ["City"], "to": "upper"}}],
    "mappings": [
        {"column": "City", "property": "city"},
        {"column": "orders.Amount", "property": "spend", "rule": "sum"},
    ],
}


def observed(shop: World) -> dict:
    assert shop.materialize("shop/files").success
    return told(shop.observations("shop/files")[0])


def rows_of(table) -> list[list[object]]:
    names = [column.name for column in table.schema.columns]
    return [[record.data[name] for name in names] for record in table.records]


@pytest.fixture
def sealed(shop: World, tmp_path: Path) -> World:
    """A shop with an encrypted set of two files."""
    with new_keyring() as ring:
        key = ring.key("shop")
        (tmp_path / "key.asc").write_text(key.private)
        (tmp_path / "key.asc").chmod(0o600)
        folder = shop.server.folder / "in"
        (folder / "customers_1.csv.gz.pgp").write_bytes(ring.encrypted(gzip.compress(TEXT.encode()), key))
        (folder / "orders_1.csv").write_bytes(ring.encrypted(ORDERS.encode(), key))
    shop.set_up(
        goals=[LINKED],
        pgp={"private_key": {"file": str(tmp_path / "key.asc")}},
        server=shop.connection.server.model_dump(exclude_none=True) | {"settle_s": 0},
    )
    return shop


def test_an_encrypted_linked_set_is_shown_masked(sealed: World) -> None:
    metadata = observed(sealed)
    label = "preview of customers"
    assert metadata[label].startswith("customers_1.csv.gz.pgp (pgp, gzip) + orders_1.csv (pgp); rows 5, left")
    assert "would be rejected: rows 1, cells 0" in metadata[label]
    assert "without a mapping: Id, Spend, Phone, Born, Tags, orders.When" in metadata[label]
    columns = rows_of(metadata[f"{label}: columns"])
    assert columns[5][0] == "Born"
    assert columns[5][1].startswith("datetime DD-MM-YYYY; 60 % filled, 3 different; ")
    assert columns[1][1].endswith("; a…m (16 characters), b…m (16 characters), n…s (14 characters)")
    read = rows_of(metadata[f"{label}: rows as in the file, masked"])
    assert [(name, texts.split(" / ")[0]) for name, texts in read[:3]] == [
        ("Id", "•"),
        ("E-Mail", "a…m (16 characters)"),
        ("City", "d…t (5 characters)"),
    ]
    assert "files no goal takes" not in metadata
    processed = metadata[f"{label}: rows processed and linked, masked"]
    assert rows_of(processed)[2][1].split(" / ")[0] == "D…T (5 characters)"
    assert rows_of(processed)[-2][1].split(" / ")[0] == "•• | ••"


def test_no_table_of_a_preview_is_wider_than_the_page(sealed: World) -> None:
    tables = {name: found for name, found in observed(sealed).items() if name.startswith("preview") and ": " in name}
    assert {name: len(found.schema.columns) for name, found in tables.items()} == dict.fromkeys(tables, 2)
    assert len(tables) == 3


def test_known_profiles_are_counted(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    assert shop.run("shop__run_now").success
    shop.put("customers_2.csv", ANNA, BERT)
    told_line = observed(shop)["preview of customers"]
    assert "rows that match one: 1, rows that would make new ones: 1" in told_line


def test_what_cannot_be_previewed_is_a_line_and_the_observation_succeeds(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS, VISITS])
    (shop.server.folder / "in" / "customers_1.csv").write_bytes(b"PK\x03\x04 broken")
    shop.put("visits.csv", ANNA)
    metadata = observed(shop)
    assert metadata["preview of customers"].startswith("customers_1.csv: customers_1.csv is a damaged or cut off zip")
    assert len(rows_of(metadata["preview of visits: columns"])) == 3


def test_a_processor_that_raises_is_a_line_without_its_words(shop: World) -> None:
    broken = {"python": {"field": "City", "callable": "cdp_assets_tests.assets.test_preview:raising"}}
    shop.set_up(goals=[CUSTOMERS | {"processors": [broken]}])
    shop.put("customers_1.csv", ANNA)
    assert observed(shop)["preview of customers"] == "a processor failed with ValueError"


def raising(texts: list[str | None]) -> list[str | None]:
    raise ValueError(texts)


def test_a_file_without_a_header_shows_no_data_as_names(shop: World) -> None:
    (shop.server.folder / "in" / "customers_1.csv").write_text(ANNA + BERT)
    metadata = observed(shop)
    assert "anna@example.com" not in str(metadata)
    assert rows_of(metadata["preview of customers: columns"])[0][0] == "(not a name)"


def test_only_so_many_goals_are_previewed(shop: World) -> None:
    shop.set_up(goals=[CUSTOMERS | {"name": f"goal_{number}"} for number in range(7)])
    shop.put("customers_1.csv", ANNA)
    metadata = observed(shop)
    assert metadata["no preview here"] == "goal_5, goal_6; use python -m cdp_assets preview shop <goal>"
    assert "preview of goal_4: columns" in metadata


def test_a_sensors_look_previews_nothing(shop: World) -> None:
    shop.put("customers_1.csv", ANNA)
    shop.tick("shop__arrivals")
    result = shop.tick("shop__arrivals")
    (event,) = result.asset_events
    assert not [name for name in event.metadata if name.startswith("preview")]


def test_events_are_counted_and_shown_masked(shop: World) -> None:
    mappings = [{"column": "Total", "property": "total_revenue"}]
    product = {"property": "product", "mappings": [{"column": "City", "property": "id"}]}
    event = {"type": "order", "id": "Order", "date": "Day", "mappings": mappings, "nested": [product]}
    shop.set_up(goals=[CUSTOMERS | {"mappings": [], "events": [event]}])
    rows = "anna@example.com,Delft,order-1,2026-01-01,12.5\nbert@example.com,Breda,order-2,2026-01-01,abc\n"
    (shop.server.folder / "in" / "customers_1.csv").write_text(f"E-Mail,City,Order,Day,Total\n{rows}")
    metadata = observed(shop)
    label = "preview of customers"
    assert "Timeline events: rows that bring one: 2, order: 1, rejected: 1, dropped" in metadata[label]
    assert rows_of(metadata[f"{label}: events of type order, masked"]) == [
        [name, text]
        for name, text in zip(
            ("profile", "event_id", "date", "total_revenue", "product: items"),
            ("new", "o…1 (7 characters)", "2…0 (22 characters)", "1…0 (7 characters)", "1"),
            strict=True,
        )
    ]
    assert rows_of(metadata[f"{label}: events that would be rejected"]) == [
        ["line 3, Total", "a…c (3 characters): #/total_revenue/0: expected type: Number, found: String"]
    ]
    assert "order-1" not in str(metadata)
