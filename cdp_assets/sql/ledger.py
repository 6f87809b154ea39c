"""Statements over the ledger: what was registered, folded and counted."""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.sql.history import IMPORTED
from cdp_assets.sql.tables import BATCHES, REJECTS
from cdp_assets.sql.text import Sql, ident, joined, literal, sql

FATES = ("created", "modified", "unchanged", "not_found", "consent_mismatch", "erased", "rejected")
EVENT_FATES = ("events_created", "events_set", "events_dropped")
FIRST = (*(f"rows_{fate}" for fate in FATES), *EVENT_FATES)
"""Columns with what the rows and events of a batch did when it was folded first."""
REPLAYED = tuple(f"replayed_{fate}" for fate in (*FATES, *EVENT_FATES))
"""Columns with the same for the latest replay."""

BALANCE = Sql(
    "SELECT batch_id, name, rows_received, rows_created + rows_modified + rows_unchanged + rows_not_found"
    " + rows_no_identifier + rows_consent_mismatch + rows_filtered + rows_rejected + coalesce(rows_erased, 0)"
    " AS rows_accounted"
    " FROM ops.batches WHERE position = ?"
)
"""Rows in must equal the sum of their fates (design.md 3, rule 4)."""

REGISTERED = Sql("SELECT batch_id FROM ops.batches")
ERASED_ROWS = Sql("SELECT batch_id, coalesce(replayed_erased, rows_erased, 0) FROM ops.batches")
STATES = Sql("SELECT batch_id, state, note, coalesce(replayed_erased, rows_erased, 0) FROM ops.batches")
"""What may change of a batch long after it came."""
FOLDED = Sql("SELECT batch_id FROM ops.batches WHERE position IS NOT NULL ORDER BY position")
KNOWN_ATTEMPTS = Sql("SELECT attempt_id FROM ops.attempts")
SET_STATE = Sql("UPDATE ops.batches SET state = ?, note = ? WHERE batch_id = ?")
SET_POSITION = Sql("UPDATE ops.batches SET position = ?, state = 'folded', note = ? WHERE batch_id = ?")
CLEAR_POSITIONS = Sql("UPDATE ops.batches SET position = NULL, state = 'waiting', note = ''")
FIRST_COUNTS = sql(
    "UPDATE ops.batches SET {counts}, folded_at = ? WHERE batch_id = ? AND folded_at IS NULL",
    counts=joined(", ", [sql("{name} = ?", name=ident(name)) for name in FIRST]),
)
REPLAY_COUNTS = sql(
    "UPDATE ops.batches SET {counts} WHERE batch_id = ?",
    counts=joined(", ", [sql("{name} = ?", name=ident(name)) for name in REPLAYED]),
)
COUNTS_OF_A_RETURN = Sql(f"{REPLAY_COUNTS} AND folded_at IS NOT NULL")
"""For a batch that was in before, went out and is appended again: its counts are those of a replay."""
KNOWN_NOTIFICATIONS = Sql("SELECT notification_id FROM ops.notifications")


def _counted(column: str, noun: str) -> Sql:
    return sql(
        "format('{{:,}} {{}}', {n}, CASE WHEN {n} = 1 THEN {one} ELSE {many} END)",
        n=Sql(column),
        one=literal(noun),
        many=literal(noun.replace("row", "rows", 1).replace("cell", "cells", 1).replace("an event", "events")),
    )


def _fates(whole: Sql, fates: Sequence[tuple[str, str]]) -> Sql:
    """How many of what, and what became of them, each fate only where it is that of some."""
    told = [
        sql("CASE WHEN {n} > 0 THEN format({text}, {n}) END", n=Sql(column), text=literal(f"{{:,}} {fate}"))
        for column, fate in fates
    ]
    return sql("concat_ws(': ', {whole}, nullif(concat_ws(', ', {told}), ''))", whole=whole, told=joined(", ", told))


