"""Cross rules of timeline events: types, sources and fields exist, and what is brought into them fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cdp_assets.config.events import (
    INTERACTIONS,
    EventField,
    EventImport,
    EventMapping,
    EventType,
    ItemField,
    NestedImport,
    changes_standard,
    whole_type,
)
from cdp_assets.config.goals import ImportGoal
from cdp_assets.config.interactions import InteractionImport
from cdp_assets.config.known import Known, Place, added_field, listed, nearest_first
from cdp_assets.config.linked import LinkedFile, linked_column, misspelt_alias
from cdp_assets.config.model import CustomerModelConfig


def event_type_places(model: CustomerModelConfig, _: Known) -> Iterator[Place]:
    """Every mistake between the event types of the model."""
    tables: dict[str, str] = {}
    ids: set[str] = set()
    for index, kind in enumerate(model.event_types):
        where = ("event_types", index, "id")
        if kind.id.lower() in ids:
            yield where, f"event type {kind.id!r} stands in the list already (case does not count); put both into one"
            continue
        ids.add(kind.id.lower())
        problem = changes_standard(kind)
        if problem:
            yield ("event_types", index, "fields"), problem
            continue
        for table in _tables(whole_type(kind)):
            if tables.setdefault(table.lower(), kind.id) != kind.id:
                told = f"event type {kind.id!r} would share the table {table!r} with {tables[table.lower()]!r}"
                yield where, f"{told}; take another id"


def _tables(kind: EventType) -> list[str]:
    return [f"events_{kind.id}", *(f"events_{kind.id}_{field.key}" for field in kind.nested)]


def event_places(goal: ImportGoal, known: Known) -> Iterator[Place]:
    """Every mistake of the events of one goal."""
    for index, event in enumerate(goal.events):
        if goal.interactions is not None and event == goal.interactions.event:
            yield from ((("interactions", *where), told) for where, told in _interactions(goal, goal.interactions))
            continue
        if event.type == INTERACTIONS:
            yield ("events", index, "type"), "interactions are brought by the goal's `interactions`, not by events"
        for where, message in _event(goal, event, known):
            yield ("events", index, *where), message


def _interactions(goal: ImportGoal, given: InteractionImport) -> Iterator[Place]:
    linked = goal.files.linked
    if _unknown_source(given.source, linked):
        yield ("source",), _unknown_source(given.source, linked)
        return
    for key in ("id", "kind", "time", "value"):
        column = getattr(given, key)
        message = _foreign(linked, given.source, column) if column in given.columns else ""
        if message:
            yield (key,), message


def _event(goal: ImportGoal, event: EventImport, known: Known) -> Iterator[Place]:
    unknown = known.unknown("event type", event.type)
    if unknown:
        yield ("type",), unknown
    linked = goal.files.linked
    if _unknown_source(event.source, linked):
        yield ("source",), _unknown_source(event.source, linked)
        return
    for key, column in (("id", event.id), ("date", event.date)):
        message = _foreign(linked, event.source, column) if column is not None else ""
        if message:
            yield (key,), message
    kind = known.event_types.get(event.type)
    yield from _mappings(event.mappings, kind.fields if kind else None, linked, event.source, event.type)
    seen: set[str] = set()
    for index, nested in enumerate(event.nested):
        for where, message in _nested(goal, event, nested, kind):
            yield ("nested", index, *where), message
        if nested.property in seen:
            yield ("nested", index, "property"), f"{nested.property!r} is brought by an earlier entry already"
        seen.add(nested.property)


def _nested(goal: ImportGoal, event: EventImport, nested: NestedImport, kind: EventType | None) -> Iterator[Place]:
    linked = goal.files.linked
    field = kind.find_field(nested.property) if kind else None
    if kind and (field is None or not field.fields):
        accepted = listed(nearest_first(nested.property, [item.key for item in kind.nested]))
        yield ("property",), f"event type {kind.id!r} has no nested field {nested.property!r}; accepted: {accepted}"
        field = None
    source = _unknown_source(nested.source, linked)
    if not source and nested.source not in {event.source, None} and not _is_below(linked, event.source, nested.source):
        source = f"the rows of {nested.source!r} belong to no row of {_shown(event.source)}, whose events these are"
        source += "; accepted: its own source, a linked file below it, or the root file"
    if source:
        yield ("source",), source
        return
    fields = field.fields if field else None
    yield from _mappings(nested.mappings, fields, linked, nested.source, event.type, nested.property)


def _mappings(
    mappings: Sequence[EventMapping],
    fields: Sequence[EventField] | Sequence[ItemField] | None,
    linked: Sequence[LinkedFile],
    source: str | None,
    type_id: str,
    nested: str = "",
) -> Iterator[Place]:
    known = {field.key: field for field in fields or ()}
    used: set[str] = set()
    for index, mapping in enumerate(mappings):
        field = known.get(mapping.property)
        where = ("mappings", index, "property")
        if fields is not None and field is None:
            yield (
                where,
                f"unknown field {mapping.property!r}; known, nearest first: "
                + listed(nearest_first(mapping.property, known))
                + f"; or add it to the customer model: {added_field(type_id, mapping.property, nested)}",
            )
        elif isinstance(field, EventField) and field.fields and not nested:
            yield where, f"field {mapping.property!r} holds items; bring them by an entry of `nested`"
        elif mapping.property in used:
            yield where, f"field {mapping.property!r} is brought by an earlier mapping already; one column for each"
        used.add(mapping.property)
        message = _foreign(linked, source, mapping.column)
        if message:
            yield ("mappings", index, "column"), message


def _foreign(linked: Sequence[LinkedFile], source: str | None, column: str) -> str:
    """Why a column is none of the source's rows, the rows below them or the root row; empty = it is."""
    found = linked_column(linked, column)
    if misspelt_alias(linked, column):
        return misspelt_alias(linked, column)
    if found is None or _is_below(linked, source, found[0].name):
        return ""
    cure = "take a column of that source, of a file below it or of the root file"
    return f"column {column!r} is of linked file {found[0].name!r}, but these are rows of {_shown(source)}; {cure}"


def _unknown_source(source: str | None, linked: Sequence[LinkedFile]) -> str:
    names = [link.name for link in linked]
    if source is None or source in names:
        return ""
    return (
        f"unknown source {source!r}; linked files of this goal, nearest first: {listed(nearest_first(source, names))}"
    )


def _is_below(linked: Sequence[LinkedFile], owner: str | None, alias: str | None) -> bool:
    parents = {link.name: link.parent for link in linked}
    while alias is not None and alias != owner:
        alias = parents[alias]
    return alias == owner


def _shown(source: str | None) -> str:
    return f"linked file {source!r}" if source else "the root file"
