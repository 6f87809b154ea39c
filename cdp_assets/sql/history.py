"""What happened, for people: every import and export with a sentence, and how many profiles each connection moved.

Reads   ops.batches, ops.attempts, ops.exports, ops.exported_rows, main.imported_profiles, main.replaced_profiles
Makes   ops.import_history, ops.export_history, ops.data_exchange, ops.recent_imports
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cdp_assets.sql.text import Sql, ident, joined, literal, sql


@dataclass(frozen=True)
class View:
    """A view of `ops`, with what it and its columns mean."""

    name: str
    comment: str
    query: Sql
    columns: dict[str, str]

    @property
    def told(self) -> str:
        """The comment, with a digest of the query: an older release's view is known by it."""
        return f"{self.comment} ({hashlib.sha256(self.query.encode()).hexdigest()[:8]})"


def make_view(view: View) -> list[Sql]:
    """The statements that make a view with its comments, in the place of an older one."""
    path = ident("ops", view.name)
    columns = [
        sql("COMMENT ON COLUMN {c} IS {text}", c=ident("ops", view.name, column), text=literal(text))
        for column, text in view.columns.items()
    ]
    return [
        sql("CREATE OR REPLACE VIEW {path} AS\n{query}", path=path, query=view.query),
        sql("COMMENT ON VIEW {path} IS {text}", path=path, text=literal(view.told)),
        *columns,
    ]


VIEWS_KNOWN = Sql(
    "SELECT view_name, comment FROM duckdb_views() WHERE database_name = current_database() AND schema_name = 'ops'"
)


def _counted(column: str, noun: Sql) -> Sql:
    """As `cdp_assets.counted` does; of nouns whose plural is made with an s."""
    return sql(
        "format('{{:,}} {{}}{{}}', {n}, {noun}, CASE WHEN {n} = 1 THEN '' ELSE 's' END)", n=Sql(column), noun=noun
    )


def _sentences(cases: Sequence[tuple[str, str, str]]) -> Sql:
    """For each column that is above 0: how many of what, and what became of them."""
    told = [
        sql(
            "CASE WHEN {n} > 0 THEN ' ' || {counted} || {end} ELSE '' END",
            n=Sql(column),
            counted=_counted(column, literal(noun)),
            end=literal(f" {end}."),
        )
        for column, noun, end in cases
    ]
    return joined("\n        || ", told)


