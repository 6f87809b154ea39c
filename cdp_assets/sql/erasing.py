"""Statements that take people out: of batches, of the ledger, of every table that names a profile.

Reads   batch.parquet, events_<n>.parquet, rejects.parquet; erased_rows(row_no), erased_lines(file, line_no);
        pads(inner_pad, outer_pad), erased_hashes(property, value_hash)
Writes  the same files with nothing in the rows of erased people; main and ops without them
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.identity import values_of
from cdp_assets.sql.mentions import named_values
from cdp_assets.sql.tables import REJECTS
from cdp_assets.sql.text import Sql, Step, chain, comma, ident, joined, literal, sql

ERASED_TEXT = "(erased)"
"""Stands for what a person was erased from."""
_KEPT = frozenset({"line_no", "root_row"})
"""Columns of a batch that say where a row stood, and nothing of what it held."""

MOST_NAMED = 100
"""Rows that are named one by one; of more, the order of the file is worked out by sorting."""
_IS_ERASED = Sql("file_row_number + 1 IN (FROM erased_rows)")

MAKE_ROWS = Sql("CREATE OR REPLACE TEMP TABLE erased_rows (row_no BIGINT)")
MAKE_LINES = Sql("CREATE OR REPLACE TEMP TABLE erased_lines (file VARCHAR, line_no BIGINT)")
MAKE_NEEDLES = Sql("CREATE OR REPLACE TEMP TABLE needles (text VARCHAR)")
MAKE_PROFILES = Sql("CREATE OR REPLACE TEMP TABLE erased_profiles (profile_id UUID)")
MAKE_PADS = Sql("CREATE OR REPLACE TEMP TABLE pads (inner_pad BLOB, outer_pad BLOB)")
MAKE_HASHES = Sql("CREATE OR REPLACE TEMP TABLE erased_hashes (property VARCHAR, value_hash VARCHAR)")

KNOWN = Sql("SELECT erasure_id, domain_group, property, value_hash FROM ops.erasures ORDER BY ALL")
LISTED = Sql(
    """
    SELECT erased_at, sum(people)::BIGINT, sum(identifiers)::BIGINT,
        string_agg(property || ' ' || identifiers, ', ' ORDER BY property)
    FROM (
        SELECT erased_at, property, count(*) AS identifiers, count(DISTINCT erasure_id) FILTER (is_first) AS people
        FROM (
            SELECT *, row_number() OVER (PARTITION BY erasure_id ORDER BY property, value_hash) = 1 AS is_first
            FROM ops.erasures
        )
        GROUP BY ALL
    )
    GROUP BY erased_at
    ORDER BY erased_at DESC
    """
)
"""What each erasure that still holds keeps out: when, how many people and identifiers, and how many of each kind."""
LIFT = Sql("DELETE FROM ops.erasures WHERE erasure_id = ?")
SET_ERASED = Sql("UPDATE ops.batches SET rows_erased = ? WHERE batch_id = ? AND folded_at IS NULL")


def columns_of(parquet: str) -> Sql:
    """Name of every column of a file."""
    return sql("SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet({path}))", path=literal(parquet))


def blanked_rows(parquet: str, columns: Sequence[str], rows: Collection[int], target: str) -> Sql:
    """Writes a batch, or events in the order of its rows, with nothing in the erased rows but their places.

    A few rows are named in the statement: then the engine writes what it reads as it comes, and need not sort.
    """
    few = len(rows) <= MOST_NAMED
    numbers = joined(", ", [literal(row) for row in sorted(rows)])
    is_erased = sql("list_contains([{n}]::BIGINT[], file_row_number + 1)", n=numbers) if few else _IS_ERASED
    return _copied(
        sql(
            "SELECT {columns} FROM {rows}{order}",
            columns=comma(_blank(name, is_erased) for name in columns),
            rows=_rows(parquet),
            order=Sql("" if few else " ORDER BY file_row_number"),
        ),
        target,
    )


def without_rows(parquet: str, target: str) -> Sql:
    """Writes events that name their rows, without those of the erased rows."""
    return _copied(
        sql(
            "SELECT * EXCLUDE (file_row_number) FROM {rows} WHERE root_row + 1 NOT IN (FROM erased_rows)"
            " ORDER BY file_row_number",
            rows=_rows(parquet),
        ),
        target,
    )


def _blank(name: str, is_erased: Sql) -> Sql:
    column = ident(name)
    if name in _KEPT:
        return column
    nothing = Sql("false" if name == "is_event" else "NULL")
    return sql(
        "CASE WHEN {erased} THEN {nothing} ELSE {column} END AS {column}",
        erased=is_erased,
        nothing=nothing,
        column=column,
    )


def _rows(parquet: str) -> Sql:
    return sql("read_parquet({path}, file_row_number = true)", path=literal(parquet))


def _copied(query: Sql, target: str) -> Sql:
    return sql(
        "COPY ({query}) TO {target} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION snappy)",
        query=query,
        target=literal(target),
    )


def masked_rejects(parquet: str, target: str) -> Sql:
    """Writes the rejects of a batch without the texts of erased rows and lines."""
    return _copied(
        sql(
            "SELECT * REPLACE (CASE WHEN {erased} THEN {text} ELSE raw_text END AS raw_text)"
            " FROM read_parquet({path}) ORDER BY file_name NULLS FIRST, line_no, column_name",
            erased=_is_erased(Sql("coalesce(file_name, '')")),
            text=literal(ERASED_TEXT),
            path=literal(parquet),
        ),
        target,
    )


def rejects_to_mask(parquet: str) -> Sql:
    """How many rejects hold texts of erased rows and lines."""
    return sql(
        "SELECT count(*) FROM read_parquet({path}) WHERE {erased} AND raw_text <> {text}",
        path=literal(parquet),
        erased=_is_erased(Sql("coalesce(file_name, '')")),
        text=literal(ERASED_TEXT),
    )


def mask_ledger(batch_id: str, root: str) -> Sql:
    """Takes the texts of erased rows and lines from the ledger. `root`: name of the root file."""
    return sql(
        "UPDATE {table} SET raw_text = {text} WHERE batch_id = {batch} AND {erased}",
        table=REJECTS.path,
        text=literal(ERASED_TEXT),
        batch=literal(batch_id),
        erased=_is_erased(sql("CASE WHEN file = {root} THEN '' ELSE file END", root=literal(root))),
    )


def _is_erased(file: Sql) -> Sql:
    return sql(
        "(coalesce(row_no IN (FROM erased_rows), false) OR ({file}, line_no) IN (SELECT (file, line_no) FROM"
        " erased_lines))",
        file=file,
    )


def reject_texts(parquet: str) -> Sql:
    """File (empty = the root), line and text of the rejects in whose texts a needle stands."""
    return sql(
        "SELECT DISTINCT coalesce(file_name, ''), line_no, raw_text FROM read_parquet({path}) AS rejects"
        " JOIN needles ON contains(lower(raw_text), needles.text) WHERE line_no IS NOT NULL",
        path=literal(parquet),
    )


def all_reject_texts(parquet: str) -> Sql:
    """File (empty = the root), line and text of every reject."""
    return sql(
        "SELECT coalesce(file_name, ''), line_no, raw_text FROM read_parquet({path}) WHERE line_no IS NOT NULL"
        " AND raw_text IS NOT NULL",
        path=literal(parquet),
    )


def rows_with_identifier(parquet: str) -> Sql:
    """How many rows of a batch something identifies."""
    return sql("SELECT count(*) FROM read_parquet({path}) WHERE identifier IS NOT NULL", path=literal(parquet))


def rows_naming(
    config: BatchConfig, present: frozenset[int], identifying: Collection[str], parquet: str, names: Sql
) -> Sql:
    """Numbers of the rows of a batch that name one of these values, also where they find nobody.

    `names`: a relation of property and value.
    """
    steps = named_values(config, present, identifying, parquet, every=True)
    final = sql("SELECT DISTINCT row_no FROM named SEMI JOIN {names} USING (property, value)", names=names)
    return chain(steps, final)


def values_named(config: BatchConfig, present: frozenset[int], identifying: Collection[str], parquet: str) -> Sql:
    """Row, property and value of everything that rows name, also where they find nobody."""
    steps = named_values(config, present, identifying, parquet, every=True)
    return chain(steps, Sql("SELECT DISTINCT row_no, property, value FROM named"))


def find_erased_values(config: BatchConfig, present: frozenset[int], identifying: Collection[str], parquet: str) -> Sql:
    """Makes `wanted`: the values of a batch whose keyed hashes are those of erased people."""
    steps = named_values(config, present, identifying, parquet, every=True)
    hashed = Sql(
        "SELECT property, value, sha256(outer_pad || unhex(sha256(inner_pad ||"
        " encode(property || chr(31) || value)))) AS value_hash FROM (SELECT DISTINCT property, value FROM named"
        " WHERE property IN (SELECT property FROM erased_hashes)), pads"
    )
    final = Sql("SELECT property, value FROM hashed SEMI JOIN erased_hashes USING (property, value_hash)")
    return sql("CREATE OR REPLACE TEMP TABLE wanted AS {query}", query=chain([*steps, Step("hashed", hashed)], final))


TABLES_OF_PEOPLE = Sql(
    "SELECT table_schema, table_name, list(column_name ORDER BY column_name) FROM information_schema.columns"
    " JOIN information_schema.tables USING (table_catalog, table_schema, table_name)"
    " WHERE table_catalog = current_database() AND table_schema IN ('main', 'ops') AND table_type = 'BASE TABLE'"
    " AND data_type = 'UUID' AND (column_name LIKE '%profile_id' OR column_name = 'replaced_by') GROUP BY ALL"
    " ORDER BY ALL"
)
"""Every table that names profiles, with the columns that do."""


def forget_profiles(schema: str, table: str, columns: Sequence[str]) -> Sql:
    """Deletes the rows of a table that name an erased profile, and tells how many."""
    named = joined(" OR ", [sql("{c} IN (FROM erased_profiles)", c=ident(column)) for column in columns])
    return sql("DELETE FROM {table} WHERE {named}", table=ident(schema, table), named=named)


TARGETS = Sql("SELECT row_no, profile_id::VARCHAR FROM batch_rows LEFT JOIN key_targets USING (key)")
"""Row of a batch that was just folded, and the profile it found or made."""
MAKERS = Sql(
    "SELECT profile_id::VARCHAR, created_by_property, created_by_value, created_by_number,"
    " coalesce(replaced_by, profile_id)::VARCHAR FROM (SELECT profile_id, NULL::UUID AS replaced_by,"
    " created_by_property, created_by_value, created_by_number FROM main.profiles UNION ALL SELECT profile_id,"
    " replaced_by, created_by_property, created_by_value, created_by_number FROM main.replaced_profiles)"
)
"""Id and maker of every profile, and the id of the one it has become."""
ID_OF_MAKER = Sql(
    "SELECT profile_id::VARCHAR FROM (SELECT profile_id, domain_group, created_by_property, created_by_value,"
    " created_by_number FROM main.profiles UNION ALL SELECT profile_id, domain_group, created_by_property,"
    " created_by_value, created_by_number FROM main.replaced_profiles) WHERE domain_group = ? AND"
    " created_by_property = ? AND created_by_value = ? AND created_by_number = ?"
)


def held(prop: Property) -> Sql:
    """Value and profile, of everybody who has one."""
    column = ident(prop.name)
    return sql(
        "SELECT {value}, profile_id::VARCHAR FROM main.profiles WHERE {column} IS NOT NULL",
        value=values_of(prop, column),
        column=column,
    )


STAGED = Sql("SELECT export_id, connection, goal FROM ops.exports WHERE state = 'staged'")
STAGED_PEOPLE = "SELECT count(*) FROM read_parquet({path}) WHERE profile_id IN (FROM erased_profiles)"


def staged_people(path: str) -> Sql:
    """How many erased profiles a delivery holds that has not arrived yet."""
    return sql(STAGED_PEOPLE, path=literal(path))


DELIVERED = (
    "WITH sent AS (SELECT done.connection, done.goal, file.path, file.action, done.delivered_at"
    " FROM ops.export_files AS file JOIN ops.exports AS done USING (export_id)"
    " WHERE done.state = 'delivered' AND file.stream NOT IN ('manifest', 'ready') AND file.rows > 0),"
    " goals AS (SELECT connection, goal FROM ops.exported_rows WHERE profile_id IN (FROM erased_profiles)"
    " UNION SELECT connection, goal FROM sent WHERE (action = 'removed' OR (connection, goal) IN ({removing}))"
    " AND EXISTS (FROM erased_profiles))"
    " SELECT path FROM sent SEMI JOIN goals USING (connection, goal) GROUP BY path"
    " ORDER BY max(delivered_at) DESC, path"
)
NO_GOAL = Sql("SELECT NULL, NULL")


def delivered(removing: Sequence[tuple[str, str]]) -> Sql:
    """Files that may hold an erased profile, the newest first: all that its goals delivered.

    Of a profile that was told as removed nothing is kept, so all files of a goal that tells of these are named too:
    `removing`, connection and goal, and any that had files of their own for them.
    """
    pairs = [sql("({c}, {g})", c=literal(connection), g=literal(goal)) for connection, goal in removing]
    return sql(DELIVERED, removing=joined(", ", pairs) if pairs else NO_GOAL)


SENT_BACK = "SELECT path FROM ops.returned_rejects WHERE path IS NOT NULL AND batch_id IN ({ids}) ORDER BY path"
SOURCES = (
    "SELECT DISTINCT coalesce(done.renamed_to, file.path), file.connection FROM ops.batches AS file"
    " LEFT JOIN (SELECT version_id, max(renamed_to) AS renamed_to FROM ops.acknowledgements JOIN ops.batches"
    " USING (batch_id) GROUP BY version_id) AS done USING (version_id)"
    " WHERE file.batch_id IN ({ids}) AND (done.version_id IS NULL OR done.renamed_to IS NOT NULL) ORDER BY ALL"
)
"""Files on the server, as they are called since they were renamed; none that was gone or replaced by then."""


def of_batches(query: str, ids: Sequence[str]) -> Sql:
    """One of the two queries above for some batches."""
    return sql(query, ids=joined(", ", [literal(one) for one in ids]) if ids else Sql("NULL"))
