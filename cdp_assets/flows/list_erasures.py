"""The erasures that keep somebody out, as people may list them: when and how many, and nothing that tells whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.sql import erasing
from cdp_assets.warehouse import open_warehouse


@dataclass(frozen=True)
class Listed:
    """An erasure that is not lifted, without anything that tells whose it was."""

    erased_at: datetime
    """When it was asked for."""
    people: int
    """People, and identifiers that nobody had."""
    identifiers: int
    """Identifiers that it keeps out."""
    kinds: str
    """How many of each property."""


def list_erasures(folders: DataFolders) -> list[Listed]:
    """The erasures that keep somebody out, the newest first; of those that were lifted nothing is known."""
    if not folders.warehouse.exists():
        return []
    with open_warehouse(folders.warehouse) as database:
        prepare_schemas(database)
        return [Listed(*row) for row in database.rows(erasing.LISTED)]
