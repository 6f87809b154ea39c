"""Looks one profile up: what the warehouse says of it, and which rows of which files made it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.flows.collect_rows import lines_of_rows
from cdp_assets.flows.folders import DataFolders
from cdp_assets.flows.manifests import read_manifest
from cdp_assets.flows.plan_passes import Placed
from cdp_assets.flows.read_profile import Known, read_profile, readable_warehouse
from cdp_assets.flows.trace_profile import Trace, trace_profile
from cdp_assets.warehouse import scratch

MOST_ROWS = 10_000
"""Rows that may be folded for one profile."""


@dataclass(frozen=True)
class LookedUp:
    """One profile."""

    known: Known
    trace: Trace
    files: dict[int, str]
    """Place in the order → name of the file."""
    lines: dict[tuple[int, int], int]
    """Place in the order and row, of the events that are shown → line of the file."""
    as_of: datetime | None
    """When the readers' copy was made that was read, as somebody was writing; None = now."""
    differing: dict[str, tuple[Any, Any]]
    """Properties for which folding anew gave another value: as stored, and that; empty = everything agrees."""


def look_up(
    model: CustomerModelConfig,
    folders: DataFolders,
    value: str,
    property_name: str | None = None,
    limit: int = MOST_ROWS,
) -> LookedUp:
    """The profile that a value finds. The warehouse is held only while it is read, not while the rows are folded.

    Raises:
        ConfigError: the caller must act: nobody has the value, or more than `limit` rows lead to the profile.
        NothingFoldedError: nobody need act: nothing was folded yet.
        WarehouseBusyError: nobody need act: somebody is writing and there is no readers' copy yet.
    """
    with readable_warehouse(folders) as (database, as_of):
        known = read_profile(database, value, property_name)
    batches = []
    for position, folder in known.folded:
        path = folders.landing / folder
        batches.append(Placed(position, read_manifest(path), path))
    goals = {item.position: item.manifest.config.goal for item in batches}
    people = [
        item
        for item in batches
        if not goals[item.position].group_type and goals[item.position].domain_group == known.domain_group
    ]
    seed = {*known.identifiers, known.created[:2], *(maker[:2] for maker in known.replaced)}
    trace = trace_profile(model, folders, people, known.created, tuple(known.replaced), seed, limit)
    held = known.properties | known.consent
    differing = {
        name: (held.get(name), trace.values.get(name))
        for name in sorted({*held, *trace.values})
        if held.get(name) != trace.values.get(name)
    }
    files = {item.position: item.manifest.name for item in batches}
    return LookedUp(known, trace, files, _event_lines(known, batches), as_of, differing)


def _event_lines(known: Known, batches: Sequence[Placed]) -> dict[tuple[int, int], int]:
    rows: dict[int, set[int]] = {}
    for listed in known.events.values():
        for *_, position, row in listed.rows:
            rows.setdefault(position, set()).add(row)
    found = {}
    with scratch() as engine:
        for item in batches:
            wanted = sorted(rows.get(item.position, ()))
            if wanted:
                lines = lines_of_rows(engine, item.manifest, item.parquet, wanted)
                found.update({(item.position, row): line for row, line in lines.items()})
    return found
