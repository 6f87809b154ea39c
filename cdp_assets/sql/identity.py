"""Which profile each row of a pass belongs to, and which rows of a full file are new.

Reads   the batches of a pass, main.identifiers, main.profiles, main.goal_rows, ops.profile_ids
Writes  (temporary)
        batch_rows   view: ordinal, position, row_no and the batch's columns; ordinals order the pass's rows
        applied      ordinal, counted: the rows of a full file that apply. counted NULL = wholly; n = the
                     row was seen before under mappings n, so only what is new in its mappings applies
        id_found, id_unborn, id_nobody: as in sql/resolving.py, which makes them for several identifiers
        key_targets  value (a row's `identifier`), profile_id (NULL = no profile), is_new (NULL = no profile),
                     first_ordinal (of the rows that apply, of a new profile the one that makes it; NULL = none
                     does), and of new profiles created_by_number, created_by_property, created_by_value
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdp_assets.config.model import BatchConfig
from cdp_assets.config.properties import Property
from cdp_assets.sql.dialect import uuid5
from cdp_assets.sql.text import Sql, Step, chain, ident, joined, literal, sql

ROWS_PER_BATCH = 1 << 40
"""Room for the rows of one batch in an ordinal."""
DOMAIN_GROUP = "DEFAULT"


@dataclass(frozen=True)
class PassBatch:
    """One batch of a pass: its place in the order and its file."""

    position: int
    batch_id: str
    parquet: str


def batch_rows_view(batches: Sequence[PassBatch]) -> list[Sql]:
    """All rows of a pass's batches. They write the same columns; only some may carry line numbers.

    `batch_rows` is what everything reads; where single rows are decided, their outcomes replace their keys there.
    """
    parts = [
        sql(
            "SELECT {base} + file_row_number AS ordinal, {position} AS position, {batch} AS batch_id,"
            " file_row_number + 1 AS row_no, *\nFROM read_parquet({path}, file_row_number = true)",
            base=literal(number * ROWS_PER_BATCH),
            position=literal(batch.position),
            batch=literal(batch.batch_id),
            path=literal(batch.parquet),
        )
        for number, batch in enumerate(batches)
    ]
    rows = joined("\nUNION ALL BY NAME\n", parts)
    return [
        sql("CREATE OR REPLACE TEMP VIEW batch_rows_read AS\n{rows}", rows=rows),
        Sql("CREATE OR REPLACE TEMP VIEW batch_rows AS FROM batch_rows_read"),
    ]


def single_targets(config: BatchConfig) -> list[Sql]:
    """Finds the profile of every identifier value in the pass: makes id_found, id_unborn and id_nobody.

    For goals with one identifier. All keys of a full file are looked up, also those whose rows do not apply. A
    value that several profiles hold finds the one made first.
    """
    prop = literal(config.goal.identifier_columns[0].property)
    full = not config.goal.files.delta
    keys = sql(
        "CREATE OR REPLACE TEMP TABLE id_keys AS\nSELECT identifier AS value, min({acting}) AS first_ordinal,"
        " count(*) AS rows FROM batch_rows{applied} WHERE identifier IS NOT NULL GROUP BY identifier",
        acting=Sql("applied.ordinal" if full else "batch_rows.ordinal"),
        applied=Sql(" LEFT JOIN applied ON applied.ordinal = batch_rows.ordinal" if full else ""),
    )
    steps = [
        Step(
            "holders",
            sql(
                "SELECT value, profile_id, first_ordinal, count(*) OVER (PARTITION BY value) AS holders"
                " FROM id_keys JOIN main.identifiers AS held USING (value) WHERE held.property = {prop}",
                prop=prop,
            ),
        ),
    ]
    found = Sql(
        "SELECT value, profile_id, first_ordinal FROM holders WHERE holders = 1 UNION ALL"
        " SELECT value, arg_min(profile_id, (created_at_position, created_at_row)), any_value(first_ordinal)"
        " FROM holders JOIN (SELECT profile_id, created_at_position, created_at_row FROM main.profiles)"
        " USING (profile_id) WHERE holders > 1 GROUP BY value"
    )
    makes = Sql("first_ordinal IS NOT NULL" if config.goal.allow_create else "false")
    return [
        keys,
        sql("CREATE OR REPLACE TEMP TABLE id_found AS\n{found}", found=chain(steps, found)),
        sql(
            "CREATE OR REPLACE TEMP TABLE id_unborn AS\nSELECT value, value AS birth, first_ordinal,"
            " {prop} AS created_by_property, value AS created_by_value FROM id_keys ANTI JOIN id_found USING (value)"
            " WHERE {makes}",
            prop=prop,
            makes=makes,
        ),
        sql(
            "CREATE OR REPLACE TEMP TABLE id_nobody AS\nSELECT value, first_ordinal FROM id_keys"
            " ANTI JOIN id_found USING (value) WHERE NOT ({makes})",
            makes=makes,
        ),
    ]


def key_targets() -> Sql:
    """Gathers what was found and gives new profiles their ids.

    An id is the published one if there is one, else the row's own, else, where that is taken, another:
    `ops.profile_ids` never gets shorter, so with its length in the name no other id is given out twice.
    """
    other = sql("{name} || chr(31) || (SELECT count(*) FROM ops.profile_ids)", name=_MAKER_NAME)
    steps = [
        Step(
            "births",
            Sql(
                "SELECT birth, any_value(created_by_property) AS created_by_property,"
                " any_value(created_by_value) AS created_by_value, min(first_ordinal) AS born_at"
                " FROM id_unborn GROUP BY birth"
            ),
        ),
        Step(
            "earlier",
            Sql(
                "SELECT created_by_property, created_by_value, count(*) AS made FROM main.profiles"
                " SEMI JOIN births USING (created_by_property, created_by_value) GROUP BY ALL"
            ),
        ),
        Step(
            "unborn",
            Sql(
                "SELECT births.*, coalesce(made, 0) + row_number() OVER (PARTITION BY created_by_property,"
                " created_by_value ORDER BY born_at) AS created_by_number FROM births"
                " LEFT JOIN earlier USING (created_by_property, created_by_value)"
            ),
        ),
        Step("named", sql("SELECT *, {own} AS own_id FROM unborn", own=uuid5(_MAKER_NAME))),
        Step(
            "born",
            sql(
                "SELECT named.*, coalesce(kept.profile_id, CASE WHEN own_id IN"
                " (SELECT profile_id FROM ops.profile_ids) THEN {other} ELSE own_id END) AS profile_id"
                " FROM named LEFT JOIN ops.profile_ids AS kept"
                " USING (created_by_property, created_by_value, created_by_number)",
                other=uuid5(other),
            ),
        ),
    ]
    final = Sql(
        "SELECT value, profile_id, false AS is_new, first_ordinal, NULL::BIGINT AS created_by_number,"
        " NULL::VARCHAR AS created_by_property, NULL::VARCHAR AS created_by_value FROM id_found UNION ALL"
        " SELECT value, NULL, NULL, first_ordinal, NULL, NULL, NULL FROM id_nobody UNION ALL"
        " SELECT given.value, born.profile_id, true, born.born_at, born.created_by_number, born.created_by_property,"
        " born.created_by_value FROM id_unborn AS given JOIN born USING (birth)"
    )
    return sql("CREATE OR REPLACE TEMP TABLE key_targets AS\n{query}", query=chain(steps, final))


_MAKER_NAME = sql(
    "{group} || chr(31) || created_by_property || chr(31) || created_by_value || chr(31) || created_by_number",
    group=literal(DOMAIN_GROUP),
)
"""What a profile's id is made of: the row that makes it, as text."""


