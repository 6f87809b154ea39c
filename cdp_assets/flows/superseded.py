"""Batches that counted until a newer version of their file took their place, as sentences for people."""

from __future__ import annotations

from datetime import datetime

from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.manifests import ID_SIGNS
from cdp_assets.sql.ledger import TOOK_PLACE
from cdp_assets.warehouse import Database


def superseded_since(database: Database, since: datetime) -> dict[str, str]:
    """Batch first folded since then → whose place it takes; empty = no batch that counted before was superseded.

    Told by the ledger alone, so it says the same however often it is asked.
    """
    return {str(newer): _told(*facts) for newer, *facts in database.rows(TOOK_PLACE, {"since": since})}


def _told(name: str, earlier: str, batch_id: str, landed: str, rows: int) -> str:
    which = "the one" if name == earlier else shown(earlier)
    count, them = ("counts", "it") if rows == 1 else ("count", "them")
    return (
        f"{shown(name)} takes the place of {which} of {landed} UTC (batch {batch_id[:ID_SIGNS]}):"
        f" its {counted(rows, 'row')} no longer {count}, and the new file is counted without {them}."
    )
