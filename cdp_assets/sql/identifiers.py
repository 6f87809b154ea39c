"""What identifies a row, as columns of its batch.

Where one column with one value finds every profile (the common case):
    identifier         canonical text of the value; NULL = none, or not valid
    identifier_cell    the cell as written (full files only)
    identifier_invalid the cell as written where it is not valid: the row is rejected
Else, with a column for the n-th identifying column of the goal:
    id<n>              canonical text of the cell, a LIST of them where the property holds several; NULL = none, or
                       none that is valid. Left out where a mapping brings the same: `with_identifiers` adds it
    id<n>_blocked      then, whether the value is one that identifies nobody; left out where there are none such
    identifier         the empty text; NULL = no rule has all it needs
    identifier_cell    the cells as written, as one JSON text (full files only)
    identifier_invalid the first cell that is not valid, where that leaves the row without an identifier
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cdp_assets.config.goals import Identifier, Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.dialect import matches, value_type
from cdp_assets.sql.fields import Cells, Field
from cdp_assets.sql.text import Sql, Step, comma, ident, joined, literal, sql
from cdp_assets.sql.values import invalid_reason


@dataclass(frozen=True)
class Place:
    """One identifying column of the goal."""

    number: int
    name: str
    """Of the property."""
    column: Sql
    """Of the batch."""
    several: bool
    """Whether it holds a LIST."""
    mapping: int | None = None
    """The mapping that brings the same value, so that the batch need not hold it twice."""

    @property
    def values(self) -> Sql:
        """Its values as a list; NULL = none."""
        return self.column if self.several else sql("CASE WHEN {id} IS NOT NULL THEN [{id}] END", id=self.column)

    def ids(self, rows: str, *carried: str) -> Sql:
        """Its values one a row, as `id`, with some columns of `rows` beside."""
        each = sql("unnest({id})" if self.several else "{id}", id=self.column)
        columns = joined(", ", [*map(ident, carried), sql("{each} AS id", each=each)])
        return sql(
            "SELECT {columns} FROM {rows} WHERE {id} IS NOT NULL", columns=columns, rows=ident(rows), id=self.column
        )


def places_of(config: BatchConfig) -> list[Place]:
    """The identifying columns, in order."""
    columns = config.goal.identifier_columns
    if config.has_one_identifier:
        return [Place(0, columns[0].property, ident("identifier"), several=False)]
    return [
        Place(
            number,
            item.property,
            ident(id_name(number)),
            config.find_property(item.property).multiple,
            _same_mapping(config, item),
        )
        for number, item in enumerate(columns)
    ]


def _same_mapping(config: BatchConfig, item: Identifier) -> int | None:
    """The mapping whose value is the identifier's: of the same column, to the same property of one value."""
    if config.find_property(item.property).multiple:
        return None
    for number, mapping in enumerate(config.goal.mappings):
        if (mapping.column, mapping.property) == (item.column, item.property) and mapping.rule is not Rule.sum:
            return number
    return None


def with_identifiers(config: BatchConfig, rows: Sql) -> Sql:
    """The rows of a batch with all their id<n>. `rows`: a relation, or a query in brackets."""
    added = []
    for place in places_of(config):
        if place.mapping is not None:
            value = sql("{value}::VARCHAR", value=ident(f"m{place.mapping}"))
            if config.blocked_identifiers:
                value = sql("CASE WHEN NOT {bad} THEN {value} END", bad=_blocked(place.number), value=value)
            added.append(sql("{value} AS {id}", value=value, id=place.column))
    return sql("SELECT {columns} FROM {rows}", columns=joined(", ", [Sql("*"), *added]), rows=rows)


def shown_identifiers(config: BatchConfig) -> Sql:
    """A row's identifiers as one text for people; NULL = the row has none."""
    lists = joined(", ", [sql("coalesce({ids}, [])", ids=place.values) for place in places_of(config)])
    return sql("CASE WHEN identifier IS NOT NULL THEN array_to_string(flatten([{lists}]), ' | ') END", lists=lists)


