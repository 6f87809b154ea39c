"""Writes the events of a file set beside its batch: one file for each entry of the goal's events (spec.md 8.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cdp_assets.config.events import INTERACTIONS, EventImport, NestedImport
from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property, PropertyType
from cdp_assets.errors import FileError
from cdp_assets.files.remote import shown
from cdp_assets.flows.date_doubts import FIRST_ROWS, date_doubts
from cdp_assets.flows.join_linked import LinkedSet
from cdp_assets.sql.date_detection import KnownFormat, choose_format, date_counts, detection_query
from cdp_assets.sql.event_fields import Slot, Slots, date_columns, event_field, slots_of
from cdp_assets.sql.event_landing import EventPlan, Items, event_file, event_query, items_query
from cdp_assets.sql.event_linking import (
    are_shared,
    chain_below,
    event_cells,
    item_cells,
    number_roots,
    numbered_cells,
    once_for_each_event,
    prefixed,
    rows_below,
    same_events,
    with_columns_below,
)
from cdp_assets.sql.event_rejects import event_rejects, with_problems
from cdp_assets.sql.fields import Cells
from cdp_assets.sql.identifiers import numbered_matches
from cdp_assets.sql.interactions import interaction_cells
from cdp_assets.sql.landing import first_rows, parquet_rows
from cdp_assets.sql.linking import table_of
from cdp_assets.sql.text import Sql, ident, literal, sql
from cdp_assets.warehouse import Database

EVENT_ID = Property(name="event_id")
EVENT_DATE = Property(name="date", type=PropertyType.datetime)


@dataclass(frozen=True)
class EventSource:
    """What events are made of: the batch they stand beside, and the cells it was made of."""

    config: BatchConfig
    root: Cells
    """Cells of the root file, in the order of the batch's rows."""
    linked: LinkedSet
    content: Path
    """Folder of the batch."""
    at: datetime
    """The batch's frozen time."""
    header_lines: int
    """Row n of the root file stands on line n + header_lines, where the cells tell no line."""

    @property
    def batch(self) -> Sql:
        """The batch's rows."""
        return parquet_rows([str(self.content / "batch.parquet")])


def write_events(engine: Database, source: EventSource) -> tuple[dict[str, int], list[str]]:
    """Writes the files and adds what is wrong to `rejects`; returns how many events there are, and what to warn of.

    Raises:
        FileError: the supplier must act: names of columns cannot be told apart.
    """
    if not source.config.goal.events:
        return {}, []
    if source.linked.files:
        engine.run(number_roots(source.batch))
    received = rejected = 0
    doubts: list[str] = []
    for number, event in enumerate(source.config.goal.events):
        plan = _plan(engine, source, number, event)
        *counts, found = _write(engine, source, number, plan)
        received, rejected = received + counts[0], rejected + counts[1]
        doubts += found
    return {"events_received": received, "events_rejected": rejected}, doubts


def _write(engine: Database, source: EventSource, number: int, plan: EventPlan) -> tuple[int, int, list[str]]:
    """Dates are written in the format that is preferred first; only if some are not read is it looked for."""
    target = source.content / event_file(number)
    events = parquet_rows([str(target)])
    dates: Mapping[str, KnownFormat] = _preferred(source.config, plan.slots)
    if plan.event.on_missing_date == "reject":
        _copy(engine, source, plan.dated(dates), target)
    # Where a missing date does not matter, one that is not read leaves no trace.
    if plan.event.on_missing_date == "now" or (dates and _wrong(engine, events)):
        found = _found_dates(engine, source.config, plan.slots)
        if found != dates or plan.event.on_missing_date == "now":
            _copy(engine, source, plan.dated(found), target)
        dates = found
    (received,) = engine.row(sql("SELECT count(*) FROM {events} WHERE is_event", events=events))
    return int(received), _reject(engine, source, plan, events), _doubts(engine, source.config, plan.slots, dates)


def _copy(engine: Database, source: EventSource, plan: EventPlan, target: Path) -> None:
    goal = source.config.goal
    engine.run(
        sql(
            "COPY (\n{query}\n) TO {target} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION snappy,"
            " DICTIONARY_SIZE_LIMIT 8000)",
            query=event_query(plan, goal.format, source.at, digests=not goal.files.delta),
            target=literal(str(target)),
        )
    )