_TOLD = sql(
    "concat_ws('; ', {rows}, CASE WHEN cells_rejected > 0 THEN {cells} || ' rejected' END,"
    " CASE WHEN events_received > 0 THEN {events} END)",
    rows=_fates(
        _counted("rows_received", "row"),
        [
            ("rows_created", "created"),
            ("rows_modified", "modified"),
            ("rows_unchanged", "unchanged"),
            ("rows_not_found", "not found"),
            ("rows_no_identifier", "without identifier"),
            ("rows_consent_mismatch", "without consent"),
            ("rows_filtered", "filtered"),
            ("rows_rejected", "rejected"),
            ("rows_erased", "erased"),
        ],
    ),
    cells=_counted("cells_rejected", "cell"),
    events=_fates(
        _counted("events_received", "row with an event"),
        [
            ("events_created", "created"),
            ("events_set", "written anew"),
            ("events_rejected", "rejected"),
            ("events_dropped", "without a profile"),
        ],
    ),
)
SETTLED = sql(
    "SELECT batch_id, goal, name, state, note, rows_received, coalesce(rows_created + rows_modified"
    " + coalesce(events_created, 0) + coalesce(events_set, 0), 0) > 0, rows_rejected,"
    " {told}, coalesce(events_received, 0), coalesce(events_rejected, 0), cells_rejected,"
    " folder, coalesce(warnings, '')"
    " FROM ops.batches WHERE connection = ? AND landed_at >= ? AND state IN ('folded', 'duplicate')"
    " AND NOT EXISTS (SELECT 1 FROM ops.batches AS earlier WHERE earlier.version_id = batches.version_id"
    " AND earlier.state = 'replaced' AND earlier.landed_at < batches.landed_at)"
    " ORDER BY landed_at, batch_id",
    told=_TOLD,
)
"""What became of the files of a connection that first landed since a time: one landed anew is no news."""
FOLDER = Sql("SELECT folder FROM ops.batches WHERE batch_id = ?")
"""Where a batch stands in the landing folder."""
TOOK_PLACE = Sql(
    """
    SELECT newer.batch_id, newer.name, earlier.name, earlier.batch_id,
        strftime(earlier.landed_at, '%Y-%m-%d %H:%M'), earlier.rows_received
    FROM ops.batches AS newer
    JOIN ops.batches AS earlier USING (connection, goal, partition_key)
    WHERE newer.state = 'folded' AND newer.folded_at >= $since
        AND earlier.state = 'superseded' AND earlier.folded_at < $since
        AND (newer.name = earlier.name OR NOT EXISTS (
            FROM ops.batches AS own
            WHERE own.state = 'folded' AND own.name = earlier.name
                AND (own.connection, own.goal, own.partition_key) = (connection, goal, partition_key)
        ))
    QUALIFY row_number() OVER (
        PARTITION BY newer.batch_id ORDER BY earlier.modified_at DESC, earlier.look_at DESC, earlier.sha256 DESC
    ) = 1
    ORDER BY newer.position
    """
)
"""Batches first folded since a time that took the place of one that counted till then: the latest of the earlier.

Where files of one partition stand side by side, those of one name are versions of each other.
"""
NOTE = Sql("UPDATE ops.batches SET note = ? WHERE batch_id = ?")


def add_rejects(parquet: str, place: Sequence[str], name: str) -> Sql:
    """Copies a batch's rejects into the ledger. `place`: batch, connection, goal, partition; `name`: the root file."""
    return sql(
        "INSERT INTO {table} SELECT {place}, coalesce(file_name, {name}), level, row_no, line_no, column_name,"
        " raw_text, reason FROM read_parquet({parquet}) ORDER BY line_no",
        table=REJECTS.path,
        place=Sql(", ".join(literal(part) for part in place)),
        name=literal(name),
        parquet=literal(parquet),
    )


def batch_counts(batch_ids: Sequence[str]) -> Sql:
    """Everything the ledger knows of some batches, in their order; last the sentence of `ops.import_history`."""
    names = Sql(", ".join(column.name for column in BATCHES.columns))
    wanted = Sql(", ".join(literal(batch_id) for batch_id in batch_ids) or "NULL")
    return sql(
        "SELECT {names}, {message} FROM ops.batches WHERE batch_id IN ({wanted})"
        " ORDER BY position NULLS LAST, effective_at",
        names=names,
        message=IMPORTED,
        wanted=wanted,
    )
