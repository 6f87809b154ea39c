"""Applies one pass: consecutive batches of goals that find their profiles alike, in one go.

Runs inside the caller's transaction. Everything it reads is in the warehouse and the batches; no clock, no
chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cdp_assets.config.groups import GROUP_ID
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.faults import step
from cdp_assets.flows.apply_consents import apply_consents, move_consents
from cdp_assets.flows.apply_dropped import (
    Uncounted,
    drops_events,
    keep_first_events,
    leave_out_metrics,
    uncounted_rows,
)
from cdp_assets.flows.apply_events import EventFates, apply_events, event_files, move_events
from cdp_assets.flows.find_profiles import find_profiles
from cdp_assets.flows.gate import note_mismatches
from cdp_assets.flows.merge_profiles import combine_values, put_survivors
from cdp_assets.flows.note_consents import note_consents, note_merged_consents
from cdp_assets.flows.plan_passes import Placed
from cdp_assets.flows.resolve_rows import Merges
from cdp_assets.sql import full_files, identity, latest_writes, left_out, merging, single_rows, writing
from cdp_assets.sql.combining import Combined, combined
from cdp_assets.sql.drop_folding import GIVEN
from cdp_assets.sql.events import events_digest
from cdp_assets.sql.full_files import Memory
from cdp_assets.sql.identity import PassBatch
from cdp_assets.sql.records import records_of
from cdp_assets.sql.schema import column_names
from cdp_assets.sql.targeting import Touched
from cdp_assets.sql.text import Sql, comma, literal, sql
from cdp_assets.sql.writes import Write, writes_of
from cdp_assets.warehouse import Database


@dataclass(frozen=True)
class Fates:
    """What became of the rows of one batch that carry an identifier."""

    position: int
    created: int
    modified: int
    unchanged: int
    not_found: int
    consent_mismatch: int = 0
    rejected: int = 0
    """Refused here: they stand among the rejects."""
    events: EventFates = field(default_factory=EventFates)


def apply_pass(
    database: Database,
    batches: Sequence[Placed],
    indexed: frozenset[str],
    earlier: dict[str, Placed],
    beginning: int | None = None,
) -> list[Fates]:
    """Applies the batches and returns the fates of their rows.

    Args:
        database: the warehouse, in a transaction.
        batches: one pass, as `cut_into_passes` makes them.
        indexed: identifier properties of all batches of such records before this pass.
        earlier: every batch folded so far, by id: full files look back at them after a config change.
        beginning: of a full file, only so many rows, as they act where the whole file is; None = all.
    """
    together = combined([(item.manifest.config, item.manifest.present) for item in batches])
    config, present = together.config, together.present
    indexed = indexed | _read_rows(database, batches, together, indexed)
    counted: dict[int, frozenset[int]] = {}
    if not config.goal.files.delta:
        memories, counted = _memories(database, config, present, earlier)
        once = full_files.counted_once(config.goal)
        database.run(full_files.applied_rows(memories, writes=len(once) < len(config.goal.mappings)))
        for statement in full_files.only_beginning(beginning) if beginning is not None else ():
            database.run(statement)
    touched, merges = find_profiles(database, together, counted)
    first_events = _first_events(database, together, batches, merges)
    step("fold: profiles found")
    writes = _writes(database, config, present)
    if merges:
        _write_merged(database, batches, config, writes, touched, indexed, merges)
    else:
        _write(database, batches, config, writes, touched, sorted(indexed))
    if touched.refused:
        # Only now does everyone who holds an identifier stand in the index.
        database.run(single_rows.note_conflicts(config))
    fates = _fates(database, together, batches, simple=touched.alone and config.goal.files.delta)
    if not config.goal.group_type:
        connections = [item.manifest.config.connection for item in batches]
        _note_imported(database, connections, touched)
    if not config.goal.files.delta:
        _remember_rows(database, batches[0].manifest.batch_id, config, present, repeated=not touched.alone)
    happened = _events(database, together, batches, first_events)
    fates = [replace(fate, events=happened[fate.position]) for fate in fates]
    _note_left_out(database, config, batches, fates)
    step("fold: pass applied")
    return fates + _of_rowless(batches, fates, happened)


def _remember_rows(
    database: Database, batch_id: str, config: BatchConfig, present: frozenset[int], *, repeated: bool
) -> None:
    """What the full file said, for the next one. `repeated`: some of its rows share an identifier."""
    digest = _row_digest(config, present)
    signature = full_files.rows_signature(config.goal)
    for statement in full_files.remember_rows(config, batch_id, signature, digest, repeated=repeated):
        database.run(statement)


def _of_rowless(batches: Sequence[Placed], fates: Sequence[Fates], happened: dict[int, EventFates]) -> list[Fates]:
    """Fates of the batches none of whose rows carries an identifier."""
    missing = {item.position for item in batches} - {fate.position for fate in fates}
    return [Fates(position, 0, 0, 0, 0, events=happened[position]) for position in sorted(missing)]


def _read_rows(database: Database, batches: Sequence[Placed], together: Combined, indexed: frozenset[str]) -> set[str]:
    """Makes `batch_rows_read`, and an index of every property that identifies for the first time; returns these."""
    config = together.config
    own = {item.property for item in config.goal.identifier_columns}
    for name in sorted(own - indexed):
        database.run(identity.index_property(records_of(config), config.find_property(name)))
    rows = [
        PassBatch(item.position, item.manifest.batch_id, item.parquet, item.manifest.rows_received) for item in batches
    ]
    digests = bool(config.goal.events) and not config.goal.files.delta
    if digests:
        database.run(events_digest(event_files(config, [item.folder for item in batches])))
    name = GIVEN if drops_events(together) else "batch_rows_read"
    for statement in identity.batch_rows_view(together, rows, events=digests, name=name):
        database.run(statement)
    if drops_events(together):
        leave_out_metrics(database, together)
    return own


def _first_events(
    database: Database, together: Combined, batches: Sequence[Placed], merges: Merges | None
) -> dict[int, EventFates] | None:
    """What became of a drop folder's events, which are written before the profiles; None = there are none."""
    if not drops_events(together):
        return None
    return keep_first_events(database, together.config, [item.folder for item in batches], merges)


