"""How the rows of a drop folder's events differ from other rows in a fold (spec.md K6).

The first event of an id counts, for ever: a later row with it changes neither event nor properties. What it says of
identifiers counts, as who a row is about must not hang on it. A row with one metric too many counts for nothing.
Where profiles merge, a row is a repeat only of events that its profile had when it was the row's turn; of two events
that a merge brings together the first stays, and the properties of both rows count.

Reads   batch_rows_given (as identity.batch_rows_view makes it), event_rows (events), main.events_<folders>
Writes  (temporary)
        metrics_over     metric: names for which there is no room
        event_repeated   position, row_no: rows whose event was there before
        batch_rows_read  view: the rows, without what does not count
        event_new        the events that are
        event_first      position, row_no: rows in `event_repeated` that were no repeats when it was their turn
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.sql.events import Columns
from cdp_assets.sql.single_rows import rows_from_json
from cdp_assets.sql.text import Sql, ident, joined, literal, sql

GIVEN = "batch_rows_given"
LIMIT_REACHED = "Metric limit of {limit} reached"
NOTHING_REPEATED = Sql("CREATE OR REPLACE TEMP TABLE event_repeated (position BIGINT, row_no BIGINT)")


def metrics_over(columns: Columns | None, limit: int) -> Sql:
    """Makes `metrics_over`: the names beyond the limit, in the order they first came."""
    known = sql("SELECT DISTINCT metric FROM {table}", table=columns.table) if columns else Sql("SELECT NULL AS metric")
    return sql(
        "CREATE OR REPLACE TEMP TABLE metrics_over AS WITH known AS (SELECT metric FROM ({known})"
        " WHERE metric IS NOT NULL), fresh AS (SELECT event_metric AS metric, min(ordinal) AS first FROM {given}"
        " WHERE identifier IS NOT NULL AND event_metric NOT IN (FROM known) GROUP BY event_metric)\n"
        "SELECT metric FROM fresh QUALIFY row_number() OVER (ORDER BY first)"
        " > {limit} - (SELECT count(*) FROM known)",
        known=known,
        given=ident(GIVEN),
        limit=literal(limit),
    )


def rows_that_count(mappings: Sequence[int]) -> Sql:
    """Makes `batch_rows_read`. `mappings`: those whose values a repeated event does not bring."""
    values = [
        sql("CASE WHEN again.row_no IS NULL THEN {name} END AS {name}", name=ident(f"m{number}")) for number in mappings
    ]
    known = Sql("CASE WHEN event_metric NOT IN (FROM metrics_over) THEN identifier END AS identifier")
    return sql(
        "CREATE OR REPLACE TEMP VIEW batch_rows_read AS SELECT given.* REPLACE ({columns}) FROM {given} AS given"
        " LEFT JOIN event_repeated AS again USING (position, row_no)",
        columns=joined(", ", [known, *values]),
        given=ident(GIVEN),
    )


def rows_over() -> Sql:
    """Per batch: its rows with one metric too many."""
    return sql(
        "SELECT position, count(*) FROM {given} WHERE identifier IS NOT NULL AND event_metric IN (FROM metrics_over)"
        " GROUP BY position",
        given=ident(GIVEN),
    )


def note_over(limit: int) -> Sql:
    """Enters these rows among the rejects, once."""
    return sql(
        "INSERT INTO ops.rejects BY NAME SELECT given.batch_id, connection, goal, partition_key, name AS file,"
        " 'row' AS level, given.row_no, given.line_no, {column} AS column_name, event_metric AS raw_text,"
        " {reason} AS reason FROM {given} AS given JOIN ops.batches USING (batch_id)"
        " ANTI JOIN ops.rejects AS known ON known.batch_id = given.batch_id AND known.line_no = given.line_no"
        " AND known.reason = {reason} WHERE identifier IS NOT NULL AND event_metric IN (FROM metrics_over)",
        column=literal("Metric name"),
        reason=literal(LIMIT_REACHED.format(limit=limit)),
        given=ident(GIVEN),
    )


def first_events(columns: Columns, *, merged: bool) -> list[Sql]:
    """Makes `event_new` and `event_repeated` of `event_rows`. `merged`: whether the pass made profiles one."""
    known = sql("SELECT profile_id, event_id FROM {table}", table=columns.table)
    if merged:
        known = sql(
            "SELECT coalesce(replaced_by, profile_id) AS profile_id, event_id FROM {table}"
            " LEFT JOIN merged_pairs USING (profile_id)",
            table=columns.table,
        )
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE event_new AS SELECT * FROM event_rows AS given"
            " ANTI JOIN ({known}) AS known ON known.profile_id = given.profile_id AND known.event_id = given.event_id"
            " QUALIFY row_number() OVER (PARTITION BY given.profile_id, given.event_id ORDER BY ord) = 1",
            known=known,
        ),
        Sql(
            "CREATE OR REPLACE TEMP TABLE event_repeated AS SELECT position, row_no FROM event_rows"
            " ANTI JOIN event_new USING (position, row_no)"
        ),
    ]


FIRST_FATES = Sql(
    "SELECT position, count(*) FROM event_rows ANTI JOIN event_repeated USING (position, row_no) GROUP BY position"
)
"""Per batch: the events it made, those too that gave way when their profile became another."""
SUSPECTS = Sql(
    "SELECT given.ordinal, event_id, position, row_no FROM event_rows AS event JOIN batch_rows AS given"
    " USING (position, row_no) SEMI JOIN (SELECT event.profile_id, event.event_id FROM event_repeated"
    " JOIN event_rows AS event USING (position, row_no)"
    " JOIN merged_pairs ON replaced_by = event.profile_id) AS doubtful"
    " ON doubtful.profile_id = event.profile_id AND doubtful.event_id = event.event_id ORDER BY given.ordinal"
)
"""Rows with an event that may be no repeat, as its profile became one with others: ordinal, id, position, row."""


def known_events(columns: Columns) -> Sql:
    """Person (as in `merged_people`) and id of the events in the warehouse that such rows may repeat."""
    return sql(
        "SELECT person, event_id FROM {table} JOIN merged_people USING (profile_id) SEMI JOIN event_rows"
        " USING (event_id)",
        table=columns.table,
    )


FIRST_TABLE = Sql("CREATE OR REPLACE TEMP TABLE event_first (position BIGINT, row_no BIGINT)")
FIRST = rows_from_json("event_first", "BIGINT", "BIGINT")
NO_REPEATS = Sql("DELETE FROM event_repeated WHERE (position, row_no) IN (SELECT (position, row_no) FROM event_first)")


REPEATED_ROWS = Sql("SELECT count(*) FROM event_repeated")
"""How many rows bring an event that was there before."""


def repeats_of_changed(first: int) -> Sql:
    """Per batch: rows whose event was there before, of profiles that other rows of the pass made or changed.

    `first`: position of the first batch of the pass.
    """
    return sql(
        "SELECT position, count(*) FROM event_repeated JOIN batch_rows USING (position, row_no)"
        " JOIN key_targets USING (key) SEMI JOIN (SELECT profile_id FROM main.profiles"
        " WHERE modified_at_position >= {first}) AS changed ON changed.profile_id = key_targets.profile_id"
        " GROUP BY position",
        first=literal(first),
    )
