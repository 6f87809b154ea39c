"""Which identifying values the rows of a batch name, and the batch with some of its rows only.

Reads   batch.parquet, events_<n>.parquet; wanted(property, value)
Writes  the same files for a few rows, numbered anew in their order
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cdp_assets.config.goals import Rule
from cdp_assets.config.model import BatchConfig
from cdp_assets.sql.dialect import matches
from cdp_assets.sql.identifiers import places_of, with_identifiers
from cdp_assets.sql.identity import values_of
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql

_ROWS = "read_parquet({path}, file_row_number = true)"


MAKE_WANTED = Sql("CREATE OR REPLACE TEMP TABLE wanted (property VARCHAR, value VARCHAR)")
"""Empty; the values whose rows are looked for are bound, so that no statement in a message holds one."""


def connected_rows(config: BatchConfig, present: frozenset[int], identifying: Collection[str], parquet: str) -> Sql:
    """Every row that names a wanted value, with all identifying values it names: row_no, property, value.

    A row names a value by looking a profile up with it, or by writing it. `identifying`: the properties by which
    some batch finds profiles.
    """
    steps = [
        *named_values(config, present, identifying, parquet),
        Step("hit", Sql("SELECT DISTINCT row_no FROM named SEMI JOIN wanted USING (property, value)")),
    ]
    return chain(
        steps, Sql("SELECT DISTINCT row_no, property, value FROM named SEMI JOIN hit USING (row_no) ORDER BY ALL")
    )


def named_values(
    config: BatchConfig, present: frozenset[int], identifying: Collection[str], parquet: str, *, every: bool = False
) -> list[Step]:
    """Steps to `named`: row_no, property, value of everything identifying that rows name.

    `every`: also what rows name that find nobody, as they have no identifier or a bad one.
    """
    columns: dict[Sql, None] = {Sql("identifier"): None}
    parts = []
    for place in places_of(config):
        value = sql("unnest({id})" if place.several else "{id}", id=place.column)
        columns[place.column] = None
        parts.append((place.name, place.column, value))
    for number, mapping in enumerate(config.goal.mappings):
        if number in present and mapping.property in identifying and mapping.rule is not Rule.sum:
            column = ident(f"m{number}")
            columns[column] = None
            parts.append((mapping.property, column, values_of(config.find_property(mapping.property), column)))
    source = with_identifiers(config, sql(_ROWS, path=literal(parquet)))
    given = sql(
        "SELECT file_row_number + 1 AS row_no, {columns} FROM ({rows}) WHERE {some}",
        columns=comma(columns),
        rows=source,
        some=Sql("true" if every else "identifier IS NOT NULL"),
    )
    named = [
        sql(
            "SELECT row_no, {name} AS property, {value} AS value FROM given WHERE {column} IS NOT NULL",
            name=literal(name),
            value=value,
            column=column,
        )
        for name, column, value in parts
    ]
    kept = sql(
        "SELECT * FROM ({all}) WHERE NOT {blocked}", all=joined("\nUNION ALL\n", named), blocked=_blocked(config)
    )
    return [Step("given", given), Step("named", kept)]


def _blocked(config: BatchConfig) -> Sql:
    """Whether a value identifies nobody: it would connect strangers."""
    if not config.blocked_identifiers:
        return Sql("false")
    pattern = "|".join(f"(?:{one})" for one in config.blocked_identifiers)
    return matches(Sql("value"), rf"^[ \t]*(?i:{pattern})[ \t]*$")


def lines_of(parquet: str, rows: Sequence[int]) -> Sql:
    """Row and line of some rows of a batch that has a column of lines."""
    return sql(
        "SELECT file_row_number + 1, line_no FROM {all} WHERE file_row_number + 1 IN ({rows})",
        all=sql(_ROWS, path=literal(parquet)),
        rows=_listed(rows),
    )


def copy_rows(parquet: str, rows: Sequence[int], target: str) -> Sql:
    """Writes some rows of a batch, or of events that stand in the order of its rows, into a file of their own."""
    return sql(
        "COPY (SELECT * EXCLUDE (file_row_number) FROM {all} WHERE file_row_number + 1 IN ({rows})"
        " ORDER BY file_row_number) TO {target} (FORMAT parquet)",
        all=sql(_ROWS, path=literal(parquet)),
        rows=_listed(rows),
        target=literal(target),
    )


def copy_events(parquet: str, rows: Sequence[int], target: str) -> Sql:
    """Writes the events of some rows of a batch, where they name their row, likewise."""
    return sql(
        "COPY (SELECT * EXCLUDE (file_row_number) REPLACE ((list_position([{rows}], root_row + 1) - 1)::BIGINT"
        " AS root_row) FROM {all} WHERE root_row + 1 IN ({rows}) ORDER BY file_row_number)"
        " TO {target} (FORMAT parquet)",
        all=sql(_ROWS, path=literal(parquet)),
        rows=_listed(rows),
        target=literal(target),
    )


def _listed(rows: Sequence[int]) -> Sql:
    return joined(", ", [literal(row) for row in rows])
