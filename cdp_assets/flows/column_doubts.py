"""What is doubtful in a file as a whole: columns many of whose cells are refused, people told of twice, orphans."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from cdp_assets.config.goals import Rule
from cdp_assets.config.linked import LinkedFile
from cdp_assets.config.model import BatchConfig
from cdp_assets.counted import counted
from cdp_assets.files.remote import shown
from cdp_assets.sql.date_detection import KnownFormat
from cdp_assets.sql.identifiers import places_of, with_identifiers
from cdp_assets.sql.text import Sql, ident, joined, literal, sql
from cdp_assets.sql.values import invalid_reason
from cdp_assets.warehouse import Database

MANY = 0.1
"""Share of a column's filled cells that must be refused for the column to be told of."""
_LEAST = 5
"""So many refused cells; of fewer each speaks for itself."""
MOST_ROWS = 1_000_000
"""Rows of a file in which people with several rows are looked for: beyond, it would take a part of the landing."""

Lost = tuple[str, int, int]
"""A column, how many of its cells are refused, and how many are filled."""


def lost_columns(
    engine: Database, config: BatchConfig, present: Collection[str], batch: Sql, dates: Mapping[int, KnownFormat]
) -> Iterator[tuple[Lost, str]]:
    """Columns many of whose cells are refused, which most likely is no fault of single rows, and what to say of them.

    `dates`: number of a mapping → the format its dates were read in, where that was found out.
    """
    refused = dict(
        engine.rows(
            sql(
                "SELECT column_name, count(*) FROM rejects WHERE level = 'cell' AND file_name IS NULL GROUP BY 1"
                " HAVING count(*) >= {least}",
                least=literal(_LEAST),
            )
        )
    )
    for number, mapping in enumerate(config.goal.mappings):
        if mapping.column in present and mapping.column in refused:
            bad, filled = engine.row(_cells(number, batch))
            if bad >= _LEAST and bad >= MANY * filled:
                prop = config.find_property(mapping.property)
                why = invalid_reason(prop, config.goal.format, dates.get(number))
                lost = (mapping.column, int(bad), int(filled))
                told = f"{bad:,} of {counted(filled, 'cell')} of column {shown(mapping.column)} are rejected: {why}"
                yield lost, told


def _cells(number: int, batch: Sql) -> Sql:
    return sql(
        "SELECT count(*) FILTER (bad IS NOT NULL), count(*) FILTER (bad IS NOT NULL OR value IS NOT NULL)"
        " FROM (SELECT {bad} AS bad, {value} AS value FROM {batch})",
        bad=ident(f"m{number}_invalid"),
        value=ident(f"m{number}"),
        batch=batch,
    )


def repeated_people(engine: Database, config: BatchConfig, present: frozenset[int], batch: Sql) -> tuple[str, int]:
    """A column that finds people, and how many of its values stand in several rows that say different things.

    Looked at is what replaces what was there (`rule: set`), in goals without events; 0 = there are none.
    """
    goal = config.goal
    places = places_of(config)
    said = [ident(f"m{number}") for number in sorted(present) if goal.mappings[number].rule is Rule.set]
    if goal.events or goal.drop is not None or not (said or len(places) > 1):
        return "", 0
    rows = with_identifiers(config, batch)
    for place, item in zip(places, goal.identifier_columns, strict=True):
        if place.several:
            continue
        others = [*said, *(other.column for other in places if other is not place)]
        query = sql(
            "SELECT count(*) FROM (SELECT 1 FROM (SELECT hash({id}) AS id, hash({said}) AS said FROM ({rows})"
            " WHERE {id} IS NOT NULL) GROUP BY id HAVING min(said) <> max(said))",
            id=place.column,
            said=joined(", ", others),
            rows=rows,
        )
        (count,) = engine.row(query)
        if count:
            return item.column, int(count)
    return "", 0


def many_orphans(linked: Sequence[LinkedFile], facts: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Linked files many rows of which belong to nothing: most likely one of the set is not whole.

    `facts`: alias → counts of its rows. A look-up file (`static`) holds more than one root file asks for.
    """
    for link in linked:
        counts = facts.get(link.name, {})
        orphans, rows = counts.get("orphan_rows", 0), counts.get("rows", 0)
        if not link.static and orphans >= _LEAST and orphans >= MANY * rows:
            which = f"{orphans:,} of {counted(rows, 'row')} of linked file {link.name}"
            yield f"{which} belong to no row of this file: is one of them not whole?"
