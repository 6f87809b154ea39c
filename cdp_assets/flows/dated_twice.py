"""Events that a person has under one id on several days: most likely one event whose time was corrected."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from cdp_assets.config.events import INTERACTIONS
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.flows.manifests import Manifest
from cdp_assets.sql.event_tables import event_table_name
from cdp_assets.sql.text import Sql, ident, joined, literal, sql
from cdp_assets.warehouse import Database

_POSITIONS = Sql("SELECT batch_id, position FROM ops.batches WHERE position IS NOT NULL")


def dated_twice(database: Database, manifests: Sequence[Manifest]) -> Iterator[str]:
    """What to say of files some of whose events have the id of another event of the same person, of another time."""
    positions = dict(database.rows(_POSITIONS))
    files = {positions[one.batch_id]: one for one in manifests if one.batch_id in positions and _types(one)}
    for kind in sorted({kind for one in files.values() for kind in _types(one)}):
        own = [place for place, one in files.items() if kind in _types(one)]
        for place, count in database.rows(_again(kind, own)):
            events = counted(count, f"event of type {kind}", f"events of type {kind}")
            have = "has the id" if count == 1 else "have ids"
            yield (
                f"{shown(files[place].name)}: {events} {have} that the same person has at another time too: time and id"
                " tell events apart, so both are there; to correct an event, send it with its first time"
            )


def _types(manifest: Manifest) -> list[str]:
    """Types of events to which the file gives ids; what somebody sees twice is two interactions."""
    events = manifest.config.goal.events
    return [event.type for event in events if event.id is not None and event.type != INTERACTIONS]


def _again(kind: str, positions: Collection[int]) -> Sql:
    """Place of a file in the order, and how many of its events stand under another time too."""
    return sql(
        "SELECT own.set_at_position, count(*) FROM {table} AS own SEMI JOIN {table} AS other ON"
        " own.profile_id = other.profile_id AND own.event_id = other.event_id AND own.date <> other.date"
        " WHERE own.set_at_position IN ({positions}) GROUP BY 1 ORDER BY 1",
        table=ident("main", event_table_name(kind)),
        positions=joined(", ", [literal(place) for place in positions]),
    )