REPEATED = Sql(
    "CREATE OR REPLACE TEMP TABLE repeated AS\n"
    "SELECT profile_id FROM key_targets JOIN id_keys USING (value) WHERE rows > 1 AND profile_id IS NOT NULL"
    " UNION SELECT profile_id FROM key_targets WHERE profile_id IS NOT NULL GROUP BY profile_id HAVING count(*) > 1"
    " UNION SELECT profile_id FROM key_targets ANTI JOIN id_keys USING (value) WHERE profile_id IS NOT NULL"
)
"""Profiles that are, or may be, the target of several rows. A key that no tuple has is of rows decided singly."""


def note_other_ids() -> Sql:
    """Keeps the ids of new profiles whose own one was taken; there are none while `ops.profile_ids` is empty."""
    return sql(
        "INSERT INTO ops.profile_ids (created_by_property, created_by_value, created_by_number, profile_id)"
        " SELECT DISTINCT created_by_property, created_by_value, created_by_number, profile_id FROM key_targets"
        " WHERE is_new AND profile_id <> {own} AND profile_id NOT IN (SELECT profile_id FROM ops.profile_ids)",
        own=uuid5(_MAKER_NAME),
    )


def index_property(prop: Property) -> Sql:
    """Enters every profile's values of a property that starts to be an identifier."""
    return sql(
        "INSERT INTO main.identifiers (property, value, profile_id)"
        " SELECT {name}, {values}, profile_id FROM main.profiles WHERE {column} IS NOT NULL",
        name=literal(prop.name),
        values=values_of(prop, ident(prop.name)),
        column=ident(prop.name),
    )


def values_of(prop: Property, column: Sql) -> Sql:
    """The values in a property's column as text, one a row."""
    return sql("unnest({column}::VARCHAR[])" if prop.multiple else "{column}::VARCHAR", column=column)