def _reject(engine: Database, source: EventSource, plan: EventPlan, events: Sql) -> int:
    if not _wrong(engine, events):
        return 0
    batch = numbered_matches(source.config, source.batch)
    has_line = plan.slots.cells.line is not None
    line = Sql("line_no") if has_line else sql("n + 1 + {n}", n=literal(source.header_lines))
    names = {item.given.link.name: shown(item.given.name) for item in source.linked.files}
    file_name = names[plan.event.source] if plan.event.source else None
    found = event_rejects(plan, events, batch, line, file_name)
    engine.run(sql("CREATE OR REPLACE TABLE rejected_events AS\n{found}", found=found))
    engine.run(Sql("INSERT INTO rejects BY NAME SELECT * EXCLUDE (match, one) FROM rejected_events"))
    (rejected,) = engine.row(Sql("SELECT count(DISTINCT (match, one)) FROM rejected_events"))
    return int(rejected)


def _plan(engine: Database, source: EventSource, number: int, event: EventImport) -> EventPlan:
    kind = source.config.find_event_type(event.type)
    viewed = source.config.goal.interactions if event.type == INTERACTIONS else None
    cells = source.root
    if source.linked.files:
        cells = numbered_cells(cells) if event.source is None else _linked_cells(source, event.source)
        own = [entry for entry in event.nested if entry.source in {event.source, None}]
        mappings = [*event.mappings, *(item for entry in own for item in entry.mappings)]
        named = [event.id, event.date, *(item.column for item in mappings), *(viewed.columns if viewed else ())]
        cells = _with_columns_below(source, cells, event.source, named)
    if viewed is not None:
        cells = interaction_cells(cells, viewed)
    slots: list[Slot] = []
    id_slot = _slot(slots, event.id, EVENT_ID, cells)
    date_slot = _slot(slots, event.date, EVENT_DATE, cells)
    values = slots_of(kind.values, event.mappings, _all(source, event, event.source), cells, len(slots))
    slots += values
    same, below = [], []
    for place, nested in enumerate(event.nested):
        field = kind.find_field(nested.property)
        assert field is not None, "cross rules were checked"
        if nested.source in {event.source, None}:
            everything = _all(source, nested, nested.source)
            items = slots_of(field.fields, nested.mappings, everything, cells, len(slots))
            slots += items
            same.append(Items(field, tuple(item.field.name for item in items)))
        else:
            below.append((field, _items(engine, source, f"items_{number}_{place}", event, nested)))
    return EventPlan(
        event,
        kind,
        Slots(cells, tuple(slots)),
        id_slot,
        date_slot,
        tuple(slot.field.name for slot in values),
        tuple(same),
        tuple(below),
        positional=not source.linked.files,
    )


def _slot(slots: list[Slot], column: str | None, prop: Property, cells: Cells) -> str | None:
    """Adds a field that is one column's, and returns its name; None where the file has no such column."""
    if column is None or column not in cells.columns:
        return None
    name = f"e{len(slots)}"
    slots.append(Slot(prop.name, column, event_field(name, prop, cells.columns[column])))
    return name


def _all(source: EventSource, entry: EventImport | NestedImport, alias: str | None) -> dict[str, str]:
    """Name of a column in its file → as mappings name it, of all columns that may be taken by their names alone."""
    if not entry.all_properties:
        return {}
    if alias is None:
        return {name: name for name in source.root.columns}
    return {name: f"{alias}.{name}" for name in _columns(source, alias)}


def _columns(source: EventSource, alias: str) -> Mapping[str, Sql]:
    return next(item.processed.columns for item in source.linked.files if item.given.link.name == alias)


def _linked_cells(source: EventSource, alias: str) -> Cells:
    columns = _columns(source, alias)
    clash = sorted(set(source.root.columns) & {f"{alias}.{name}" for name in columns})
    if clash:
        message = f'column "{clash[0]}" stands in the root file and in linked file {alias!r}'
        raise FileError(f"{message}; give the linked file another name in the goal")
    return event_cells(alias, columns, source.root)


