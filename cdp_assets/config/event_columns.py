"""Which columns of a file go into which fields of the events a goal brings: for people who look at the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from cdp_assets.config.connections import Connection
from cdp_assets.config.events import INTERACTIONS, EventImport, ItemField, NestedImport, slug
from cdp_assets.config.goals import ImportGoal, Rule
from cdp_assets.config.linked import linked_column
from cdp_assets.config.model import BatchConfig


def event_columns(config: BatchConfig, columns: Collection[str]) -> dict[str, list[str]]:
    """Column → the fields it goes into, such as `order.total_revenue`. `columns`: those the files have."""
    goal = config.goal
    found: dict[str, list[str]] = {}
    for event in goal.events:
        viewed = goal.interactions if event.type == INTERACTIONS else None
        for column, field in _pairs(config, event, columns):
            # Of interactions some cells are made by the landing.
            if viewed is None or column in viewed.columns:
                found.setdefault(column, []).append(f"{event.type}.{field}")
    return found


def absent_columns(config: BatchConfig, columns: Collection[str]) -> tuple[str, ...]:
    """Columns that a goal names and a file with these columns has not, in the order they are named."""
    goal = config.goal
    if goal.drop is not None:
        # The header alone says where a column goes.
        return ()
    named = [*(one.column for one in goal.identifier_columns), *(one.column for one in goal.mappings)]
    return tuple(name for name in dict.fromkeys([*named, *event_columns(config, columns)]) if name not in columns)


def items_without_source(goal: ImportGoal) -> Iterator[str]:
    """Entries of `nested` that take one item of a linked file with several rows: most likely their `source` is missing.

    Without it an item is made of the root's row, and of a column of a linked file the last cell counts.
    """
    for event in goal.events:
        for nested in event.nested:
            links = [linked_column(goal.files.linked, mapping.column) for mapping in nested.mappings]
            names = {found[0].name for found in links if found is not None}
            if nested.source is None and event.source is None and len(names) == 1 and all(links):
                (name,) = names
                yield (
                    f"{nested.property} of {event.type} takes one item, of the last row of linked file {name}, as it"
                    f" has no source; source: {name} makes one of each row"
                )


def summed_beside_events(connection: Connection) -> Iterator[str]:
    """Goals that add up on the profile what their events hold too: not all that holds for events holds for that."""
    for goal in connection.imports:
        sums = [mapping.column for mapping in goal.mappings if mapping.rule is Rule.sum]
        if goal.active and goal.events and sums:
            yield (
                f"goal {goal.name} adds {', '.join(sums)} up row by row beside its events: also rows of an event that"
                " is rejected, comes again or is mended; a segment's condition with sum adds up the events themselves"
            )


def doubtful_items(connection: Connection) -> Iterator[str]:
    """As `items_without_source`, of the goals of a connection that are switched on."""
    goals = [goal for goal in connection.imports if connection.enabled and goal.active]
    return (f"goal {goal.name}: {told}" for goal in goals for told in items_without_source(goal))


def _pairs(config: BatchConfig, event: EventImport, columns: Collection[str]) -> Iterator[tuple[str, str]]:
    kind = config.find_event_type(event.type)
    if event.id is not None:
        yield event.id, "event_id"
    yield event.date, "date"
    yield from _mapped(config, event, kind.values, columns)
    for nested in event.nested:
        field = kind.find_field(nested.property)
        assert field is not None, "cross rules were checked"
        for column, key in _mapped(config, nested, field.fields, columns):
            yield column, f"{nested.property}.{key}"


def _mapped(
    config: BatchConfig, entry: EventImport | NestedImport, fields: Sequence[ItemField], columns: Collection[str]
) -> Iterator[tuple[str, str]]:
    brought = {mapping.property: mapping.column for mapping in entry.mappings}
    for name in columns if entry.all_properties else ():
        link = linked_column(config.goal.files.linked, name)
        alias, own = (link[0].name, link[1]) if link is not None else (None, name)
        key = next((field.key for field in fields if slug(field.key) == slug(own)), None)
        if alias == entry.source and key is not None:
            brought.setdefault(key, name)
    for key, column in brought.items():
        yield column, key
