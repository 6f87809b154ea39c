"""Files that arrive in any order, and folds in between: landed once, delivered to as many warehouses as needed.

A batch is immutable and content-named, so a copy of its folder is the same landing. The warehouses live in
memory.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cdp_assets.flows.canonical_dump import canonical_dump
from cdp_assets.flows.fold_batches import FoldResult, fold_batches
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.land_files import Landed
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database, scratch
from cdp_assets_tests.oracle.described import Delivery, EventKind, Events, Goal, Merging, Property
from cdp_assets_tests.oracle.world import CONSENTED
from cdp_assets_tests.support.fresh import fill_fresh
from cdp_assets_tests.support.lab import EPOCH, Lab, deployment, with_snapshots


def lab_for(root: Path, properties: Sequence[Property], goals: Sequence[Goal], merging: Merging | None = None) -> Lab:
    """A lab of the deployment the oracle describes; groups of any type have the same properties as profiles.

    What a choice can be among consented or refused objectives are the objectives.
    """
    told = [_property(prop) for prop in properties if prop.type != "choice"]
    types = sorted({goal.group_type for goal in goals if goal.group_type})
    kinds = dict.fromkeys(entry.kind for goal in goals for entry in goal.events if not entry.viewed)
    model: dict[str, Any] = {"group_types": [{"id": group_type, "properties": told} for group_type in types]}
    model["event_types"] = [_event_type(kind) for kind in kinds]
    model["domain_groups"] = sorted({goal.domain_group for goal in goals})
    model["objectives"] = [{"id": name} for prop in properties if prop.name == CONSENTED for name in prop.choices]
    if merging is not None:
        model["merging"] = {"limit": merging.limit}
    return Lab(root, deployment(told, [_goal(goal) for goal in goals], **model))


def _event_type(kind: EventKind) -> dict[str, Any]:
    values = [{"key": prop.name, "type": prop.type, "multiple": prop.multiple} for prop in kind.values]
    items = [{"key": prop.name, "type": prop.type, "identifier": prop.name == kind.item_id} for prop in kind.items]
    return {"id": kind.id, "fields": [*values, {"key": kind.nested, "fields": items}]}


def _events(entry: Events) -> dict[str, Any]:
    nested = {"property": entry.kind.nested, "mappings": _fields(entry.items)}
    return {
        "type": entry.kind.id,
        "id": entry.id,
        "date": entry.date,
        "mappings": _fields(entry.values),
        "nested": [nested] if entry.items else [],
        "product_store": entry.store,
    }


def _brought(entries: Sequence[Events]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for entry in entries:
        if entry.viewed:
            worth = [column for column, _ in entry.values]
            told["interactions"] = {"id": entry.id, "kind": entry.viewed, "time": entry.date}
            told["interactions"] |= {"value": worth[0]} if worth else {}
        else:
            told["events"] = [*told.get("events", ()), _events(entry)]
    return told


def _fields(mapped: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"column": column, "property": key} for column, key in mapped]


def _property(prop: Property) -> dict[str, Any]:
    scale = {"precision": prop.scale} if prop.type == "decimal" else {}
    return {"name": prop.name, "type": prop.type, "multiple": prop.multiple, "merge": prop.merge} | scale


def _goal(goal: Goal) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": "import_profiles", "allow_create": goal.allow_create}
    kind["domain_group"] = goal.domain_group
    if goal.group_type:
        kind = {"type": "import_groups", "group_type": goal.group_type}
    return kind | {
        "name": goal.name,
        "files": {
            "root": f"{goal.name}_*.csv",
            "delta": goal.delta,
            "redelivery": goal.redelivery,
            "duplicate_content": goal.duplicate_content,
        },
        "identifiers": [_identifier(rule) for rule in goal.rules or [goal.identifying]],
        "mappings": [{"column": item.column, "property": item.property, "rule": item.rule} for item in goal.mappings],
        **_brought(goal.events),
    }


def _identifier(rule: Sequence[tuple[str, str]]) -> dict[str, Any]:
    members = [{"column": column, "property": name} for column, name in rule]
    return members[0] if len(members) == 1 else {"all": members}


def landed(lab: Lab, delivery: Delivery) -> Landed:
    """Lands what the oracle calls a delivery."""
    return lab.land(
        delivery.goal,
        delivery.name,
        delivery.content,
        look_at=delivery.look_at,
        modified_at=delivery.modified_at,
    )


class Arrivals:
    """A warehouse in memory and the landing folder it folds."""

    def __init__(self, lab: Lab, root: Path, database: Database, snapshots: bool) -> None:
        self.lab, self.folders, self.database, self.snapshots = lab, DataFolders(root), database, snapshots

    def deliver(self, batch: Landed) -> None:
        """Puts a batch into the landing folder; one that is there already stays as it is."""
        target = self.folders.landing / batch.folder.relative_to(self.lab.folders.landing)
        if not target.exists():
            shutil.copytree(batch.folder, target)

    def fold(self, *, rebuild: bool = False) -> FoldResult:
        model = with_snapshots(self.lab.model) if self.snapshots else self.lab.model
        return fold_batches(self.database, model, self.folders, EPOCH, rebuild=rebuild)

    def dump(self) -> dict[str, list[str]]:
        return canonical_dump(self.database)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.rows(Sql(query))


@contextmanager
def arrivals(lab: Lab, root: Path, *, snapshots: bool = False) -> Iterator[Arrivals]:
    """`snapshots`: one after each pass, so that few files are enough for them to matter."""
    with scratch() as database:
        fill_fresh(database)
        yield Arrivals(lab, root, database, snapshots)
