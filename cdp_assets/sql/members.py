"""Who belongs to which group (spec.md 7): a view over the profiles' properties that hold group ids.

Reads   main.profiles, main.groups_<type>
Makes   main.groups_<type>_members
"""

from __future__ import annotations

from collections.abc import Sequence

from cdp_assets.config.properties import Property
from cdp_assets.sql.records import groups, groups_name
from cdp_assets.sql.text import Sql, ident, joined, literal, sql

_COLUMNS = {
    "group_id": "The group, as the profile's property names it.",
    "profile_id": "The profile that belongs to it.",
    "property": "The property that says so.",
    "is_dangling": "Whether no file has told of this group yet.",
}
VIEWS = Sql(
    "SELECT view_name, comment FROM duckdb_views() WHERE database_name = current_database() AND schema_name = 'main'"
    " AND view_name LIKE 'groups\\_%\\_members' ESCAPE '\\'"
)
"""Name and comment of every view of members."""


def members_name(group_type: str) -> str:
    """The name of the view of a type's members."""
    return f"{groups_name(group_type)}_members"


def members_comment(group_type: str, links: Sequence[Property]) -> str:
    """What the view says of itself: other links, other comment."""
    by = ", ".join(prop.name for prop in links) or "none"
    return f"Which profiles belong to which group of type {group_type}; by property: {by}."


def members_view(group_type: str, links: Sequence[Property]) -> list[Sql]:
    """The statements that make the view. `links`: the properties of profiles that hold such ids."""
    name = ident("main", members_name(group_type))
    told = [
        sql(
            "SELECT {each} AS group_id, profile_id, {name} AS property FROM main.profiles WHERE {column} IS NOT NULL",
            each=sql("unnest({c})", c=ident(prop.name)) if prop.multiple else ident(prop.name),
            name=literal(prop.name),
            column=ident(prop.name),
        )
        for prop in links
    ]
    nobody = Sql("SELECT NULL::VARCHAR AS group_id, NULL::UUID AS profile_id, NULL::VARCHAR AS property LIMIT 0")
    view = sql(
        "CREATE OR REPLACE VIEW {name} AS SELECT told.group_id, told.profile_id, told.property,"
        " known.group_id IS NULL AS is_dangling FROM (\n{told}\n) AS told LEFT JOIN {groups} AS known"
        " ON known.group_id = told.group_id",
        name=name,
        told=joined("\nUNION ALL\n", told or [nobody]),
        groups=groups(group_type).path,
    )
    comment = members_comment(group_type, links)
    return [
        view,
        sql("COMMENT ON VIEW {name} IS {text}", name=name, text=literal(comment)),
        *(
            sql(
                "COMMENT ON COLUMN {path} IS {text}",
                path=ident("main", members_name(group_type), column),
                text=literal(text),
            )
            for column, text in _COLUMNS.items()
        ),
    ]