def _events(
    database: Database, together: Combined, batches: Sequence[Placed], first: dict[int, EventFates] | None
) -> dict[int, EventFates]:
    """What became of the pass's events; all but those of drop folders are written here."""
    return apply_events(database, together.config, [item.folder for item in batches]) if first is None else first


def _write_merged(
    database: Database,
    batches: Sequence[Placed],
    config: BatchConfig,
    writes: Sequence[Write],
    touched: Touched,
    indexed: frozenset[str],
    merges: Merges,
) -> None:
    """As `_write`, where profiles merged."""
    looks = _looks(batches)
    combine_values(database, config, writes, touched, merges, looks)
    note_merged_consents(database, batches, config, writes, touched)
    _write(database, batches, config, writes, touched, sorted(indexed))
    put_survivors(database, records_of(config), indexed, looks, batches[0].position)
    move_consents(database)
    move_events(database)


def _fates(database: Database, together: Combined, batches: Sequence[Placed], *, simple: bool) -> list[Fates]:
    config, first = together.config, batches[0].position
    if config.goal.drop is not None:
        apply_consents(database, batches, _looks(batches))
        counts = writing.row_fates(config, first, Sql(" UNION SELECT profile_id FROM consent_changed"))
    else:
        counts = writing.simple_row_fates(records_of(config), first) if simple else writing.row_fates(config, first)
    fates = [Fates(*row) for row in database.rows(counts)]
    if config.is_gated:
        shut = note_mismatches(database)
        fates = [_shut_out(fate, shut.get(fate.position - first, 0)) for fate in fates]
    if config.goal.drop is not None:
        # Drop folders make whomever they do not find: only a refused row has no profile.
        fates = [replace(fate, not_found=0, rejected=fate.not_found) for fate in fates]
    if not drops_events(together):
        return fates
    rows = uncounted_rows(database, first)
    fates += [Fates(position, 0, 0, 0, 0) for position in sorted(rows.keys() - {fate.position for fate in fates})]
    return [_less(fate, rows.get(fate.position, Uncounted())) for fate in fates]


def _note_left_out(database: Database, config: BatchConfig, batches: Sequence[Placed], fates: Sequence[Fates]) -> None:
    """Enters which rows are about nobody who is known, and which identify nobody.

    A person who was erased left rows that identify nobody either: of their files the latter are not told.
    """
    lost = {fate.position: fate.not_found for fate in fates}
    for item in batches:
        manifest = item.manifest
        where = (manifest.batch_id, item.parquet, manifest.header_lines)
        if lost.get(item.position):
            database.run(left_out.note_not_found(config, *where))
        if manifest.rows_no_identifier and not manifest.rows_erased:
            database.run(left_out.note_unidentified(*where))


def _shut_out(fate: Fates, rows: int) -> Fates:
    """Rows that lack consent have found nobody."""
    return replace(fate, not_found=fate.not_found - rows, consent_mismatch=rows)


def _less(fate: Fates, rows: Uncounted) -> Fates:
    return replace(
        fate,
        modified=fate.modified - rows.repeated,
        unchanged=fate.unchanged + rows.repeated,
        rejected=fate.rejected + rows.over,
    )


def _writes(database: Database, config: BatchConfig, present: frozenset[int]) -> list[Write]:
    columns = database.rows(column_names(records_of(config).path))
    return writes_of(config, present, frozenset(name for (name,) in columns))


