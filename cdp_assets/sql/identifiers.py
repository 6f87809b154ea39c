"""What identifies a row, as columns of its batch.

Where one column with one value finds every profile (the common case):
    identifier         canonical text of the value; NULL = none, or not valid
    identifier_cell    the cell as written (full files only)
    identifier_invalid the cell as written where it is not valid: the row is rejected
Else, with a column for the n-th identifying column of the goal:
    id<n>              LIST of the canonical texts in the cell; NULL = none, or none that is valid
    identifier         all of them as one JSON text, equal for rows that identify alike; NULL = no rule has all it needs
    identifier_cell    the cells as written, as one JSON text (full files only)
    identifier_invalid the first cell that is not valid, where that leaves the row without an identifier
"""

from __future__ import annotations

from collections.abc import Collection

from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.fields import Cells, Field
from cdp_assets.sql.text import Sql, Step, comma, ident, joined, literal, sql
from cdp_assets.sql.values import INVALID, trimmed


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
    """Steps that make one key of several identifiers; none where there is only one."""
    if config.has_one_identifier:
        return []
    known = {field.name: field for field in fields}
    lists, missing = [], []
    for place, item in enumerate(config.goal.identifier_columns):
        name = ident(id_name(place))
        if id_name(place) not in known:
            missing += [sql("NULL::VARCHAR[] AS {name}", name=name), sql("NULL::VARCHAR AS {n}", n=_invalid(place))]
        elif not config.find_property(item.property).multiple:
            lists.append(sql("CASE WHEN {name} IS NOT NULL THEN [{name}] END AS {name}", name=name))
        elif config.blocked_identifiers:
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
    key = sql("CASE WHEN {complete} THEN to_json([{ids}])::VARCHAR END", complete=complete, ids=joined(", ", places))
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
