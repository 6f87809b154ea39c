"""What drop folders have beside a connection's assets: the list of their recent imports."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from cdp_assets.assets.metadata import Metadata, table
from cdp_assets.assets.runtime import as_dagster_failure, data_folders
from cdp_assets.assets.specs import PROFILES_KEY, group_out
from cdp_assets.assets.warehouse import AFTER_UPSTREAM
from cdp_assets.config.connections import Connection
from cdp_assets.counted import counted
from cdp_assets.flows.ledger import prepare_schemas
from cdp_assets.sql.history import recent_imports
from cdp_assets.warehouse import open_warehouse

_COLUMNS = ("file", "result", "finished")
_WORDS = ("created", "updated", "unchanged", "skipped")
"""What to say of the counts behind the first, which is of all rows."""
MOST = 50
"""Files that are shown."""


def recent_imports_key(connection: Connection) -> dg.AssetKey:
    """Key of the list."""
    return dg.AssetKey([connection.name, "recent_imports"])


def has_recent_imports(connection: Connection) -> bool:
    """Whether it stands for drop folders."""
    return any(goal.drop is not None for goal in connection.imports)


def recent_imports_metadata(connection: Connection) -> Metadata:
    """The list as it is now, the last import first."""
    with open_warehouse(data_folders().warehouse) as database:
        prepare_schemas(database)
        rows = database.rows(recent_imports(connection.name, MOST))
    return {"recent imports": table(_COLUMNS, [_line(row) for row in rows])}


def _line(row: Sequence[object]) -> list[object]:
    """A file in few columns, as a table of many would be cut; an error takes the place of the counts."""
    folder, name, status, *numbers, finished, error = row
    total, *counts = [number if isinstance(number, int) else 0 for number in numbers]
    told = [f"{count:,} {words}" for count, words in zip(counts, _WORDS, strict=True) if count]
    rows = f"{counted(total, 'row')}: {', '.join(told)}" if told else counted(total, "row")
    result = f"{status}: {error or rows}"
    return [f"{folder} / {name}", result, finished]


def recent_imports_asset(connection: Connection) -> dg.AssetsDefinition:
    """The files that came last, with their status and counts; renewed after every fold."""
    spec = dg.AssetSpec(
        recent_imports_key(connection),
        deps=[PROFILES_KEY],
        description="The files that were dropped last: their status, and what came of their rows.",
        group_name=group_out(connection),
        kinds={"duckdb"},
    )
    if connection.enabled and connection.run_mode != "manual":
        spec = spec.replace_attributes(automation_condition=AFTER_UPSTREAM)

    @dg.multi_asset(specs=[spec], name=f"{connection.name}__recent_imports")
    def _recent() -> dg.MaterializeResult[None]:
        with as_dagster_failure():
            return dg.MaterializeResult(asset_key=spec.key, metadata=recent_imports_metadata(connection))

    return _recent
