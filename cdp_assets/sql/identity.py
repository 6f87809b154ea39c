"""Which profile each row of a pass belongs to, and which rows of a full file are new.

Rows that identify alike are one *tuple*. A tuple goes by its *key*: the ordinal of its first row in the pass.
Nearly always no two rows share an identifier; then every row is its own tuple and its own key.

Reads   the batches of a pass, main.identifiers, main.profiles, main.goal_rows, ops.profile_ids
Writes  (temporary)
        batch_rows_kept  the rows of several batches, where they are few
        batch_rows   view: ordinal, position, batch_id, row_no, the batch's columns, and key (NULL = the row has no
                     identifier); ordinals order the pass's rows
        applied      ordinal, counted: the rows of a full file that apply. counted NULL = wholly; n = the
                     row was seen before under mappings n, so only what is new in its mappings applies; -1 = the
                     row was seen before and writes anew what it sets (`full_files`)
        id_found, id_unborn, id_nobody: as in sql/resolving.py
        births       the profiles the pass makes: profile_id, first_ordinal (of the row that makes it), birth,
                     created_by_number, created_by_property, created_by_value
        key_targets  key, profile_id (NULL = no profile), is_new (NULL = no profile)
        id_rows      profile_id, created_at_position, created_at_row: the profiles of the warehouse that the pass has
                     to do with, only where these are few
        repeated     profile_id: profiles that are, or may be, the target of several rows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdp_assets.config.properties import Property
from cdp_assets.sql.combining import Combined, combined_rows
from cdp_assets.sql.dialect import uuid5
from cdp_assets.sql.identifiers import with_identifiers
from cdp_assets.sql.records import Records, in_domain_group
from cdp_assets.sql.text import Sql, Step, chain, ident, joined, literal, sql

ROWS_PER_BATCH = 1 << 40
"""Room for the rows of one batch in an ordinal."""
ROWS_KEPT = 500_000
"""So many rows of a pass are kept in a table; of more, every statement reads the columns it needs from their files."""


@dataclass(frozen=True)
class PassBatch:
    """One batch of a pass: its place in the order and its file."""

    position: int
    batch_id: str
    parquet: str
    rows: int
    """At most."""


def batch_rows_view(
    together: Combined, batches: Sequence[PassBatch], *, events: bool = False, name: str = "batch_rows_read"
) -> list[Sql]:
    """All rows of a pass's batches. Those of one goal have the same columns; only some may carry line numbers.

    Rows of several batches are read from their files once, where they are no more than `ROWS_KEPT`: opening a hundred
    files for every statement takes longer than anything else that is done to a few rows.

    `name`: of the view.
    `events`: whether a digest of each row's events stands in `row_events`; then there is one batch.
    """
    parts = []
    for number, (batch, part) in enumerate(zip(batches, together.parts, strict=True)):
        placed = [
            sql("{base} + file_row_number AS ordinal", base=literal(number * ROWS_PER_BATCH)),
            sql("{position} AS position", position=literal(batch.position)),
            sql("{batch} AS batch_id", batch=literal(batch.batch_id)),
            Sql("file_row_number + 1 AS row_no"),
        ]
        file = sql("read_parquet({path}, file_row_number = true)", path=literal(batch.parquet))
        if together.is_plain:
            parts.append(sql("SELECT {placed}, *\nFROM {file}", placed=joined(", ", placed), file=file))
        else:
            parts.append(combined_rows(together, part, file, placed))
    rows = joined("\nUNION ALL BY NAME\n", parts)
    if together.is_plain:
        rows = sql("(\n{rows}\n)", rows=rows)
        if events:
            rows = sql("{rows} AS given LEFT JOIN row_events USING (ordinal)", rows=rows)
        rows = with_identifiers(together.config, rows)
    view = sql("CREATE OR REPLACE TEMP VIEW {name} AS\n{rows}", name=ident(name), rows=rows)
    if len(batches) == 1 or sum(batch.rows for batch in batches) > ROWS_KEPT:
        return [view]
    kept = sql("CREATE OR REPLACE TEMP TABLE batch_rows_kept AS\n{rows}", rows=rows)
    return [kept, sql("CREATE OR REPLACE TEMP VIEW {name} AS FROM batch_rows_kept", name=ident(name))]


def keyed_rows(*, aliases: bool) -> Sql:
    """Makes `batch_rows`. `aliases`: whether some rows go by another key than their own ordinal (`id_alias`)."""
    own = Sql("CASE WHEN identifier IS NOT NULL THEN given.ordinal END")
    if not aliases:
        return sql(
            "CREATE OR REPLACE TEMP VIEW batch_rows AS SELECT *, {own} AS key FROM batch_rows_read AS given", own=own
        )
    return sql(
        "CREATE OR REPLACE TEMP VIEW batch_rows AS SELECT given.*, coalesce(alias.key, {own}) AS key"
        " FROM batch_rows_read AS given LEFT JOIN id_alias AS alias ON alias.ordinal = given.ordinal",
        own=own,
    )


# Only rows that were decided one by one can make several profiles of the same value.
_MAKERS = [
    Step(
        "singly",
        Sql(
            "SELECT DISTINCT birth, created_by_property, created_by_value FROM id_unborn"
            " SEMI JOIN id_slow_births USING (birth)"
        ),
    ),
    Step(
        "makers",
        Sql(
            "SELECT birth, created_by_property, created_by_value, 1::BIGINT AS nth FROM id_unborn"
            " ANTI JOIN id_slow_births USING (birth) UNION ALL SELECT *, row_number() OVER"
            " (PARTITION BY created_by_property, created_by_value ORDER BY birth) FROM singly"
        ),
    ),
]


def first_births(records: Records) -> Sql:
    """Gives the profiles to be made numbers and ids as if none of their values had made a profile before.

    That is nearly always so; where it is not, an id is one of `profiles` already, or some id is another than its
    row's own (`ops.profile_ids`), and `births` must do it. The own id of a group is the value that makes it.
    """
    own = Sql("created_by_value") if records.group_type else uuid5(_maker_name(records))
    unborn = Step("unborn", Sql("SELECT * EXCLUDE (nth), nth AS created_by_number FROM makers"))
    final = sql("SELECT birth AS first_ordinal, *, {own} AS profile_id FROM unborn", own=own)
    return sql("CREATE OR REPLACE TEMP TABLE births AS\n{query}", query=chain([*_MAKERS, unborn], final))


ARE_FEW = Sql(
    "SELECT (SELECT count(*) FROM id_held) + (SELECT count(*) FROM births), (SELECT count(*) FROM main.profiles)"
)
"""About how many profiles the pass has to do with, and how many there are."""

ROWS_OF_FEW = Sql(
    "CREATE OR REPLACE TEMP TABLE id_rows AS\nSELECT profile_id, created_at_position, created_at_row"
    " FROM main.profiles SEMI JOIN (SELECT profile_id FROM id_held UNION ALL SELECT profile_id FROM births)"
    " USING (profile_id)"
)
"""The profiles that the pass may change, and what tells them apart from nearly all others."""


def met_before(records: Records, *, few: bool) -> Sql:
    """One row if `first_births` was mistaken, else none. `few`: whether there is `id_rows`."""
    return sql(
        "SELECT 1 WHERE {other}EXISTS (FROM {made} SEMI JOIN births USING (profile_id))",
        other=Sql("" if records.group_type else "EXISTS (FROM ops.profile_ids) OR "),
        made=Sql("(SELECT profile_id FROM id_rows UNION ALL SELECT profile_id FROM main.replaced_profiles)")
        if few
        else records.made,
    )


def births(records: Records) -> Sql:
    """Gives the profiles to be made their numbers and ids.

    An id is the published one if there is one, else the row's own, else, where that is taken, another:
    `ops.profile_ids` never gets shorter, so with its length in the name no other id is given out twice.
    A group is called by the value that makes it; where another group has that id, by one made of its maker.
    """
    steps = [
        *_MAKERS,
        Step(
            "earlier",
            sql(
                "SELECT created_by_property, created_by_value, count(*) AS made FROM {made}"
                " SEMI JOIN makers USING (created_by_property, created_by_value) GROUP BY ALL",
                made=records.made,
            ),
        ),
        Step(
            "unborn",
            Sql(
                "SELECT makers.*, coalesce(made, 0) + nth AS created_by_number FROM makers"
                " LEFT JOIN earlier USING (created_by_property, created_by_value)"
            ),
        ),
        Step("named", sql("SELECT *, {own} AS own_id FROM unborn", own=uuid5(_maker_name(records)))),
    ]
    final = _free_group_ids(records) if records.group_type else _published_ids(records)
    return sql("CREATE OR REPLACE TEMP TABLE births AS\n{query}", query=chain(steps, final))


def _maker_name(records: Records) -> Sql:
    """What a profile's id is made of: the row that makes it, as text."""
    return sql(
        "{group} || chr(31) || created_by_property || chr(31) || created_by_value || chr(31) || created_by_number",
        group=literal(records.domain_group),
    )


