"""What is different about the events of drop folders: the first one of an id counts, and metrics are limited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdp_assets.config.model import BatchConfig
from cdp_assets.flows.apply_events import EventFates, event_files
from cdp_assets.flows.resolve_rows import Merges, insert_rows
from cdp_assets.sql import drop_folding, events
from cdp_assets.sql.combining import Combined
from cdp_assets.sql.event_tables import EVENT_TABLES
from cdp_assets.sql.events import Columns
from cdp_assets.warehouse import Database


def drops_events(together: Combined) -> bool:
    """Whether the pass brings events of a drop folder."""
    goal = together.config.goal
    return goal.drop is not None and bool(goal.events)


def leave_out_metrics(database: Database, together: Combined) -> None:
    """Makes `batch_rows_read` without the rows that have one metric too many, and enters these into the rejects."""
    drop = together.config.goal.drop
    assert drop is not None, "this goal reads no drop folder"
    columns = [columns for _, columns in _columns(database, together.config)]
    identifying = {item.property for item in together.config.goal.identifier_columns}
    mappings = [
        number
        for number, mapping in enumerate(together.config.goal.mappings)
        if number in together.present and mapping.property not in identifying
    ]
    for statement in (
        drop_folding.NOTHING_REPEATED,
        drop_folding.metrics_over(columns[0] if columns else None, drop.metric_limit),
        drop_folding.rows_that_count(mappings),
        drop_folding.note_over(drop.metric_limit),
    ):
        database.run(statement)


@dataclass(frozen=True)
class Uncounted:
    """Rows of one batch that count for less than they seem to."""

    over: int = 0
    """With one metric too many: they find no profile and make none."""
    repeated: int = 0
    """Whose event was there before, although their profile has changed: they changed nothing."""


def uncounted_rows(database: Database, first: int) -> dict[int, Uncounted]:
    """Position → such rows. `first`: position of the first batch of the pass."""
    over = {int(position): int(count) for position, count in database.rows(drop_folding.rows_over())}
    repeated = {int(at): int(count) for at, count in database.rows(drop_folding.repeats_of_changed(first))}
    return {at: Uncounted(over.get(at, 0), repeated.get(at, 0)) for at in over.keys() | repeated.keys()}


def keep_first_events(
    database: Database, config: BatchConfig, folders: Sequence[Path], merges: Merges | None
) -> dict[int, EventFates]:
    """Writes the events that are the first of their id, once rows have found their profiles.

    Later ones count for nothing: `batch_rows` no longer holds what they say of properties.

    Args:
        database: the warehouse, in a transaction, with `batch_rows` and `key_targets`.
        config: the pass's goal.
        folders: those of its batches, in order.
        merges: who merged in the pass; None = nobody did.
    """
    fates: dict[int, EventFates] = defaultdict(EventFates)
    for kind, columns in _columns(database, config):
        files = event_files(config, folders, kind)
        database.run(events.make_event_rows(config, columns, files))
        for statement in drop_folding.first_events(columns, merged=merges is not None):
            database.run(statement)
        if merges is not None:
            _let_firsts_count(database, columns, merges)
        for statement in events.insert_new(columns):
            database.run(statement)
        for position, created in database.rows(drop_folding.FIRST_FATES):
            fates[position].created += created
    return fates


def _let_firsts_count(database: Database, columns: Columns, merges: Merges) -> None:
    """Takes the rows out of `event_repeated` whose profile did not have their event when it was their turn."""
    suspects = database.rows(drop_folding.SUSPECTS)
    if not suspects:
        return
    known: dict[int, set[str]] = defaultdict(set)
    for person, event_id in database.rows(drop_folding.known_events(columns)):
        known[person].add(event_id)
    rows = {ordinal: (event_id, position, row_no) for ordinal, event_id, position, row_no in suspects}
    first = []
    for ordinal in sorted(rows.keys() | merges.merges.keys()):
        survivor, others = merges.merges.get(ordinal, (0, ()))
        for other in others:
            # The smaller goes into the larger, so that many merges cost little.
            small, large = sorted((known.pop(other, set()), known[survivor]), key=len)
            large |= small
            known[survivor] = large
        if ordinal in rows:
            event_id, *place = rows[ordinal]
            held = known[merges.rows[ordinal]]
            if event_id not in held:
                held.add(event_id)
                first.append(place)
    database.run(drop_folding.FIRST_TABLE)
    insert_rows(database, drop_folding.FIRST, first)
    database.run(drop_folding.NO_REPEATS)


def _columns(database: Database, config: BatchConfig) -> list[tuple[str, Columns]]:
    there: dict[str, Collection[str]] = {name: frozenset(names) for name, names in database.rows(EVENT_TABLES)}
    found = [(kind.id, events.columns_there(kind, there)) for kind in config.event_types]
    return [(name, columns) for name, columns in found if columns is not None]
