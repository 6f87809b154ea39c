"""What the rows of drop folders say of consents and lists (spec.md K5).

The status of a profile in a channel is its newest statement's; of two of one time UNSUBSCRIBED wins, and of two alike
the first in the order stays. So the order of files does not count. Who has no row has never subscribed.

Reads   batch_rows (consents, list_id, list_name), key_targets (identity)
Writes  main.consents, main.list_memberships; (temporary)
        consent_new      the statements of the pass that are newer than what was known
        membership_new   the memberships that were not known
        consent_changed  profile_id: whose consents or memberships differ after the pass
"""

from __future__ import annotations

from cdp_assets.sql.text import Sql, sql

METHOD = "SFTP"
_RANK = "(s.timestamp, s.status = 'UNSUBSCRIBED')"
_ORDERED = "ROW(timestamp, status = 'UNSUBSCRIBED', -ordinal)"


def make_changes(looks: Sql, names: Sql) -> list[Sql]:
    """Makes the temporary tables.

    Args:
        looks: the batches of the pass: number, position, look_at.
        names: position and name of their files.
    """
    rows = Sql(
        "(SELECT * FROM batch_rows JOIN key_targets USING (key) WHERE profile_id IS NOT NULL"
        " AND (consents IS NOT NULL OR list_id IS NOT NULL))"
    )
    return [
        sql(
            "CREATE OR REPLACE TEMP TABLE consent_new AS\n"
            "WITH stated AS (SELECT profile_id, ordinal, position, unnest(consents) AS one FROM {rows}),\n"
            "listed AS (SELECT profile_id, one.channel AS channel, one.status AS status, one.stated_at AS timestamp,"
            " ordinal, position FROM stated),\n"
            "newest AS (SELECT profile_id, channel, unnest(max_by(struct_pack(status, timestamp, position),"
            " {ordered})) FROM listed GROUP BY profile_id, channel)\n"
            "SELECT n.profile_id, n.channel, n.status, n.timestamp, {method} AS method, names.name AS source_file"
            " FROM newest AS n JOIN {names} AS names USING (position)"
            " LEFT JOIN main.consents AS s USING (profile_id, channel)"
            " WHERE s.status IS NULL OR (n.timestamp, n.status = 'UNSUBSCRIBED') > {rank}",
            rows=rows,
            ordered=Sql(_ORDERED),
            method=Sql(f"'{METHOD}'"),
            names=names,
            rank=Sql(_RANK),
        ),
        sql(
            "CREATE OR REPLACE TEMP TABLE membership_new AS SELECT profile_id, list_id,"
            " arg_min(list_name, ordinal) AS list_name, arg_min(look_at, ordinal) AS added_at FROM {rows} AS given"
            " JOIN {looks} AS looks USING (position) ANTI JOIN main.list_memberships AS known"
            " ON known.profile_id = given.profile_id AND known.list_id = given.list_id"
            " WHERE list_id IS NOT NULL GROUP BY profile_id, list_id",
            rows=rows,
            looks=looks,
        ),
        Sql(
            "CREATE OR REPLACE TEMP TABLE consent_changed AS SELECT profile_id FROM consent_new"
            " UNION SELECT profile_id FROM membership_new"
        ),
    ]


ENTER_CHANGES = (
    Sql("DELETE FROM main.consents WHERE (profile_id, channel) IN (SELECT (profile_id, channel) FROM consent_new)"),
    Sql("INSERT INTO main.consents BY NAME SELECT * FROM consent_new"),
    Sql("INSERT INTO main.list_memberships BY NAME SELECT * FROM membership_new"),
)

MOVE_MERGED = (
    Sql(
        "CREATE OR REPLACE TEMP TABLE consent_moved AS SELECT coalesce(replaced_by, s.profile_id) AS profile_id,"
        " channel, status, timestamp, method, source_file, replaced_by IS NOT NULL AS moved FROM main.consents AS s"
        " LEFT JOIN merged_pairs USING (profile_id)"
        " WHERE coalesce(replaced_by, s.profile_id) IN (SELECT replaced_by FROM merged_pairs)"
    ),
    Sql("DELETE FROM main.consents WHERE profile_id IN (SELECT unnest([profile_id, replaced_by]) FROM merged_pairs)"),
    Sql(
        "INSERT INTO main.consents BY NAME SELECT profile_id, channel, unnest(max_by(struct_pack(status, timestamp,"
        " method, source_file), ROW(timestamp, status = 'UNSUBSCRIBED', NOT moved, source_file))) FROM consent_moved"
        " GROUP BY profile_id, channel"
    ),
    Sql(
        "CREATE OR REPLACE TEMP TABLE membership_moved AS SELECT coalesce(replaced_by, s.profile_id) AS profile_id,"
        " list_id, min_by(list_name, ROW(added_at, list_name)) AS list_name, min(added_at) AS added_at"
        " FROM main.list_memberships AS s LEFT JOIN merged_pairs USING (profile_id)"
        " WHERE coalesce(replaced_by, s.profile_id) IN (SELECT replaced_by FROM merged_pairs) GROUP BY ALL"
    ),
    Sql(
        "DELETE FROM main.list_memberships WHERE profile_id IN"
        " (SELECT unnest([profile_id, replaced_by]) FROM merged_pairs)"
    ),
    Sql("INSERT INTO main.list_memberships BY NAME SELECT * FROM membership_moved"),
)
"""What was known of profiles that merged is known of their survivors."""
