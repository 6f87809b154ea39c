"""Full files that hold far less than the one before: most likely cut short, which nothing else tells."""

from __future__ import annotations

from datetime import datetime

from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.return_rejects import rejects_given
from cdp_assets.sql.text import Sql
from cdp_assets.warehouse import Database

_SHRUNKEN = Sql(
    "SELECT batch_id, name, rows_received, name_before, rows_before FROM ("
    "SELECT *, lag(name) OVER goal AS name_before, lag(rows_received) OVER goal AS rows_before FROM ops.batches"
    " WHERE state = 'folded' AND is_full WINDOW goal AS (PARTITION BY connection, goal ORDER BY position))"
    " WHERE folded_at >= ? AND rows_before >= 20 AND rows_received * 2 <= rows_before ORDER BY position"
)


def shrunken_since(database: Database, since: datetime) -> dict[str, str]:
    """Batch → what to say of it: full files first folded since then that hold at most half of the rows before."""
    return {
        batch_id: f"holds {counted(rows, 'row')}, and {shown(before)} before it {rows_before:,}: is it whole? People it"
        " does not name stay as they are; a whole file under the same name takes its place"
        for batch_id, name, rows, before, rows_before in database.rows(_SHRUNKEN, [since])
        # Rejected rows that came back mended are no delivery.
        if not rejects_given(name)
    }
