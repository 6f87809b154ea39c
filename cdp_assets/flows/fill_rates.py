"""How many profiles have each property: read from the readers' copy, so that nobody waits."""

from __future__ import annotations

from collections.abc import Collection

from cdp_assets.errors import WarehouseError
from cdp_assets.flows.folders import DataFolders
from cdp_assets.sql.segments import COLUMNS
from cdp_assets.sql.watching import filled
from cdp_assets.warehouse import read_copy


def fill_rates(folders: DataFolders, properties: Collection[str]) -> dict[str, float]:
    """Per cent of the profiles that have a value, by property; empty before there are profiles, or a copy.

    A property that is new in the YAML is left out until the next copy has its column.
    """
    if not folders.published.exists():
        return {}
    try:
        with read_copy(folders.published) as database:
            there = {name for (name,) in database.rows(COLUMNS)}
            names = [name for name in properties if name in there]
            if not names:
                return {}
            total, *counts = database.row(filled(names))
    except WarehouseError:
        return {}
    return {name: 100 * int(count) / int(total) for name, count in zip(names, counts, strict=True)} if total else {}
