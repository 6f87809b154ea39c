"""From the rows of a file to the events they bring, typed, in one statement the engine streams.

Reads   the cells of a file, as `landing` does; of linked files the tables of `linking`
Writes  events_<n>.parquet for the n-th entry of the goal's events, in the order of root row and line:
        root_row    0-based row of the batch; left out where every row of the batch has one event, in its order
        line_no     line of its file; left out where it follows from the row's place
        is_event    false = the row holds nothing of an event
        event_id    as given; NULL = to be made of the profile and `content`
        event_date  NULL only with a problem
        content     digest of all fields, where one is needed
        problems    what is wrong (event_fields.PROBLEM): the event is rejected; NULL = nothing
        f_<key>     each field with values; n_<key>  each nested field: a LIST of STRUCTs in the order of their file
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cdp_assets.config.events import EventField, EventImport, EventType
from cdp_assets.config.files import Format
from cdp_assets.sql.date_detection import KnownFormat
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.event_fields import (
    PROBLEM,
    Slot,
    Slots,
    any_given,
    item_problems,
    item_struct,
    list_of_problems,
    missing_date,
    missing_identifier,
    problem,
    results,
)
from cdp_assets.sql.landing import selected, typing_steps
from cdp_assets.sql.text import Sql, Step, chain, ident, joined, literal, sql

STORE_FIELD = "bcStoreId"
"""Field of an event that gets the id of its product store, where the type has it."""


@dataclass(frozen=True)
class Items:
    """The items of one nested field that the event's own row brings."""

    nested: EventField
    slots: tuple[str, ...]
    """Names of their fields."""


@dataclass(frozen=True)
class EventPlan:
    """How the rows of one source become events."""

    event: EventImport
    type: EventType
    slots: Slots
    """The event's own fields, and those of items that come from the same row."""
    id: str | None
    """Name of the field with the id; None = no column brings one."""
    date: str | None
    values: tuple[str, ...]
    same: tuple[Items, ...] = ()
    below: tuple[tuple[EventField, Sql], ...] = ()
    """Nested fields whose items stand in a table of their own: line_no, items, problems."""
    positional: bool = True
    """Whether every row of the batch has one row here, in the same order."""

    def dated(self, dates: Mapping[str, KnownFormat]) -> EventPlan:
        """The same, with the formats of its columns of dates."""
        return replace(self, slots=self.slots.with_dates(dates))

    def slot(self, name: str | None) -> Slot | None:
        """The slot of a field's name."""
        return self.slots.named([name])[0] if name is not None else None


def event_file(number: int) -> str:
    """Name of the file with the events of the goal's n-th entry."""
    return f"events_{number}.parquet"


def value_column(key: str) -> Sql:
    """Column of a field in such a file."""
    return ident(f"f_{key}")


def items_column(key: str) -> Sql:
    """Column of a nested field in such a file."""
    return ident(f"n_{key}")


def items_type(nested: EventField) -> Sql:
    """Its type."""
    fields = [sql("{key} {kind}", key=ident(item.key), kind=column_type(item.prop)) for item in nested.fields]
    return sql("STRUCT({fields})[]", fields=joined(", ", fields))


def event_query(plan: EventPlan, layout: Format, at: datetime, *, digests: bool) -> Sql:
    """The typed events. `at`: the batch's frozen time. `digests`: whether all need one, not only those without id."""
    cells = plan.slots.cells
    carried: list[tuple[Sql, Sql]] = [] if plan.positional else [(Sql("root_row"), Sql("root_row"))]
    if cells.line is not None:
        carried.append((cells.line, Sql("line_no")))
    names = [name for _, name in carried]
    if not carried and not plan.slots.slots:
        # The file has none of the columns: its rows are counted all the same.
        carried = [(Sql("true"), Sql("is_row"))]
    columns = [*(name for _, name in carried), *results(plan.slots, layout)]
    joins = []
    for number, (_, table) in enumerate(plan.below):
        columns += [Sql(f"b{number}.items AS b{number}"), Sql(f"b{number}.problems AS b{number}_problems")]
        joins.append(sql("LEFT JOIN {table} AS {name} USING (line_no)", table=table, name=Sql(f"b{number}")))
    steps = [
        *typing_steps([slot.field for slot in plan.slots.slots], cells, layout, carried),
        Step("found", selected(columns, joined("\n", [Sql("typed"), *joins]))),
        Step("made", selected([*names, *_made(plan, at)], Sql("found"))),
    ]
    final = selected([*names, *_told(plan, digests=digests)], Sql("made"))
    if not plan.positional:
        final = sql("{rows}\nORDER BY root_row, line_no", rows=final)
    return chain(steps, final)


