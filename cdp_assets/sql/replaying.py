"""Published profile ids outlive a replay: a late file may change which row made a profile, never its id.

Reads   main.profiles and main.identifiers, before and after the replay
Writes  ops.profile_ids, and the ids in main
"""

from __future__ import annotations

from collections.abc import Iterable

from cdp_assets.sql.schema import Table
from cdp_assets.sql.text import Sql, sql


def remember_published_ids() -> list[Sql]:
    """Notes every id and the row that made it, before the tables are rebuilt."""
    return [
        Sql(
            "CREATE OR REPLACE TEMP TABLE published AS SELECT profile_id, domain_group, created_by_property,"
            " created_by_value, created_by_number, created_at_position, created_at_row FROM main.profiles"
        ),
        Sql(
            "CREATE OR REPLACE TEMP TABLE kept AS SELECT profile_id FROM ops.profile_ids"
            " UNION ALL SELECT profile_id FROM main.replaced_profiles"
        ),
    ]


def keep_published_ids(events: Iterable[Table]) -> list[Sql]:
    """Gives a profile that is made by another row now the id it was published under.

    A published id that no profile has any more goes to the profile that holds its maker's identifier, if
    that one's id was never published. An id that is replaced by another now is not lost, and one that was has been
    published. Of several profiles, and of several ids, the one made first wins; an id that finds no profile is gone
    for good. An id belongs to one maker only: the latest it went to.
    """
    return [
        Sql(
            "CREATE OR REPLACE TEMP TABLE renamed AS\n"
            "WITH lost AS (SELECT * FROM published ANTI JOIN main.profiles USING (profile_id)"
            " ANTI JOIN main.replaced_profiles USING (profile_id)),\n"
            "fresh AS (SELECT * FROM main.profiles ANTI JOIN published USING (profile_id)"
            " ANTI JOIN kept USING (profile_id)),\n"
            "heirs AS (SELECT lost.profile_id AS old_id, any_value((lost.created_at_position, lost.created_at_row))"
            " AS age, arg_min(fresh.profile_id, (fresh.created_at_position, fresh.created_at_row)) AS new_id\n"
            "FROM lost JOIN main.identifiers AS held"
            " ON held.property = lost.created_by_property AND held.value = lost.created_by_value\n"
            "JOIN fresh ON fresh.profile_id = held.profile_id AND fresh.domain_group = lost.domain_group"
            " GROUP BY lost.profile_id)\n"
            "SELECT new_id, arg_min(old_id, (age, old_id)) AS old_id FROM heirs GROUP BY new_id"
        ),
        Sql("DELETE FROM ops.profile_ids WHERE profile_id IN (SELECT unnest([new_id, old_id]) FROM renamed)"),
        Sql(
            "INSERT INTO ops.profile_ids (domain_group, created_by_property, created_by_value, created_by_number,"
            " profile_id) SELECT domain_group, created_by_property, created_by_value, created_by_number, old_id"
            " FROM renamed JOIN main.profiles ON profile_id = new_id"
        ),
        *rename_profiles(events),
        *(Sql(f"DROP TABLE {table}") for table in ("renamed", "published", "kept")),
    ]


def rename_profiles(events: Iterable[Table]) -> list[Sql]:
    """Gives the profiles in `renamed` another id wherever theirs stands: `new_id` is the one they have."""
    places = [
        (Sql("main.identifiers"), Sql("profile_id")),
        (Sql("main.imported_profiles"), Sql("profile_id")),
        (Sql("main.profiles"), Sql("profile_id")),
        (Sql("main.consents"), Sql("profile_id")),
        (Sql("main.list_memberships"), Sql("profile_id")),
        (Sql("main.consent_changes"), Sql("profile_id")),
        (Sql("main.consent_changes"), Sql("former_id")),
        (Sql("main.replaced_profiles"), Sql("profile_id")),
        (Sql("main.latest_writes"), Sql("profile_id")),
        (Sql("main.replaced_profiles"), Sql("replaced_by")),
        (Sql("ops.identity_conflicts"), Sql("profile_id")),
        (Sql("ops.identity_conflicts"), Sql("other_profile_id")),
        (Sql("ops.consent_mismatches"), Sql("profile_id")),
        *((table.path, Sql("profile_id")) for table in events),
    ]
    return [
        sql("UPDATE {table} SET {column} = old_id FROM renamed WHERE {column} = new_id", table=table, column=column)
        for table, column in places
    ]