def _with_columns_below(source: EventSource, cells: Cells, owner: str | None, named: Sequence[str | None]) -> Cells:
    """The cells of a file's rows, with the columns that mappings name of files below it."""
    linked = source.config.goal.files.linked
    found = []
    for item in source.linked.files:
        alias = item.given.link.name
        way = chain_below(linked, owner, alias) if alias != owner else None
        wanted = {
            name: column
            for name, column in prefixed(alias, item.processed.columns).items()
            if name in named and name not in cells.columns
        }
        if way is not None and wanted:
            found.append((way, wanted))
    links = {item.given.link.name: item.link for item in source.linked.files}
    return with_columns_below(cells, links, found, rooted=owner is None) if found else cells


def _items(engine: Database, source: EventSource, table: str, event: EventImport, nested: NestedImport) -> Sql:
    """Makes the table of the items of one nested field, by the line of their event; returns its name."""
    alias = nested.source or ""
    field = source.config.find_event_type(event.type).find_field(nested.property)
    way = chain_below(source.config.goal.files.linked, event.source, alias)
    assert field is not None, "cross rules were checked"
    assert way is not None, "cross rules were checked"
    links = {item.given.link.name: item.link for item in source.linked.files}
    pairs, same = rows_below(links, way, rooted=event.source is None), _same(source, event)
    if same is not None and engine.row(are_shared(pairs)) == (True,):
        # One row below is one item, however often its event's row stands in the file.
        pairs = once_for_each_event(pairs, same)
    cells = item_cells(pairs, alias, _columns(source, alias))
    cells = _with_columns_below(source, cells, alias, [item.column for item in nested.mappings])
    slots = Slots(cells, tuple(slots_of(field.fields, nested.mappings, _all(source, nested, alias), cells)))
    slots = slots.with_dates(_found_dates(engine, source.config, slots))
    query = items_query(field, slots, source.config.goal.format)
    name = ident(table)
    engine.run(sql("CREATE OR REPLACE TABLE {name} AS\n{query}", name=name, query=query))
    return name


def _same(source: EventSource, event: EventImport) -> Sql | None:
    """Which rows of an event's source are one event; None = no id tells."""
    if event.source is None:
        relation, columns = source.root.relation, dict(source.root.columns)
        telling = [event.id, event.date, *(one.column for one in source.config.goal.identifier_columns)]
    else:
        link = next(item.given.link for item in source.linked.files if item.given.link.name == event.source)
        relation, columns = table_of("ready", event.source), prefixed(event.source, _columns(source, event.source))
        telling = [event.id, event.date, f"{event.source}.{link.column}"]
    cells = [columns[name] for name in dict.fromkeys(telling) if name in columns]
    return same_events(relation, cells) if event.id in columns else None


def _preferred(config: BatchConfig, slots: Slots) -> dict[str, KnownFormat]:
    if config.goal.format.date_format != "auto":
        return {}
    return {slot.field.name: KnownFormat.iso for slot in slots.dated}


def _found_dates(engine: Database, config: BatchConfig, slots: Slots) -> Mapping[str, KnownFormat]:
    """The format of each column of dates, as it is found out from all its rows."""
    names: Sequence[str] = list(_preferred(config, slots))
    if not names:
        return {}
    counts = engine.row(detection_query(date_columns(slots, config.goal.format), slots.cells.relation))
    return {name: choose_format(date_counts(found)) for name, found in zip(names, counts, strict=True)}


def _doubts(engine: Database, config: BatchConfig, slots: Slots, dates: Mapping[str, KnownFormat]) -> list[str]:
    columns = {
        slot.column: column
        for slot, column in zip(slots.dated, date_columns(slots, config.goal.format), strict=True)
        if dates.get(slot.field.name) is KnownFormat.month_first
    }
    cells = slots.cells
    return date_doubts(engine, columns, first_rows(cells, FIRST_ROWS).relation, cells.relation)


def _wrong(engine: Database, events: Sql) -> int:
    """How many rows bring an event with a problem."""
    return int(engine.row(with_problems(events))[0])
