"""The fields of an event and of its items on their way from the cells of a row, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cdp_assets.config.events import EventField, EventMapping, ItemField, slug
from cdp_assets.config.files import Format
from cdp_assets.config.goals import Rule
from cdp_assets.config.properties import MAX_TEXT_LENGTH, Property, PropertyType
from cdp_assets.sql.date_detection import DateColumn, KnownFormat
from cdp_assets.sql.dialect import column_type
from cdp_assets.sql.fields import Cells, Field, cell_of
from cdp_assets.sql.text import Sql, comma, ident, joined, literal, sql
from cdp_assets.sql.values import typed

PROBLEM = Sql('STRUCT(column_name VARCHAR, raw_text VARCHAR, "before" VARCHAR, item BIGINT, "after" VARCHAR)')
"""One mistake in an event. Its reason is before, then for one in an item its number in the event, then after."""
_FOUND = {
    PropertyType.number: "expected type: Number, found: String",
    PropertyType.decimal: "expected type: Number, found: String",
    PropertyType.datetime: "expected type: Date, found: String",
}
MISSING_DATE = "Missing event date"


@dataclass(frozen=True)
class Slot:
    """One field, and the column that brings it."""

    key: str
    column: str
    """As the YAML names it."""
    field: Field

    @property
    def value(self) -> Sql:
        """Column with its value."""
        return ident(self.field.name)

    @property
    def invalid(self) -> Sql:
        """Column with the cell as written where it is not valid."""
        return self.field.column("invalid")

    @property
    def given(self) -> Sql:
        """Whether the cell holds anything."""
        return sql("({value} IS NOT NULL OR {bad} IS NOT NULL)", value=self.value, bad=self.invalid)


@dataclass(frozen=True)
class Slots:
    """The fields that one relation's rows bring."""

    cells: Cells
    slots: tuple[Slot, ...]

    def with_dates(self, dates: Mapping[str, KnownFormat]) -> Slots:
        """The same, where the format of some columns of dates is known by the name of their field."""
        slots = [replace(slot, field=replace(slot.field, dates=dates.get(slot.field.name))) for slot in self.slots]
        return Slots(self.cells, tuple(slots))

    def named(self, names: Sequence[str]) -> list[Slot]:
        """Those slots, in this order."""
        found = {slot.field.name: slot for slot in self.slots}
        return [found[name] for name in names]

    @property
    def dated(self) -> list[Slot]:
        """The slots that hold dates."""
        return [slot for slot in self.slots if slot.field.prop.type is PropertyType.datetime]


def slots_of(
    fields: Sequence[ItemField],
    mappings: Sequence[EventMapping],
    everything: Mapping[str, str],
    cells: Cells,
    first: int = 0,
) -> list[Slot]:
    """A slot for each field that a column brings.

    `everything`: columns that may be taken by their names alone, by these names. `first`: number of the first slot,
    as each has a name of its own in its relation.
    """
    columns = {mapping.property: mapping.column for mapping in mappings if mapping.column in cells.columns}
    for name, column in everything.items():
        match = next((field.key for field in fields if slug(field.key) == slug(name)), None)
        if match is not None:
            columns.setdefault(match, column)
    found = [(field, columns[field.key]) for field in fields if field.key in columns]
    return [
        Slot(field.key, column, event_field(f"e{number}", field.prop, cells.columns[column]))
        for number, (field, column) in enumerate(found, start=first)
    ]


def event_field(name: str, prop: Property, cell: Sql) -> Field:
    """A cell on its way to one field."""
    return Field(name, prop, cell, scalar=not prop.multiple, several=prop.multiple, rule=Rule.set)


def date_columns(slots: Slots, layout: Format) -> list[DateColumn]:
    """The texts of the slots that hold dates, for `detection_query`."""
    columns = []
    for slot in slots.dated:
        text = cell_of(slot.field, slots.cells)
        several = slot.field.several
        columns.append(DateColumn(slot.field.parts(text, layout) if several else text, several))
    return columns


def results(slots: Slots, layout: Format) -> list[Sql]:
    """Of each slot: its value, the cell where it is not valid, and of several values the place of the first bad one."""
    columns = []
    for slot in slots.slots:
        columns += slot.field.result()
        if slot.field.several:
            columns.append(sql("{place} AS {name}", place=_first_bad(slot, layout), name=slot.field.column("at")))
    return columns