# Nothing was left out of the first full file of a goal: there was nothing to compare it with. Nor did a file that came
# later, with an earlier date, change what was said of the first fold.
_COMPARED = Sql(
    "is_full AND EXISTS (SELECT 1 FROM ops.batches AS own WHERE own.folded_at <= batches.folded_at AND own.is_full"
    " AND (own.connection, own.goal) = (batches.connection, batches.goal)"
    " AND (own.effective_at, coalesce(own.position, 0)) < (batches.effective_at, coalesce(batches.position, 0)))"
)
_CONFLICTS = sql(
    "coalesce((SELECT {told} FROM (SELECT count(*) AS n FROM ops.identity_conflicts AS found"
    " WHERE batches.folded_at IS NOT NULL AND found.batch_id = batches.batch_id)), '')",
    told=_sentences([("n", "identifier", "not taken, listed in ops.identity_conflicts")]),
)
# The first sentence stands word for word in spec.md 11.3, whatever the counts are.
IMPORTED = sql(
    """CASE WHEN folded_at IS NOT NULL THEN
        format('Received {{:,}} updates, created {{:,}} {{}}, {{:,}} {{}} unchanged, checked {{:,}}', rows_modified,
            rows_created, coalesce(records, 'profiles'), rows_unchanged, coalesce(records, 'profiles'),
            rows_received - coalesce(rows_filtered, 0))
        || CASE WHEN {compared} THEN ', the delta file is used.' ELSE '.' END
        || {sentences}
        || {conflicts}
    ELSE '' END
        || CASE WHEN note <> '' AND folded_at IS NOT NULL THEN ' ' ELSE '' END
        || CASE WHEN note <> '' THEN upper(left(note, 1)) || substr(note, 2) || '.' ELSE '' END
        || CASE WHEN warnings IS NOT NULL THEN ' Warning: ' || replace(warnings || '.', '?.', '?') ELSE '' END""",
    compared=_COMPARED,
    sentences=_sentences(
        [
            ("rows_consent_mismatch", "profile update", "skipped because of a consent mismatch"),
            ("events_created", "timeline event", "created"),
            ("events_set", "timeline event", "written anew"),
            ("events_rejected", "timeline event", "rejected"),
            ("rows_not_found", "row", "about nobody who is known"),
            ("rows_no_identifier", "row", "without an identifier"),
            ("rows_filtered", "row", "dropped by a processor"),
            ("rows_rejected", "row", "rejected"),
            ("cells_rejected", "cell", "rejected, without which the rows were imported"),
            ("rows_erased", "row", "left out because of an erasure"),
            ("coalesce(orphan_rows, 0)", "row", "of linked files belonging to no row of their file"),
        ]
    ),
    conflicts=_CONFLICTS,
)
_SINCE = sql(
    """CASE WHEN folded_at IS NULL THEN ''
        WHEN state IN ('superseded', 'replaced', 'withdrawn') THEN ' Its rows no longer count.'
        WHEN replayed_created IS NOT NULL AND (replayed_created, replayed_modified, replayed_unchanged)
            <> (rows_created, rows_modified, rows_unchanged)
        THEN format(' Since the {{}} were rebuilt: {{:,}} updates, {{:,}} created, {{:,}} unchanged.',
            coalesce(records, 'profiles'), replayed_modified, replayed_created, replayed_unchanged)
        ELSE '' END"""
)
"""What has become of it after its first fold."""
_ROWS = (
    "rows_received",
    "rows_created",
    "rows_modified",
    "rows_unchanged",
    "rows_not_found",
    "rows_no_identifier",
    "rows_consent_mismatch",
    "rows_filtered",
    "rows_rejected",
    "rows_erased",
    "events_created",
)
IMPORT_HISTORY = View(
    "import_history",
    "Every file that was imported or refused, the newest first.",
    sql(
        "SELECT coalesce(folded_at, landed_at) AS happened_at, connection, goal, partition_key, name AS file, state,"
        " {rows}, {message} AS message, batch_id AS id, position FROM ops.batches\n"
        "UNION ALL BY NAME\n"
        "SELECT failed_at AS happened_at, connection, goal, partition_key, parse_filename(path) AS file,"
        " 'failed' AS state, error AS message, attempt_id AS id FROM ops.attempts\n"
        "ORDER BY happened_at DESC, position DESC, connection, goal, file, id",
        rows=joined(", ", [Sql(name) for name in _ROWS]),
        message=sql("{first}\n        || {since}", first=IMPORTED, since=_SINCE),
    ),
    {
        "happened_at": "When its rows came in; before that, or if they never did, when it was landed or refused.",
        "connection": "Connection.",
        "goal": "Import goal.",
        "partition_key": "Wildcard value of the file name.",
        "file": "File name on the server.",
        "state": "As in `batches`; failed = refused, see message.",
        **dict.fromkeys(_ROWS, "As in `batches`, at the first fold; NULL = refused, or not folded yet."),
        "message": "What became of it, in a sentence. Its counts of profiles are rows, several of which may be one's.",
        "id": "Batch, or attempt.",
        "position": "Place in the order of folded batches: of those folded together, the last counts as the newest.",
    },
)
_EXPORTED = sql(
    """CASE WHEN state = 'delivered' THEN
        CASE WHEN events IS NOT NULL AND profiles IS NULL THEN 'No profiles were due.'
            ELSE coalesce(profiles, 'Exported ' || {rows} || format(' to {{}}.', path)) END
        || coalesce(events, '')
        || CASE WHEN NOT uploaded THEN ' The same content stood there already.' ELSE '' END
        || {sentences}
        WHEN state = 'staged' THEN 'Not delivered yet: the next run of the goal sends it first.'
        WHEN state = 'refused' THEN 'Not delivered: somebody else put a file under its name meanwhile.'
    ELSE '' END""",
    rows=_counted("rows", Sql("'profile'")),
    sentences=_sentences(
        [
            ("no_identifier", "profile", "skipped for lack of an identifier"),
            ("unchanged", "profile", "skipped as unchanged"),
            ("excluded_segment", "profile", "skipped because of a segment that is left out"),
            ("consent", "profile", "skipped for lack of consent"),
            ("not_in_stage", "profile", "skipped for being in no such stage"),
            ("skipped_threshold", "profile", "skipped at the threshold of the stage"),
            ("filtered", "profile", "skipped by a processor"),
        ]
    ),
)
_KINDS = sql(
    """SELECT export_id, string_agg(told, ' ' ORDER BY number) FILTER (WHERE stream = 'profiles') AS profiles,
        string_agg(' ' || told, '' ORDER BY number) FILTER (WHERE stream <> 'profiles') AS events
    FROM (SELECT export_id, stream, number, 'Exported ' || {rows} || format(' to {{}}.', path) AS told
        FROM (SELECT export_id, stream, sum(rows)::BIGINT AS rows, min_by(path, number) AS path, min(number) AS number
            FROM ops.export_files WHERE stream NOT IN ('manifest', 'ready') GROUP BY export_id, stream, action))
    GROUP BY export_id""",
    rows=_counted("rows", Sql("rtrim(split_part(stream, '/', 1), 's')")),
)
"""Of parts the first is named; each action has a sentence of its own."""
_LEFT_OUT = (
    *("no_identifier", "unchanged", "excluded_segment", "not_in_stage", "skipped_threshold", "filtered"),
    "consent",
)
EXPORT_HISTORY = View(
    "export_history",
    "Every delivery, the newest first, and how many members it left out.",
    sql(
        "SELECT coalesce(delivered_at, started_at) AS happened_at, connection, goal, path, state, rows, files,"
        " {left_out}, {message} AS message, export_id AS id FROM ops.exports\n"
        "LEFT JOIN (\n{kinds}\n) AS kinds USING (export_id)\nORDER BY happened_at DESC, connection, goal, id",
        left_out=joined(", ", [Sql(name) for name in _LEFT_OUT]),
        message=_EXPORTED,
        kinds=_KINDS,
    ),
    {
        "happened_at": "When it was delivered; before that, when its run began.",
        "connection": "Connection.",
        "goal": "Export goal.",
        "path": "Full path on the server, of the first file.",
        "state": "As in `exports`.",
        "rows": "Rows in the files of profiles.",
        "files": "Files.",
        **dict.fromkeys(_LEFT_OUT, "Members left out, as in `exports`."),
        "message": "What was delivered, in a sentence.",
        "id": "Delivery.",
    },
)
DATA_EXCHANGE = View(
    "data_exchange",
    "How many different profiles each connection has brought and taken, over its life.",
    Sql(
        """SELECT connection, direction, count(DISTINCT coalesce(replaced_by, profile_id)) AS profiles
FROM (
    SELECT connection, 'imported' AS direction, profile_id FROM main.imported_profiles
    UNION ALL
    SELECT connection, 'exported' AS direction, profile_id FROM ops.exported_rows
)
LEFT JOIN (SELECT profile_id, replaced_by FROM main.replaced_profiles) USING (profile_id)
GROUP BY connection, direction
ORDER BY connection, direction DESC"""
    ),
    {
        "connection": "Connection.",
        "direction": "imported: made, changed or confirmed by one of its files; exported: delivered to it.",
        "profiles": "Different profiles; those that became one count once.",
    },
)
RECENT_COUNTS = ("total", "created", "updated", "no_op", "skipped")
RECENT_IMPORTS = View(
    "recent_imports",
    "Every file that was imported, waits or was refused, as a job with counts, the newest first.",
    Sql(
        """SELECT connection, goal AS folder, name AS file,
    CASE WHEN folded_at IS NOT NULL OR state NOT IN ('waiting') THEN 'completed' ELSE 'queued' END AS status,
    rows_received AS total, CASE WHEN is_events THEN events_created ELSE rows_created END AS created,
    CASE WHEN is_events THEN 0 ELSE rows_modified END AS updated,
    CASE WHEN is_events THEN rows_received - events_created - skipped ELSE rows_unchanged END AS no_op,
    skipped, landed_at AS started_at, folded_at AS finished_at, nullif(note, '') AS error, batch_id AS id
FROM (
    SELECT *, coalesce(dropped_events, false) AS is_events, rows_rejected + rows_no_identifier
        + coalesce(rows_not_found, 0) + coalesce(rows_consent_mismatch, 0) + coalesce(rows_filtered, 0)
        + coalesce(rows_erased, 0) AS skipped
    FROM ops.batches
)
UNION ALL BY NAME
SELECT connection, goal AS folder, parse_filename(path) AS file, 'failed' AS status, failed_at AS started_at,
    failed_at AS finished_at, error, attempt_id AS id FROM ops.attempts
ORDER BY started_at DESC, connection, folder, file, id"""
    ),
    {
        "connection": "Connection, or drop folders.",
        "folder": "Import goal; of drop folders profiles or events.",
        "file": "File name on the server.",
        "status": "queued: it waits for the fold; completed: also if rows were skipped; failed: nothing of it is in.",
        "total": "Rows in the file.",
        "created": "Profiles that it made, or groups; of a file of events in drop folders the events.",
        "updated": "Rows that changed something.",
        "no_op": "Rows that changed nothing.",
        "skipped": "Rows that were refused, or are about nobody.",
        "started_at": "When it was landed, or refused.",
        "finished_at": "When its rows came in, or it was refused.",
        "error": "Why it failed, or what else there is to say.",
        "id": "Batch, or attempt.",
    },
)


def recent_imports(connection: str, most: int) -> Sql:
    """The newest files of a connection: folder, file, status, the counts, when it was finished, error."""
    return sql(
        "SELECT folder, file, status, {counts}, strftime(finished_at, '%Y-%m-%d %H:%M'), error"
        " FROM ops.recent_imports WHERE connection = {connection}"
        " ORDER BY started_at DESC, folder, file, id LIMIT {most}",
        counts=joined(", ", [Sql(name) for name in RECENT_COUNTS]),
        connection=literal(connection),
        most=literal(most),
    )


VIEWS = (IMPORT_HISTORY, EXPORT_HISTORY, DATA_EXCHANGE, RECENT_IMPORTS)
