"""A connection whose people are told by mail, and its files."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cdp_assets.flows.happened import happened
from cdp_assets.flows.notify import tell
from cdp_assets.flows.publish import publish
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment

HEAD = "mail,city\n"
GOAL = {
    "type": "import_profiles",
    "name": "people",
    "files": {"root": "people_*.csv", "delta": True, "redelivery": "append"},
    "identifiers": [{"column": "mail", "property": "email"}],
    "allow_create": True,
    "mappings": [{"column": "city", "property": "city"}],
}
WINDOWS = {"partitions": {"by": "day", "start": "2025-12-30"}}
LATER = EPOCH + timedelta(hours=1)


def room_for(tmp_path: Path, *when: str, goal: dict[str, object] = GOAL, **rule: object) -> Lab:
    told = {"when": list(when), "to": [{"env": "ALERTS"}]} | rule
    setup = deployment(
        [{"name": "email", "type": "email"}, {"name": "city"}, {"name": "visits", "type": "number"}],
        [],
        connections=[{"name": "shop", "goals": [goal], "notifications": [told]}],
    )
    return Lab(tmp_path, setup)


def tick(room: Lab, now: datetime = LATER) -> int:
    shop = room.deployment.find_connection("shop")
    assert shop is not None
    return len(tell(shop, happened(shop, room.folders, now), room.folders, now))


def deliver(room: Lab, name: str, rows: str) -> None:
    """After the first look of the sensor."""
    room.land("people", name, HEAD + rows, look_at=LATER, modified_at=LATER)
    room.fold()
    publish(room.folders)