def _write(
    database: Database,
    batches: Sequence[Placed],
    config: BatchConfig,
    writes: Sequence[Write],
    touched: Touched,
    indexed: Sequence[str],
) -> None:
    """Changes and makes profiles, and keeps the index of identifiers true; survivors of merges come after."""
    first, looks = batches[0].position, _looks(batches)
    _note_latest(database, config, writes, touched, looks)
    note_consents(database, batches, config, writes, touched)
    records = records_of(config)
    moving = writing.identifying(writes, config, indexed)
    if writes:
        database.run(records.added(merging.changed_profiles(config, writes, touched, looks)))
        if moving:
            suspects = writing.suspects(config, writes, moving)
            old = touched.rows(records)
            none = suspects is not None and not database.rows(sql("{all} LIMIT 1", all=suspects))
            database.run(
                writing.none_moved(records) if none else writing.moved_identifiers(records, old, moving, first)
            )
        database.run(writing.drop_old_rows(records, first))
    if config.goal.allow_create:
        database.run(records.added(merging.new_profiles(config, writes, touched, looks)))
        if not records.group_type and database.rows(Sql("SELECT 1 FROM ops.profile_ids LIMIT 1")):
            database.run(identity.note_other_ids(records))
    if moving and database.rows(Sql("SELECT 1 FROM id_moved LIMIT 1")):
        for statement in writing.index_moved(records, moving):
            database.run(statement)
    for statement in writing.index_new(records, [*_held_from_the_start(config, indexed), *moving], first):
        database.run(statement)


def _held_from_the_start(config: BatchConfig, indexed: Sequence[str]) -> list[Property]:
    """What finds a record that is made, though no mapping writes it: its single identifier, and a group's id."""
    if not config.has_one_identifier:
        return []
    single = config.find_property(config.goal.identifier_columns[0].property)
    has_id = config.goal.group_type and GROUP_ID.name in indexed and single.name != GROUP_ID.name
    return [single, GROUP_ID] if has_id else [single]


def _note_imported(database: Database, connections: Sequence[str], touched: Touched) -> None:
    """Notes which profiles each connection has touched; whom it made itself, it has: then nobody need be looked up."""
    if touched.few and not touched.merged and len(set(connections)) == 1:
        database.run(writing.unsure_imports(connections[0]))
        if not database.rows(Sql("SELECT 1 FROM id_unsure LIMIT 1")):
            database.run(writing.note_made(connections[0]))
            return
    database.run(writing.note_imported(connections, repeated=touched.repeated))


def _note_latest(
    database: Database, config: BatchConfig, writes: Sequence[Write], touched: Touched, looks: Sql
) -> None:
    """Notes when properties were written whose latest write decides as profiles merge; nearly always there are none."""
    if any(config.merges_by_latest(prop.name) for prop in config.properties):
        deciding = [write for write in writes if config.merges_by_latest(write.prop.name)]
        statements = latest_writes.written_now(config, deciding, touched)
        for statement in (*statements, *latest_writes.enter_written(looks)):
            database.run(statement)


def _looks(batches: Sequence[Placed]) -> Sql:
    """The batches of the pass as a table: number within the pass, position, look."""
    rows = comma(
        sql(
            "({number}, {position}, {look})",
            number=literal(number),
            position=literal(item.position),
            look=literal(item.manifest.look_at),
        )
        for number, item in enumerate(batches)
    )
    return sql("(SELECT * FROM (VALUES {rows}) AS looks(number, position, look_at))", rows=rows)


def _row_digest(config: BatchConfig, present: frozenset[int]) -> Sql:
    numbers = range(len(config.goal.mappings))
    return full_files.row_digest(config, numbers, present, events=bool(config.goal.events))


def _memories(
    database: Database, config: BatchConfig, present: frozenset[int], earlier: dict[str, Placed]
) -> tuple[list[Memory], dict[int, frozenset[int]]]:
    """What earlier full files said: under today's mappings, and batch by batch under older ones.

    Returns the memories, and for each of today's mappings the groups whose rows have counted it already.
    """
    today = full_files.rows_signature(config.goal)
    memories = [Memory(0, full_files.current_memory(config, today), _row_digest(config, present))]
    counted: dict[int, set[int]] = {}
    older = database.rows(
        Sql("SELECT DISTINCT batch_id FROM main.goal_rows WHERE goal_id = ? AND mappings <> ? ORDER BY batch_id"),
        [config.goal_id, today],
    )
    for group, (batch_id,) in enumerate(older, start=1):
        source = earlier[batch_id]
        before = source.manifest.config.goal
        then = {full_files.mapping_signature(mapping): number for number, mapping in enumerate(before.mappings)}
        shared = [
            (number, then[full_files.mapping_signature(mapping)])
            for number, mapping in enumerate(config.goal.mappings)
            if full_files.mapping_signature(mapping) in then
        ]
        if not shared or before.domain_group != config.goal.domain_group:
            continue
        past = full_files.row_digest(source.manifest.config, [old for _, old in shared], source.manifest.present)
        now = full_files.row_digest(config, [new for new, _ in shared], present)
        memories.append(Memory(group, full_files.earlier_memory(config, batch_id, source.parquet, past), now))
        for new, _ in shared:
            counted.setdefault(new, set()).add(group)
    for number in full_files.counted_once(config.goal):
        counted.setdefault(number, set()).add(full_files.TOLD_BEFORE)
    return memories, {number: frozenset(groups) for number, groups in counted.items()}
