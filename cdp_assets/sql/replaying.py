"""Published profile ids outlive a replay: a late file may change which row made a profile, never its id.

Reads   main.profiles and main.identifiers, before and after the replay
Writes  ops.profile_ids, and the ids in main
"""

from __future__ import annotations

from cdp_assets.sql.text import Sql


def remember_published_ids() -> list[Sql]:
    """Notes every id and the row that made it, before the tables are rebuilt."""
    return [
        Sql(
            "CREATE OR REPLACE TEMP TABLE published AS SELECT profile_id, created_by_property, created_by_value,"
            " created_by_number, created_at_position, created_at_row FROM main.profiles"
        )
    ]


def keep_published_ids() -> list[Sql]:
    """Gives a profile that is made by another row now the id it was published under.

    A published id that no profile has any more goes to the profile that holds its maker's identifier, if
    that one's id was never published. Of several, the one made first wins; the others are gone for good.
    """
    return [
        Sql(
            "CREATE OR REPLACE TEMP TABLE renamed AS\n"
            "WITH lost AS (SELECT * FROM published ANTI JOIN main.profiles USING (profile_id)),\n"
            "fresh AS (SELECT * FROM main.profiles ANTI JOIN published USING (profile_id))\n"
            "SELECT fresh.profile_id AS new_id, arg_min(lost.profile_id, (lost.created_at_position,"
            " lost.created_at_row, lost.profile_id)) AS old_id\n"
            "FROM lost JOIN main.identifiers AS held"
            " ON held.property = lost.created_by_property AND held.value = lost.created_by_value\n"
            "JOIN fresh ON fresh.profile_id = held.profile_id GROUP BY fresh.profile_id"
        ),
        Sql(
            "INSERT INTO ops.profile_ids (created_by_property, created_by_value, created_by_number, profile_id)"
            " SELECT created_by_property, created_by_value, created_by_number, old_id"
            " FROM renamed JOIN main.profiles ON profile_id = new_id"
        ),
        *(
            Sql(
                f"UPDATE main.{table} SET profile_id = old_id FROM renamed WHERE profile_id = new_id"  # noqa: S608
            )
            for table in ("identifiers", "imported_profiles", "profiles")
        ),
        Sql("DROP TABLE renamed"),
        Sql("DROP TABLE published"),
    ]