def _published_ids(records: Records) -> Sql:
    other = sql("{name} || chr(31) || (SELECT count(*) FROM ops.profile_ids)", name=_maker_name(records))
    return sql(
        "SELECT birth, birth AS first_ordinal, created_by_number, created_by_property, created_by_value,"
        " coalesce(kept.profile_id, CASE WHEN own_id IN (SELECT profile_id FROM ops.profile_ids) THEN {other}"
        " ELSE own_id END) AS profile_id FROM named LEFT JOIN (FROM ops.profile_ids WHERE {own}) AS kept"
        " USING (created_by_property, created_by_value, created_by_number)",
        other=uuid5(other),
        own=in_domain_group(records.domain_group),
    )


def _free_group_ids(records: Records) -> Sql:
    return sql(
        "SELECT birth, birth AS first_ordinal, created_by_number, created_by_property, created_by_value,"
        " CASE WHEN created_by_value IN (SELECT {id} FROM {path}) THEN own_id::VARCHAR ELSE created_by_value END"
        " AS profile_id FROM named",
        id=records.id,
        path=records.path,
    )


KEY_TARGETS = Sql(
    "CREATE OR REPLACE TEMP TABLE key_targets AS\nSELECT key, profile_id, false AS is_new FROM id_found UNION ALL"
    " SELECT key, profile_id, true FROM id_unborn JOIN births USING (birth)"
)
REPEATED = Sql(
    "CREATE OR REPLACE TEMP TABLE repeated AS\n"
    "SELECT DISTINCT profile_id FROM key_targets"
    " WHERE key < 0 OR key IN (SELECT key FROM id_alias WHERE ordinal <> key)"
)
"""A key below 0 is what became of rows that were decided one by one."""


def note_other_ids(records: Records) -> Sql:
    """Keeps the ids of new profiles whose own one was taken; there are none while `ops.profile_ids` is empty."""
    return sql(
        "INSERT INTO ops.profile_ids (domain_group, created_by_property, created_by_value, created_by_number,"
        " profile_id) SELECT {group}, created_by_property, created_by_value, created_by_number, profile_id FROM births"
        " WHERE profile_id <> {own} AND profile_id NOT IN (SELECT profile_id FROM ops.profile_ids)",
        group=literal(records.domain_group),
        own=uuid5(_maker_name(records)),
    )


def index_property(records: Records, prop: Property) -> Sql:
    """Enters every record's values of a property that starts to be an identifier."""
    column = ident(prop.name)
    some = sql("{rows} WHERE {column} IS NOT NULL", rows=records.rows, column=column)
    return records.entered(literal(prop.name), values_of(prop, column), some)


def values_of(prop: Property, column: Sql) -> Sql:
    """The values in a property's column as text, one a row."""
    return sql("unnest({column}::VARCHAR[])" if prop.multiple else "{column}::VARCHAR", column=column)
