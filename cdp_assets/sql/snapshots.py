"""Copies of the derived tables as Parquet files, and the tables from such copies.

Reads   main.profiles and the other tables that a replay rebuilds, ops.batches, ops.profile_ids
Writes  the same; one Parquet file for each table, and `outcomes`: position, batch_id, and what its rows did
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from cdp_assets.config.base import DEFAULT_DOMAIN_GROUP
from cdp_assets.sql.dialect import uuid5
from cdp_assets.sql.ledger import FIRST, REPLAYED
from cdp_assets.sql.replaying import rename_profiles
from cdp_assets.sql.schema import Table
from cdp_assets.sql.text import Sql, comma, ident, literal, sql

ENGINE = Sql("SELECT version()")
MAKER = Sql(
    "domain_group || chr(31) || created_by_property || chr(31) || created_by_value || chr(31) || created_by_number"
)
"""What a profile's own id is made of (sql/identity.py)."""
NO_PUBLISHED_IDS = Sql("SELECT count(*) = 0 FROM ops.profile_ids")


def copy_table(table: Table, path: str) -> Sql:
    """Writes a table into a file, its rows in their order."""
    names = comma(ident(column.name) for column in table.columns)
    return _copied(sql("SELECT {names} FROM {table}", names=names, table=table.path), path)


def copy_outcomes(path: str) -> Sql:
    """Writes what the rows of each folded batch did when it was folded last."""
    now = comma(sql("coalesce({again}, {first}) AS {first}", **names) for names in _OUTCOMES)
    query = sql(
        "SELECT position, batch_id, {now} FROM ops.batches WHERE position IS NOT NULL ORDER BY position", now=now
    )
    return _copied(query, path)


def _copied(query: Sql, path: str) -> Sql:
    return sql("COPY ({query}) TO {path} (FORMAT parquet, COMPRESSION zstd)", query=query, path=literal(path))


def load_table(table: Table, columns: Sequence[str], path: str) -> Sql:
    """Fills a table, empty so far, from its file. `columns`: those of its columns that the file has."""
    return sql(
        "INSERT INTO {table} ({names}) SELECT {names} FROM read_parquet({path})",
        table=table.path,
        names=comma(map(ident, columns)),
        path=literal(path),
    )


def load_outcomes(path: str, now: datetime) -> list[Sql]:
    """Enters the batches of a snapshot as folded. One that was never folded for good counts as it did there."""
    first = comma(sql("{first} = past.{first}", **names) for names in _OUTCOMES)
    again = comma(sql("{again} = past.{first}", **names) for names in _OUTCOMES)
    past = sql("FROM read_parquet({path}) AS past WHERE past.batch_id = batches.batch_id", path=literal(path))
    return [
        sql(
            "UPDATE ops.batches SET {first}, folded_at = {now} {past} AND folded_at IS NULL",
            first=first,
            now=literal(now),
            past=past,
        ),
        sql(
            "UPDATE ops.batches SET {again}, position = past.position, state = 'folded', note = '' {past}",
            again=again,
            past=past,
        ),
    ]


_OUTCOMES = [{"first": ident(first), "again": ident(again)} for first, again in zip(FIRST, REPLAYED, strict=True)]


def give_ids(events: Iterable[Table]) -> list[Sql]:
    """Gives every profile of a snapshot the id that a replay from the first batch would give it now.

    Which is the published one, else its own, else, where that has gone to another maker, another
    (`identity.key_targets`): what is published may have changed since the snapshot was taken.
    """
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE renamed AS\n"
            "WITH made AS (SELECT profile_id, domain_group, created_by_property, created_by_value, created_by_number"
            " FROM main.profiles UNION ALL SELECT profile_id, domain_group, created_by_property, created_by_value,"
            " created_by_number FROM main.replaced_profiles),\n"
            "named AS (SELECT made.profile_id AS new_id, kept.profile_id AS kept_id, {own} AS own_id,"
            " {other} AS other_id, domain_group, created_by_property, created_by_value, created_by_number FROM made"
            " LEFT JOIN (SELECT * REPLACE (coalesce(domain_group, {default}) AS domain_group) FROM ops.profile_ids)"
            " AS kept USING (domain_group, created_by_property, created_by_value, created_by_number)),\n"
            "told AS (SELECT *, kept_id IS NULL AND own_id IN (SELECT profile_id FROM ops.profile_ids) AS is_other"
            " FROM named)\n"
            "SELECT *, CASE WHEN is_other THEN other_id ELSE coalesce(kept_id, own_id) END AS old_id FROM told"
            " WHERE new_id <> old_id",
            default=literal(DEFAULT_DOMAIN_GROUP),
            own=uuid5(MAKER),
            other=uuid5(sql("{name} || chr(31) || (SELECT count(*) FROM ops.profile_ids)", name=MAKER)),
        ),
        Sql(
            "INSERT INTO ops.profile_ids (domain_group, created_by_property, created_by_value, created_by_number,"
            " profile_id) SELECT domain_group, created_by_property, created_by_value, created_by_number, old_id"
            " FROM renamed WHERE is_other"
        ),
        *rename_profiles(events),
        Sql("DROP TABLE renamed"),
    ]