def _made(plan: EventPlan, at: datetime) -> list[Sql]:
    slots, date = plan.slots, plan.slot(plan.date)
    moment = date.value if date else Sql("NULL::TIMESTAMPTZ")
    if plan.event.on_missing_date == "now":
        moment = sql("coalesce({date}, {at})", date=moment, at=literal(at))
    here = [any_given(slots.named(items.slots)) for items in plan.same]
    below = [Sql(f"b{number} IS NOT NULL") for number in range(len(plan.below))]
    own_id = plan.slot(plan.id)
    given = joined(" OR ", [any_given(slots.slots), *below])
    columns = [
        sql("{given} AS is_event", given=given),
        sql("{id} AS event_id", id=own_id.value if own_id else Sql("NULL::VARCHAR")),
        sql("{moment} AS event_date", moment=moment),
        sql("{problems} AS problems", problems=_problems(plan, given, here)),
    ]
    values = {slot.key: slot.value for slot in slots.named(plan.values)}
    if plan.event.product_store and plan.type.find_field(STORE_FIELD):
        values[STORE_FIELD] = literal(plan.event.product_store)
    for field in plan.type.values:
        value = sql("{value}::{kind}", value=values.get(field.key, Sql("NULL")), kind=column_type(field.prop))
        columns.append(sql("{value} AS {name}", value=value, name=value_column(field.key)))
    lists = {
        items.nested.key: sql(
            "CASE WHEN {given} THEN [{item}] END",
            given=present,
            item=item_struct(items.nested, slots.named(items.slots)),
        )
        for items, present in zip(plan.same, here, strict=True)
    }
    lists |= {nested.key: Sql(f"b{number}") for number, (nested, _) in enumerate(plan.below)}
    for nested in plan.type.nested:
        value = sql("{value}::{kind}", value=lists.get(nested.key, Sql("NULL")), kind=items_type(nested))
        columns.append(sql("{value} AS {name}", value=value, name=items_column(nested.key)))
    return columns


def _once(mistake: Sql, slot: Slot, date: Slot | None, plan: EventPlan) -> Sql:
    """The mistake of a field, but for one whose cell is also the date and is told as that already."""
    if date is None or slot.column != date.column or plan.event.on_missing_date != "reject":
        return mistake
    return sql("CASE WHEN {date} IS NOT NULL THEN {mistake} END", date=date.value, mistake=mistake)


def _problems(plan: EventPlan, given: Sql, here: Sequence[Sql]) -> Sql:
    """The mistakes of an event; looked for only where there is one."""
    slots, date = plan.slots, plan.slot(plan.date)
    possible, signs = [], [slot.invalid for slot in slots.slots if slot != date]
    whether = [sql("{bad} IS NOT NULL", bad=bad) for bad in signs]
    if plan.event.on_missing_date == "reject":
        possible.append(missing_date(date, plan.event.date))
        whether.append(sql("{date} IS NULL", date=date.value) if date else Sql("true"))
    own_id = plan.slot(plan.id)
    possible += [_once(problem(slot), slot, date, plan) for slot in slots.named(plan.values)]
    possible += [problem(own_id)] if own_id else []
    by_key = {slot.key: slot for slot in slots.named(plan.values)}
    for key in (field.key for field in plan.type.values if field.identifier):
        possible.append(missing_identifier(by_key.get(key), key, None, None, Sql("true")))
        whether.append(sql("{value} IS NULL", value=by_key[key].value) if key in by_key else Sql("true"))
    for items, present in zip(plan.same, here, strict=True):
        own = slots.named(items.slots)
        possible += item_problems(items.nested, own, Sql("0"), present)
        ids = {field.key for field in items.nested.fields if field.identifier}
        there = [slot.value for slot in own if slot.key in ids]
        whether += [sql("({present} AND {id} IS NULL)", present=present, id=value) for value in there]
        whether += [present] if len(there) < len(ids) else []
    own_list = list_of_problems(possible)
    for number in range(len(plan.below)):
        below = Sql(f"b{number}_problems")
        whether.append(sql("{below} IS NOT NULL", below=below))
        own_list = sql("list_concat({own}, {below})", own=own_list, below=below)
    return sql(
        "CASE WHEN ({given}) AND ({whether}) THEN {all} END",
        given=given,
        whether=joined(" OR ", whether) if whether else Sql("false"),
        all=own_list,
    )


def _told(plan: EventPlan, *, digests: bool) -> list[Sql]:
    fields = [value_column(field.key) for field in plan.type.values]
    fields += [items_column(nested.key) for nested in plan.type.nested]
    packed = joined(", ", [sql("{name} := {name}", name=name) for name in fields])
    content = sql("sha1(to_json(struct_pack({packed}))::VARCHAR)", packed=packed) if fields else Sql("''")
    when = Sql("is_event" if digests else "is_event AND event_id IS NULL")
    return [
        *map(Sql, ("is_event", "event_id", "event_date")),
        sql("CASE WHEN {when} THEN {content} END AS content", when=when, content=content),
        Sql("problems"),
        *fields,
    ]


def items_query(nested: EventField, slots: Slots, layout: Format) -> Sql:
    """The items below each row: line_no of the owner, items, problems. The cells carry `owner` and their line."""
    present = any_given(slots.slots)
    assert slots.cells.line is not None
    carried = [(Sql("owner"), Sql("owner")), (slots.cells.line, Sql("line_no"))]
    steps = [
        *typing_steps([slot.field for slot in slots.slots], slots.cells, layout, carried),
        Step("found", selected([Sql("owner"), Sql("line_no"), *results(slots, layout)], Sql("typed"))),
        Step(
            "numbered",
            sql(
                "SELECT *, row_number() OVER (PARTITION BY owner ORDER BY line_no) - 1 AS item FROM found"
                " WHERE {present}",
                present=present,
            ),
        ),
        Step(
            "items",
            selected(
                [
                    Sql("owner"),
                    Sql("item"),
                    sql("{struct} AS struct", struct=item_struct(nested, slots.slots)),
                    sql(
                        "{problems} AS problems",
                        problems=list_of_problems(item_problems(nested, slots.slots, Sql("item"), Sql("true"))),
                    ),
                ],
                Sql("numbered"),
            ),
        ),
    ]
    final = sql(
        "SELECT owner AS line_no, list(struct ORDER BY item) AS items,"
        " flatten(list(problems ORDER BY item) FILTER (problems IS NOT NULL))::{kind}[] AS problems"
        " FROM items GROUP BY owner",
        kind=PROBLEM,
    )
    return chain(steps, final)