def match_value(config: BatchConfig) -> Sql:
    """What identifies a row, as one text that stays the same; NULL = nothing does."""
    return Sql("identifier") if config.has_one_identifier else shown_identifiers(config)


def numbered_matches(config: BatchConfig, batch: Sql) -> Sql:
    """The rows of a batch's file from 1, each with what identifies it in `match`."""
    return sql(
        "SELECT file_row_number + 1 AS row_no, {match} AS match FROM ({rows})",
        match=match_value(config),
        rows=with_identifiers(config, batch),
    )


def identifier_fields(config: BatchConfig, cells: Cells) -> list[Field]:
    """The fields of the identifying columns the file has."""
    columns = config.goal.identifier_columns
    if config.has_one_identifier:
        prop = config.find_property(columns[0].property)
        cell = _unblocked(config, cells.columns[columns[0].column])
        return [Field("identifier", prop, cell, scalar=True, several=False)]
    return [
        Field(
            id_name(place),
            prop,
            cells.columns[item.column] if prop.multiple else _unblocked(config, cells.columns[item.column]),
            scalar=not prop.multiple,
            several=prop.multiple,
        )
        for place, item in enumerate(columns)
        if item.column in cells.columns and _same_mapping(config, item) is None
        for prop in [config.find_property(item.property)]
    ]


def _unblocked(config: BatchConfig, cell: Sql) -> Sql:
    """A cell, or one value; NULL where it is one that identifies nobody (spec.md 1.4)."""
    if not config.blocked_identifiers:
        return cell
    return sql("CASE WHEN NOT {blocked} THEN {cell} END", blocked=_is_blocked(config, cell), cell=cell)


def _is_blocked(config: BatchConfig, cell: Sql) -> Sql:
    pattern = "|".join(f"(?:{one})" for one in config.blocked_identifiers)
    return matches(cell, rf"^[ \t]*(?i:{pattern})[ \t]*$")


def raw_cells(config: BatchConfig, columns: Collection[str]) -> list[Sql]:
    """The identifying cells as written, for full files. `columns`: those the file has."""
    if config.goal.files.delta:
        return []
    if config.has_one_identifier:
        return [Sql('"identifier_cell"')]
    cells = [
        ident(f"{id_name(place.number) if place.mapping is None else f'm{place.mapping}'}_cell")
        if item.column in columns
        else Sql("NULL")
        for place, item in zip(places_of(config), config.goal.identifier_columns, strict=True)
    ]
    return [sql("to_json([{cells}])::VARCHAR AS identifier_cell", cells=joined(", ", cells))]


def keyed(config: BatchConfig, columns: Collection[str], source: str) -> list[Step]:
    """Steps that tell which rows several identifiers can place; none where there is only one.

    `columns`: those the file has.
    """
    if config.has_one_identifier:
        return []
    places = places_of(config)
    replaced, added, shared = [], [], []
    for place, item in zip(places, config.goal.identifier_columns, strict=True):
        if item.column not in columns:
            added += _absent(config, place)
        elif place.mapping is not None:
            shared += _shared(config, place)
        elif config.blocked_identifiers and place.several:
            kept = _unblocked(config, Sql("v"))
            some = sql("list_filter({id}, lambda v: {kept} IS NOT NULL)", id=place.column, kept=kept)
            replaced.append(sql("nullif({some}, []) AS {id}", some=some, id=place.column))
    star = sql("* REPLACE ({lists})", lists=joined(", ", replaced)) if replaced else Sql("*")
    steps = [
        Step("listed", sql("SELECT {all} FROM {source}", all=comma([star, *added]), source=ident(source))),
        Step("judged", sql("SELECT {all} FROM listed", all=comma([Sql("*"), *shared]))),
    ]
    full = Step("complete", with_identifiers(config, Sql("judged")))
    tests = [
        sql("({all})", all=joined(" AND ", [sql("{id} IS NOT NULL", id=places[place].column) for place in rule]))
        for rule in config.goal.identifier_places
    ]
    derived = [place.column for place in places if place.mapping is not None]
    final = sql(
        "SELECT * {without}, CASE WHEN {complete} THEN '' END AS identifier,"
        " CASE WHEN NOT ({complete}) THEN coalesce({bad}) END AS identifier_invalid FROM complete",
        without=sql("EXCLUDE ({names})", names=joined(", ", derived)) if derived else Sql(""),
        complete=joined(" OR ", tests),
        bad=joined(", ", [_invalid(place.number) for place in places]),
    )
    return [*steps, full, Step("keyed", final)]


