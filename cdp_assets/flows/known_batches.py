"""What the ledger tells of batches that were folded before, for those who must not wait for the warehouse."""

from __future__ import annotations

from collections.abc import Mapping

from cdp_assets.errors import WarehouseError
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.ledger import counted_today, ledger_entries
from cdp_assets.flows.read_profile import readable_warehouse


def known_entries(folders: DataFolders, states: Mapping[str, str]) -> dict[str, Mapping[str, object]]:
    """Batch → its row of the ledger, with the counts of today. Nobody is waited for, and nothing is written.

    The warehouse is read, or the readers' copy while somebody writes. Of what it does not know yet, or knows in
    another state, as a copy made before the last fold does, nothing is told; so it is where neither can be read.

    Args:
        folders: where they are.
        states: batch → its state, as the landing folder tells; empty = nothing is asked.
    """
    if not states:
        return {}
    try:
        with readable_warehouse(folders) as (database, _):
            entries = ledger_entries(database, sorted(states))
    except WarehouseError:
        return {}
    found = {str(entry["batch_id"]): counted_today(entry) for entry in entries}
    return {batch_id: entry for batch_id, entry in found.items() if entry["state"] == states[batch_id]}
