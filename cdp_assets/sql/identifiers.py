"""What identifies a row, as columns of its batch.

Where one column with one value finds every profile (the common case):
    identifier         canonical text of the value; NULL = none, or not valid
    identifier_cell    the cell as written (full files only)
    identifier_invalid the cell as written where it is not valid: the row is rejected
Else, with a column for the n-th identifying column of the goal:
    id<n>              canonical text of the cell, a LIST of them where the property holds several; NULL = none, or
                       none that is valid
    identifier         the empty text; NULL = no rule has all it needs
    identifier_cell    the cells as written, as one JSON text (full files only)
    identifier_invalid the first cell that is not valid, where that leaves the row without an identifier
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.fields import Cells, Field
from cdp_assets.sql.text import Sql, Step, comma, ident, joined, literal, sql
from cdp_assets.sql.values import INVALID, trimmed


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
        Place(number, item.property, ident(id_name(number)), config.find_property(item.property).multiple)
        for number, item in enumerate(columns)
    ]


def shown_identifiers(config: BatchConfig) -> Sql:
    """A row's identifiers as one text for people; NULL = the row has none."""
    lists = joined(", ", [sql("coalesce({ids}, [])", ids=place.values) for place in places_of(config)])
    return sql("CASE WHEN identifier IS NOT NULL THEN array_to_string(flatten([{lists}]), ' | ') END", lists=lists)


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
        if item.column in cells.columns
        for prop in [config.find_property(item.property)]
    ]


def _unblocked(config: BatchConfig, cell: Sql) -> Sql:
    """A cell, or one value; NULL where it is one that identifies nobody (spec.md 1.4)."""
    if not config.blocked_identifiers:
        return cell
    pattern = "^(?i:" + "|".join(f"(?:{one})" for one in config.blocked_identifiers) + ")$"
    return sql("CASE WHEN NOT {blocked} THEN {cell} END", blocked=matches(trimmed(cell), pattern), cell=cell)


def raw_cells(config: BatchConfig, fields: list[Field]) -> list[Sql]:
    """The identifying cells as written, for full files."""
    if config.goal.files.delta:
        return []
    if config.has_one_identifier:
        return [Sql('"identifier_cell"')]
    known = {field.name: field.column("cell") for field in fields}
    places = range(len(config.goal.identifier_columns))
    cells = joined(", ", [known.get(id_name(place), Sql("NULL")) for place in places])
    return [sql("to_json([{cells}])::VARCHAR AS identifier_cell", cells=cells)]


def keyed(config: BatchConfig, fields: list[Field], source: str) -> list[Step]:
    """Steps that tell which rows several identifiers can place; none where there is only one."""
    if config.has_one_identifier:
        return []
    known = {field.name: field for field in fields}
    lists, missing = [], []
    for place, item in enumerate(config.goal.identifier_columns):
        name = ident(id_name(place))
        if id_name(place) not in known:
            kind = Sql("VARCHAR[]" if config.find_property(item.property).multiple else "VARCHAR")
            missing += [sql("NULL::{kind} AS {name}", kind=kind, name=name)]
            missing += [sql("NULL::VARCHAR AS {name}", name=_invalid(place))]
        elif config.blocked_identifiers and config.find_property(item.property).multiple:
            some = sql(
                "list_filter({name}, lambda v: {kept} IS NOT NULL)", name=name, kept=_unblocked(config, Sql("v"))
            )
            lists.append(sql("nullif({some}, []) AS {name}", some=some, name=name))
    star = sql("* REPLACE ({lists})", lists=joined(", ", lists)) if lists else Sql("*")
    listed = Step("listed", sql("SELECT {all} FROM {source}", all=comma([star, *missing]), source=ident(source)))
    places = [ident(id_name(place)) for place in range(len(config.goal.identifier_columns))]
    complete = joined(
        " OR ",
        [
            sql("({all})", all=joined(" AND ", [sql("{id} IS NOT NULL", id=places[place]) for place in rule]))
            for rule in config.goal.identifier_places
        ],
    )
    key = sql("CASE WHEN {complete} THEN '' END", complete=complete)
    bad = joined(", ", [_invalid(place) for place in range(len(places))])
    keys = Step(
        "keyed",
        sql(
            "SELECT *, {key} AS identifier,"
            " CASE WHEN NOT ({complete}) THEN coalesce({bad}) END AS identifier_invalid FROM listed",
            key=key,
            complete=complete,
            bad=bad,
        ),
    )
    return [listed, keys]


def identifier_rejects(config: BatchConfig) -> list[tuple[str, Sql, Sql, Sql]]:
    """Per identifying column: its name, the text refused, the condition on the row, and the reason.

    Exactly one of them holds for a row that is rejected: the first cell that is not valid is told.
    """
    columns = config.goal.identifier_columns
    if config.has_one_identifier:
        told, prop = Sql("identifier_invalid"), config.find_property(columns[0].property)
        return [(columns[0].column, told, sql("{t} IS NOT NULL", t=told), _reason(prop.name, INVALID[prop.type]))]
    found = []
    for place, item in enumerate(columns):
        prop = config.find_property(item.property)
        first = [sql("{bad} IS NULL", bad=_invalid(before)) for before in range(place)]
        own = sql("{bad} IS NOT NULL", bad=_invalid(place))
        where = joined(" AND ", [Sql("identifier IS NULL"), own, *first])
        found.append((item.column, _invalid(place), where, _reason(prop.name, INVALID[prop.type])))
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
    return ident(f"id{place}_invalid")


def _reason(prop: str, why: str) -> Sql:
    return literal(f"{prop}: {why}")