def _absent(config: BatchConfig, place: Place) -> list[Sql]:
    """The columns of a place whose column the file lacks."""
    columns = [sql("NULL::VARCHAR AS {name}", name=_invalid(place.number))]
    if place.mapping is None:
        kind = Sql("VARCHAR[]" if place.several else "VARCHAR")
        return [*columns, sql("NULL::{kind} AS {name}", kind=kind, name=place.column)]
    kind = value_type(config.find_property(place.name))
    columns.append(sql("NULL::{kind} AS {name}", kind=kind, name=ident(f"m{place.mapping}")))
    return [*columns, sql("false AS {name}", name=_blocked(place.number))] if config.blocked_identifiers else columns


def _shared(config: BatchConfig, place: Place) -> list[Sql]:
    """What is told of a place beside the columns of its mapping."""
    value, bad = ident(f"m{place.mapping}"), ident(f"m{place.mapping}_invalid")
    if not config.blocked_identifiers:
        return [sql("{bad} AS {name}", bad=bad, name=_invalid(place.number))]
    blocked = _is_blocked(config, sql("coalesce({value}::VARCHAR, {bad})", value=value, bad=bad))
    blocked = sql("coalesce({blocked}, false)", blocked=blocked)
    return [
        sql("{blocked} AS {name}", blocked=blocked, name=_blocked(place.number)),
        sql("CASE WHEN NOT {blocked} THEN {bad} END AS {name}", blocked=blocked, bad=bad, name=_invalid(place.number)),
    ]


def identifier_rejects(config: BatchConfig) -> list[tuple[str, Sql, Sql, Sql]]:
    """Per identifying column: its name, the text refused, the condition on the row, and the reason.

    Exactly one of them holds for a row that is rejected: the first cell that is not valid is told.
    """
    columns = config.goal.identifier_columns
    if config.has_one_identifier:
        told, prop = Sql("identifier_invalid"), config.find_property(columns[0].property)
        return [
            (
                columns[0].column,
                told,
                sql("{t} IS NOT NULL", t=told),
                _reason(prop.name, invalid_reason(prop, config.goal.format)),
            )
        ]
    found = []
    for place, item in enumerate(columns):
        prop = config.find_property(item.property)
        first = [sql("{bad} IS NULL", bad=_invalid(before)) for before in range(place)]
        own = sql("{bad} IS NOT NULL", bad=_invalid(place))
        where = joined(" AND ", [Sql("identifier IS NULL"), own, *first])
        found.append(
            (item.column, _invalid(place), where, _reason(prop.name, invalid_reason(prop, config.goal.format)))
        )
    return found


def missing_identifiers(config: BatchConfig, columns: Collection[str]) -> list[str]:
    """Columns of the first rule that the file lacks; empty = at least one rule has all its columns."""
    members = config.goal.identifier_columns
    rules = [[members[place].column for place in places] for places in config.goal.identifier_places]
    if any(all(column in columns for column in rule) for rule in rules):
        return []
    return [column for column in rules[0] if column not in columns]


def id_name(place: int) -> str:
    """Column of the batch with the values of the n-th identifying column."""
    return f"id{place}"


def _invalid(place: int) -> Sql:
    return ident(f"{id_name(place)}_invalid")


def _blocked(place: int) -> Sql:
    return ident(f"{id_name(place)}_blocked")


def _reason(prop: str, why: str) -> Sql:
    return literal(f"{prop}: {why}")