def _first_bad(slot: Slot, layout: Format) -> Sql:
    texts, valid = slot.field.column("texts"), slot.field.column("valid")
    one = typed(slot.field.prop, Sql("part"), layout, slot.field.dates)
    bad = sql("list_transform({texts}, lambda part: {one} IS NULL)", texts=texts, one=one)
    return sql(
        "CASE WHEN len({valid}) < len({texts}) THEN list_position({bad}, true) - 1 END",
        valid=valid,
        texts=texts,
        bad=bad,
    )


def problem(slot: Slot, *, nested: str | None = None, item: Sql | None = None) -> Sql:
    """The mistake in a slot; NULL = none. `nested`: key of the nested field whose item it is in."""
    place = slot.field.column("at") if slot.field.several else Sql("0")
    reason = literal(_FOUND.get(slot.field.prop.type, ""))
    if slot.field.prop.choices is not None:
        reason = literal(f"expected one of: {', '.join(slot.field.prop.choices)}")
    elif slot.field.prop.type is PropertyType.text:
        reason = sql(
            "{told} || length({cell})",
            told=literal(f"expected maxLength: {MAX_TEXT_LENGTH}, actual: "),
            cell=slot.invalid,
        )
    own = sql("{start} || {place} || ': ' || {reason}", start=literal(f"/{slot.key}/"), place=place, reason=reason)
    parts = (sql("'#' || {own}", own=own), Sql("''"))
    if nested is not None:
        parts = (literal(f"#/{nested}/"), own)
    return _problem(slot.invalid, sql("{bad} IS NOT NULL", bad=slot.invalid), slot.column, parts, item)


def missing_identifier(slot: Slot | None, key: str, nested: str | None, item: Sql | None, present: Sql) -> Sql:
    """The mistake of an item, or event, without a value in a field that identifies; NULL = it has one."""
    empty = Sql("true") if slot is None else sql("NOT {given}", given=slot.given)
    return _problem(
        Sql("NULL::VARCHAR"),
        sql("{present} AND {empty}", present=present, empty=empty),
        slot.column if slot else None,
        (literal(f"#/{nested}/" if nested else "#"), literal(f": required key [{key}] not found")),
        item,
    )


def missing_date(slot: Slot | None, column: str) -> Sql:
    """The mistake of an event without a valid date; `column`: where it would stand, also if the file has none."""
    lacks = Sql("true") if slot is None else sql("{value} IS NULL", value=slot.value)
    raw = Sql("NULL::VARCHAR") if slot is None else slot.invalid
    return _problem(raw, lacks, column, (literal(MISSING_DATE), Sql("''")), None)


def _problem(raw: Sql, when: Sql, column: str | None, parts: tuple[Sql, Sql], item: Sql | None) -> Sql:
    return sql(
        'CASE WHEN {when} THEN struct_pack(column_name := {column}::VARCHAR, raw_text := {raw}, "before" := {before},'
        ' item := {item}::BIGINT, "after" := {after}) END',
        when=when,
        column=literal(column),
        raw=raw,
        before=parts[0],
        item=item or Sql("NULL"),
        after=parts[1],
    )


def item_struct(nested: EventField, slots: Sequence[Slot]) -> Sql:
    """An item with every field of its type; those no column brings are NULL."""
    values = {slot.key: slot.value for slot in slots}
    return sql(
        "struct_pack({fields})",
        fields=comma(
            sql(
                "{key} := {value}::{kind}",
                key=ident(field.key),
                value=values.get(field.key, Sql("NULL")),
                kind=column_type(field.prop),
            )
            for field in nested.fields
        ),
    )


def any_given(slots: Sequence[Slot]) -> Sql:
    """Whether any of the cells holds something."""
    return sql("({any})", any=joined(" OR ", [slot.given for slot in slots])) if slots else Sql("false")


def item_problems(nested: EventField, slots: Sequence[Slot], item: Sql, present: Sql) -> list[Sql]:
    """What may be wrong with one item."""
    by_key = {slot.key: slot for slot in slots}
    found = [problem(slot, nested=nested.key, item=item) for slot in slots]
    return found + [
        missing_identifier(by_key.get(field.key), field.key, nested.key, item, present)
        for field in nested.fields
        if field.identifier
    ]


def list_of_problems(possible: Sequence[Sql]) -> Sql:
    """The mistakes there are, as a LIST; NULL = none."""
    if not possible:
        return sql("NULL::{kind}[]", kind=PROBLEM)
    return sql(
        "nullif(list_filter([{all}], lambda p: p IS NOT NULL), [])::{kind}[]",
        all=comma(possible),
        kind=PROBLEM,
    )
