"""Metrics that the customer model declares: their properties as typed columns (spec.md K2)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from cdp_assets.config.check import check
from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.model import CustomerModelConfig, complete_deployment
from cdp_assets_tests.drop_folders.dropping import PROPERTIES, deliver, drop_lab
from cdp_assets_tests.support.lab import SERVER

HEADER = "Metric name,Time,Profile.Email,Value,Unique ID,Item,Pieces,Paid at,Ship.City,Tags\n"
FIELDS = [
    {"key": "item", "header": "Item"},
    {"key": "pieces", "header": "Pieces", "type": "number"},
    {"key": "paid_at", "header": "Paid at", "type": "datetime"},
    {"key": "city", "header": "Ship.City"},
    {"key": "Tags", "type": "json"},
]
ORDER = {"name": "Placed Order", "folders": "klaviyo", "fields": FIELDS}
VIEW = "main.metrics_klaviyo_placed_order"


def declared(*metrics):
    folders = DropFolders.model_validate({"name": "klaviyo", "server": SERVER})
    model = CustomerModelConfig.model_validate({"properties": PROPERTIES, "metrics": metrics})
    return complete_deployment(model, [folders.connection])


def columns(room):
    found = room.rows(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE schema_name = 'main'"
        " AND table_name = 'metrics_klaviyo_placed_order' ORDER BY column_index"
    )
    assert all(comment for *_, comment in found)
    return {name: kind for name, kind, _ in found}


def test_a_declared_metric_has_a_view_with_typed_columns(tmp_path):
    room = drop_lab(tmp_path)
    rows = (
        'Placed Order,2022-11-08T10:00:00Z,a@x.com,9.99,1,Mug,2,2022-11-09,Delft,"[""a"",""b""]"\n'
        "Placed Order,2022-11-08T10:00:00Z,a@x.com,,2,Cup,many,soon,,\nSeen,2022-11-08T10:00:00Z,a@x.com,,3,Mug,1,,,\n"
    )
    deliver(room, HEADER + rows, goal="events")
    assert columns(room) == {}
    room.deployment = declared(ORDER)
    before = room.dump()
    room.fold()
    names = "value, item, pieces, paid_at, city, Tags::VARCHAR"
    assert room.rows(f"SELECT {names} FROM {VIEW} ORDER BY item DESC") == [
        (Decimal("9.9900"), "Mug", 2, datetime(2022, 11, 9, tzinfo=UTC), "Delft", '["a","b"]'),
        (None, "Cup", None, None, None, None),
    ]
    assert columns(room)["pieces"] == "BIGINT"
    assert room.dump() == before
    room.deployment = declared(ORDER | {"fields": [{"key": "pieces", "header": "Pieces"}]})
    room.fold()
    assert [*columns(room)] == ["profile_id", "event_id", "date", "value", "pieces"]
    assert room.rows(f"SELECT pieces FROM {VIEW} ORDER BY 1") == [("2",), ("many",)]
    room.deployment = declared()
    room.fold(rebuild=True)
    assert columns(room) == {}


def test_folders_that_are_not_there_and_shared_views_are_told():
    found = check(declared(ORDER, ORDER | {"name": "placed order"}, ORDER | {"folders": "klavio"}))
    assert [finding.location for finding in found] == [("metrics", 1, "name"), ("metrics", 2, "folders")]
    assert "accepted: klaviyo" in found[1].message
